// libFuzzer: any bytes as a packet of the refusals' socket.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "broker/refusal_packet.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sandbox_run::broker;
  const auto refused = parse_refusal({data, size});
  if (!refused) return 0;
  if (refused->destination.address.text().empty()) std::abort();
  const bool icmp = refused->protocol == RefusedTry::Protocol::icmp;
  if (icmp && refused->destination.port != 0) std::abort();
  // Nothing beyond what the kernel leaves of a packet was needed.
  if (size > kRefusalBytes && !parse_refusal({data, kRefusalBytes})) std::abort();
  return 0;
}
