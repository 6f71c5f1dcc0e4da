#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "broker/dns_message.h"
#include "broker/name_table.h"
#include "broker/recorder.h"
#include "policy/policy.h"
#include "policy/proxy.h"

namespace sandbox_run::broker {

struct NameAnswer {
  std::vector<std::uint8_t> message;
  /// What the host's resolver must first know, and `failure` goes out if it does not: a rule's own
  /// text, so that nothing of a query reaches it. "": nothing.
  std::string lookup;
  std::vector<std::uint8_t> failure;
};

/// Answers DNS queries from the policy alone.
///
/// Must:     give NXDOMAIN for every name that no rule allows, at once; an allowed name has an A
///           record and nothing else (an empty answer to AAAA or HTTPS, so that clients go on).
/// Must not: forward anything of a query, or do any I/O: a query carries nothing out.
class NameService {
 public:
  /// All of them outlive it.
  NameService(const policy::NetworkPolicy& policy, const policy::ProxyPolicy& proxies,
              NameTable& names, Recorder& recorder)
      : policy_(policy), proxies_(proxies), names_(names), recorder_(recorder) {}

  /// `caller` is who asks, for the record. nullopt: not to be answered.
  std::optional<NameAnswer> answer(std::span<const std::uint8_t> message, Recorder::Caller caller);

 private:
  DnsAnswer answer_question(const DnsQuestion& question, Recorder::Caller caller);

  std::string needed_lookup(const DnsQuestion& question) const;

  const policy::NetworkPolicy& policy_;
  const policy::ProxyPolicy& proxies_;
  NameTable& names_;
  Recorder& recorder_;
};

}  // namespace sandbox_run::broker
