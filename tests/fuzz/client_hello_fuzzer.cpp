// libFuzzer: any bytes as the beginning of a TLS connection, from either side.
#include <cstddef>
#include <cstdint>
#include <span>

#include "broker/client_hello.h"
#include "broker/server_answer.h"
#include "fuzz.h"

namespace {

using namespace sandbox_run::broker;
using sandbox_run::fuzz::require;

void check_hello(std::span<const std::uint8_t> bytes) {
  using State = ClientHello::State;
  const ClientHello hello = parse_client_hello(bytes);
  require((hello.state == State::malformed) == !hello.problem.empty());
  if (hello.state == State::incomplete) {
    require(hello.bytes > bytes.size() && hello.bytes <= kMaxClientHelloBytes + 5 + (1U << 14));
  }
  if (hello.state != State::complete) return;
  require(hello.bytes <= bytes.size() && hello.bytes <= kMaxClientHelloBytes + (1U << 14));
  require(hello.server_name.size() <= 254);
  // What follows has no say, and less than all of it is not enough.
  const ClientHello alone = parse_client_hello(bytes.first(hello.bytes));
  require(alone.state == State::complete && alone.server_name == hello.server_name);
  require(parse_client_hello(bytes.first(hello.bytes - 1)).state == State::incomplete);
}

void check_answer(std::span<const std::uint8_t> bytes) {
  const ServerAnswer answer = read_server_answer(bytes);
  if (answer.kind == ServerAnswer::Kind::incomplete) require(answer.bytes_needed > bytes.size());
}

}  // namespace

FUZZ_TARGET(client_hello, data, size) {
  check_hello({data, size});
  check_answer({data, size});
  return 0;
}
