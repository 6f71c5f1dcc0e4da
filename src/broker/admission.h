#pragma once

#include <string>
#include <variant>
#include <vector>

#include "broker/address.h"
#include "broker/name_table.h"
#include "events/caller_table.h"
#include "policy/egress.h"

// What a connection to an address and port inside the sandbox stands for. Pure.

namespace sandbox_run::broker {

struct Admission {
  const policy::EgressRule* rule = nullptr;  // lives as long as the policy
  std::string host;                          // for people: name or address
  /// What the host's resolver is asked: the rule's own text where it is exact, so that a fooled
  /// comparison never leads to a name that the package chose. "": `addresses` are fixed instead.
  std::string lookup;
  std::vector<Address> addresses;
  events::CallerTable::Number caller = events::CallerTable::kUnknown;
};

struct Refusal {
  std::string name;  // of the destination, if it has one
  std::string reason;
};

std::variant<Admission, Refusal> admit(const policy::NetworkPolicy& policy, const NameTable& names,
                                       const Endpoint& destination,
                                       const policy::Requester& requester);

/// What the policy knows of `actor`.
policy::Requester requester_of(const events::Actor& actor);

struct Candidates {
  std::vector<Address> allowed;
  std::vector<Address> refused;
};
/// Judges what `admission`'s name resolved to (or its fixed addresses).
Candidates judge_candidates(const Admission& admission, const std::vector<Address>& addresses);

}  // namespace sandbox_run::broker
