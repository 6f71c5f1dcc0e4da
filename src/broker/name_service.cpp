#include "broker/name_service.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "broker/address.h"
#include "policy/egress.h"

namespace sandbox_run::broker {
namespace {

std::vector<std::uint8_t> to_vector(const Address& address) {
  const auto bytes = address.bytes();
  return {bytes.begin(), bytes.end()};
}

/// "registry.example.com.lan" where registry.example.com is allowed: glibc and musl try the search
/// domains of resolv.conf, nobody asked for that name.
bool is_search_variant(const policy::NetworkPolicy& policy, const std::string& name) {
  return std::any_of(policy.allow.begin(), policy.allow.end(), [&](const auto& rule) {
    return !rule.host.is_wildcard() && !rule.host.is_address() &&
           name.starts_with(rule.host.text() + ".");
  });
}

/// "1.0.18.198.in-addr.arpa", for whatever address: asked for logs and greetings. Letters in it are
/// somebody's message, not an address.
bool is_reverse_name(std::string_view name) {
  const auto of_labels = [&](std::string_view suffix, std::size_t most, std::string_view digits) {
    if (!name.ends_with(suffix)) return false;
    const std::string_view labels = name.substr(0, name.size() - suffix.size());
    return labels.size() <= most && labels.find_first_not_of(digits) == std::string_view::npos;
  };
  return of_labels(".in-addr.arpa", 15, "0123456789.") ||
         of_labels(".ip6.arpa", 63, "0123456789abcdef.");
}

}  // namespace

std::optional<NameAnswer> NameService::answer(std::span<const std::uint8_t> message,
                                              Recorder::Caller caller) {
  const auto query = parse_dns_query(message);
  if (!query) return std::nullopt;
  if (query->problem != Rcode::no_error) {
    return NameAnswer{build_dns_response(*query, {.rcode = query->problem}), {}, {}};
  }
  const DnsAnswer content = answer_question(*query->question, caller);
  NameAnswer answer{build_dns_response(*query, content), {}, {}};
  if (content.address.empty()) return answer;
  answer.lookup = needed_lookup(*query->question);
  if (!answer.lookup.empty()) {
    answer.failure = build_dns_response(*query, {.rcode = Rcode::server_failure});
  }
  return answer;
}

/// Of a wildcard's names the package chooses the labels: those go out with a connection, or not. A
/// name that goes by a proxy is the proxy's to look up.
std::string NameService::needed_lookup(const DnsQuestion& question) const {
  const policy::EgressRule* rule = policy::rule_for_name(policy_, question.name);
  if (rule == nullptr || rule->host.is_wildcard() || rule->host.is_loopback()) return {};
  const bool direct = std::any_of(rule->ports.begin(), rule->ports.end(), [&](std::uint16_t port) {
    return policy::proxy_for(proxies_, rule->host.text(), port) == nullptr;
  });
  return direct ? rule->host.text() : std::string();
}

DnsAnswer NameService::answer_question(const DnsQuestion& question, Recorder::Caller caller) {
  const bool localhost = question.name == "localhost";  // RFC 6761, 6.3: always, and only, loopback
  const bool allowed = localhost || (question.is_host_name &&
                                     policy::rule_for_name(policy_, question.name) != nullptr);
  Recorder::Verdict verdict = Recorder::Verdict::allowed;
  if (!allowed) {
    const bool by_the_way =
        is_search_variant(policy_, question.name) || is_reverse_name(question.name);
    verdict = by_the_way ? Recorder::Verdict::denied_by_the_way : Recorder::Verdict::denied;
  }
  recorder_.name_looked_up(question.name, dns_type_name(question.type), verdict, caller);
  if (!allowed) return {.rcode = Rcode::name_error};

  DnsAnswer answer{.ttl = kDnsTtlSeconds};
  if (localhost) {
    if (question.type == dns_type::kA) answer.address = to_vector(Address::ipv4_loopback());
    if (question.type == dns_type::kAaaa) answer.address = to_vector(Address::ipv6_loopback());
  } else if (question.type == dns_type::kA) {
    const auto address = names_.address_of(question.name);
    if (!address) {
      recorder_.limit_reached("names with an address", names_.limit());
      return {.rcode = Rcode::server_failure};
    }
    answer.address = to_vector(*address);
  }
  return answer;
}

}  // namespace sandbox_run::broker
