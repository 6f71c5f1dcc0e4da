#include "broker/admission.h"

#include <fmt/core.h>

#include "policy/egress.h"

namespace sandbox_run::broker {
namespace {

std::variant<Admission, Refusal> admit_name(const policy::NetworkPolicy& policy,
                                            const std::string& name, std::uint16_t port) {
  const policy::EgressRule* rule = policy::rule_for(policy, name, port);
  if (rule == nullptr) return Refusal{name, fmt::format("no rule allows port {} of it", port)};
  // A wildcard's text is no name; `name` passed the DNS server's check of every byte.
  return Admission{rule, name, rule->host.is_wildcard() ? name : rule->host.text(), {}};
}

/// The sandbox's own 127.0.0.1 stands for the host's, but only for a rule that says so.
std::variant<Admission, Refusal> admit_loopback(const policy::NetworkPolicy& policy,
                                                const Endpoint& destination) {
  const std::string text = destination.address.text();
  const policy::EgressRule* rule = policy::rule_for(policy, text, destination.port);
  if (rule == nullptr) rule = policy::rule_for(policy, "localhost", destination.port);
  if (rule == nullptr || !rule->host.is_loopback()) {
    return Refusal{"", "no rule allows this port of the host's loopback"};
  }
  Admission admission{rule, rule->host.text(), "", {}};
  if (rule->host.is_address()) {
    if (const auto address = Address::parse(rule->host.text())) admission.addresses = {*address};
  } else if (destination.address.is_ipv6()) {
    admission.addresses = {Address::ipv6_loopback(), Address::ipv4_loopback()};
  } else {
    admission.addresses = {Address::ipv4_loopback(), Address::ipv6_loopback()};
  }
  return admission;
}

}  // namespace

std::variant<Admission, Refusal> admit(const policy::NetworkPolicy& policy, const NameTable& names,
                                       const Endpoint& destination) {
  if (const auto name = names.name_of(destination.address)) {
    return admit_name(policy, *name, destination.port);
  }
  if (destination.address.is_loopback()) return admit_loopback(policy, destination);
  const std::string text = destination.address.text();
  const policy::EgressRule* rule = policy::rule_for(policy, text, destination.port);
  if (rule != nullptr && rule->host.is_address()) {
    if (const auto address = Address::parse(rule->host.text())) {
      return Admission{rule, text, "", {*address}};
    }
  }
  if (NameTable::covers(destination.address)) {
    return Refusal{"", "no name was looked up that has this address"};
  }
  return Refusal{"", "no rule names this address"};
}

Candidates judge_candidates(const Admission& admission, const std::vector<Address>& addresses) {
  Candidates result;
  const bool loopback_rule = admission.rule->host.is_loopback();
  for (const Address& address : addresses) {
    const bool allowed = loopback_rule ? address.is_loopback()
                                       : policy::may_connect(*admission.rule, address.bytes());
    (allowed ? result.allowed : result.refused).push_back(address);
  }
  return result;
}

}  // namespace sandbox_run::broker
