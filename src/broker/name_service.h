#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "broker/dns_message.h"
#include "broker/name_table.h"
#include "broker/recorder.h"
#include "policy/policy.h"

namespace sandbox_run::broker {

/// Answers DNS queries from the policy alone.
///
/// Must:     give NXDOMAIN for every name that no rule allows, at once; an allowed name has an A
///           record and nothing else (an empty answer to AAAA or HTTPS, so that clients go on).
/// Must not: forward anything of a query, or do any I/O: a query carries nothing out.
class NameService {
 public:
  /// All of them outlive it.
  NameService(const policy::NetworkPolicy& policy, NameTable& names, Recorder& recorder)
      : policy_(policy), names_(names), recorder_(recorder) {}

  /// `caller` is who asks, for the record. nullopt: not to be answered.
  std::optional<std::vector<std::uint8_t>> answer(std::span<const std::uint8_t> message,
                                                  Recorder::Caller caller);

 private:
  DnsAnswer answer_question(const DnsQuestion& question, Recorder::Caller caller);

  const policy::NetworkPolicy& policy_;
  NameTable& names_;
  Recorder& recorder_;
};

}  // namespace sandbox_run::broker
