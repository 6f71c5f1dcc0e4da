// libFuzzer: any bytes as a DNS query; the answer to it must itself be well-formed and small.
#include <cstddef>
#include <cstdint>

#include "broker/dns_message.h"
#include "fuzz.h"

FUZZ_TARGET(dns_message, data, size) {
  using namespace sandbox_run::broker;
  using sandbox_run::fuzz::require;
  const auto query = parse_dns_query({data, size});
  if (!query) return 0;
  require(query->problem != Rcode::no_error || query->question.has_value());
  if (query->question) {
    require(query->question->raw.size() <= 255 + 4);
    require(query->question->name.size() <= 4 * 255);
    require(!dns_type_name(query->question->type).empty());
  }
  auto response =
      build_dns_response(*query, {.rcode = query->problem, .address = {198, 18, 0, 1}, .ttl = 15});
  require(response.size() >= 12 && response.size() <= 512);
  require(!parse_dns_query(response));  // a response is never taken for a query
  response[2] &= 0x7fU;
  const auto again = parse_dns_query(response);
  require(again.has_value());
  require(again->question.has_value() == query->question.has_value() || query->opcode != 0);
  if (again->question && query->question) require(again->question->raw == query->question->raw);
  return 0;
}
