#include "broker/admission.h"

#include "base/format.h"
#include "policy/egress.h"

namespace sandbox_run::broker {
namespace {

using policy::EgressRule;
using policy::Requester;

/// What is wanted of the policy: who, where to.
struct Wish {
  const policy::NetworkPolicy& policy;
  const Requester& requester;
  std::uint16_t port;
};

const EgressRule* rule_for(const Wish& wish, std::string_view name) {
  return policy::rule_for(wish.policy, name, wish.port, wish.requester);
}

/// Why there is no rule for `name`: nobody may, or somebody else may.
Refusal refuse(const Wish& wish, std::string_view name, std::string nobody) {
  const EgressRule* other = policy::rule_for_anybody(wish.policy, name, wish.port);
  if (other == nullptr) return {"", std::move(nobody)};
  const char* unknown = wish.requester.kind == Requester::Kind::unknown
                            ? ", and whose connection this is, is not known"
                            : "";
  return {"", base::format("its rule is for {}{}", policy::to_words(other->audience), unknown)};
}

std::variant<Admission, Refusal> admit_name(const Wish& wish, const std::string& name) {
  const EgressRule* rule = rule_for(wish, name);
  if (rule == nullptr) {
    Refusal refusal = refuse(wish, name, base::format("no rule allows port {} of it", wish.port));
    refusal.name = name;
    return refusal;
  }
  // A wildcard's text is no name; `name` passed the DNS server's check of every byte.
  return Admission{rule, name, rule->host.is_wildcard() ? name : rule->host.text(), {}, {}};
}

/// The sandbox's own 127.0.0.1 stands for the host's, but only for a rule that says so.
std::variant<Admission, Refusal> admit_loopback(const Wish& wish, const Address& address) {
  const std::string text = address.text();
  const EgressRule* rule = rule_for(wish, text);
  if (rule == nullptr) rule = rule_for(wish, "localhost");
  if (rule == nullptr || !rule->host.is_loopback()) {
    return refuse(wish, text, "no rule allows this port of the host's loopback");
  }
  Admission admission{rule, rule->host.text(), "", {}, {}};
  if (rule->host.is_address()) {
    if (const auto literal = Address::parse(rule->host.text())) admission.addresses = {*literal};
  } else if (address.is_ipv6()) {
    admission.addresses = {Address::ipv6_loopback(), Address::ipv4_loopback()};
  } else {
    admission.addresses = {Address::ipv4_loopback(), Address::ipv6_loopback()};
  }
  return admission;
}

}  // namespace

std::variant<Admission, Refusal> admit(const policy::NetworkPolicy& policy, const NameTable& names,
                                       const Endpoint& destination, const Requester& requester) {
  const Wish wish{policy, requester, destination.port};
  if (const auto name = names.name_of(destination.address)) return admit_name(wish, *name);
  if (destination.address.is_loopback()) return admit_loopback(wish, destination.address);
  const std::string text = destination.address.text();
  const EgressRule* rule = rule_for(wish, text);
  if (rule != nullptr && rule->host.is_address()) {
    if (const auto address = Address::parse(rule->host.text())) {
      return Admission{rule, text, "", {*address}, {}};
    }
  }
  if (NameTable::covers(destination.address)) {
    return Refusal{"", "no name was looked up that has this address"};
  }
  return refuse(wish, text, "no rule names this address");
}

Requester requester_of(const events::Actor& actor) {
  using From = events::Actor::Kind;
  using To = Requester::Kind;
  switch (actor.kind) {
    case From::package_manager:
      return {To::package_manager, {}};
    case From::script:
      // The attack: a git dependency calls itself what a rule is for.
      return {To::script, actor.claims_name ? std::string() : actor.package};
    case From::build:
      return {To::build, {}};
    case From::project_script:
      return {To::project_script, {}};
    case From::unknown:
      break;
  }
  return {};
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
