#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "broker/limits.h"
#include "broker/name_table.h"
#include "broker/pipe_pool.h"
#include "broker/recorder.h"
#include "broker/resolver.h"
#include "broker/screen.h"
#include "events/caller_table.h"
#include "policy/leak_finder.h"
#include "policy/policy.h"
#include "policy/proxy.h"

namespace sandbox_run::broker {

/// What the broker's parts share. Held by each coroutine, so it is there until the last has ended.
struct Services {
  Services(policy::NetworkPolicy rules, events::EventSink& sink,
           const events::CallerTable& known_callers, const Limits& bounds,
           policy::ProxyPolicy upstream_proxies = {},
           const policy::LeakFinder* leak_finder = nullptr)
      : policy(std::move(rules)),
        limits(bounds),
        proxies(std::move(upstream_proxies)),
        leaks(leak_finder),
        callers(known_callers),
        recorder(sink, known_callers, bounds),
        names(bounds.names),
        resolver(bounds.lookups) {}

  const policy::NetworkPolicy policy;
  const Limits limits;
  const policy::ProxyPolicy proxies;
  const policy::LeakFinder* const leaks;  // nullptr: there are no decoys
  const events::CallerTable& callers;
  Recorder recorder;
  NameTable names;
  Resolver resolver;
  PipePool pipes;
  std::vector<std::uint8_t> pending = std::vector<std::uint8_t>(kMaxPending);  // see Inspector
};

}  // namespace sandbox_run::broker
