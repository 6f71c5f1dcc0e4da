// libFuzzer: any bytes as a packet of a refusals' socket; the first byte chooses which.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "broker/refusal_packet.h"
#include "fuzz.h"

FUZZ_TARGET(refusal_packet, data, size) {
  using namespace sandbox_run::broker;
  if (size == 0) return 0;
  const RefusalSource source{
      (data[0] & 4U) != 0   ? RefusalSource::Kind::multicast
      : (data[0] & 1U) != 0 ? RefusalSource::Kind::reset
                            : RefusalSource::Kind::unreachable,
      (data[0] & 2U) != 0 ? RefusalSource::Family::ipv6 : RefusalSource::Family::ipv4};
  const Address sender = Address::ipv4(192, 0, 2, 1);
  const std::span<const std::uint8_t> packet(data + 1, size - 1);
  const auto refused = parse_refusal(source, sender, packet);
  if (!refused) return 0;
  const bool tcp = refused->protocol == RefusedTry::Protocol::tcp;
  if (tcp != (source.kind == RefusalSource::Kind::reset)) std::abort();
  if (refused->destination.address.text().empty()) std::abort();
  // Nothing beyond what the kernel leaves of a packet was needed.
  if (packet.size() > kRefusalBytes &&
      !parse_refusal(source, sender, packet.first(kRefusalBytes))) {
    std::abort();
  }
  return 0;
}
