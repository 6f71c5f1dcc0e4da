#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "broker/caller_mark.h"
#include "broker/limits.h"
#include "broker/recorder.h"

namespace sandbox_run::broker {

/// A datagram with the addresses that it came from and was sent to.
struct DnsDatagram {
  std::array<std::uint8_t, kMaxUdpMessage> bytes;
  std::size_t size = 0;
  sockaddr_storage peer{};
  socklen_t peer_length = 0;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in6_pktinfo)) + kCallerSpace> control{};
  std::size_t control_length = 0;
  Recorder::Caller caller = events::CallerTable::kUnknown;

  enum class Received { query, dropped, nothing, failed };
  /// Without waiting; overwrites all of it.
  Received receive(int socket);
  /// To who asked, from the address that was asked. It may be lost, as datagrams may be.
  void send_answer(int socket, const std::vector<std::uint8_t>& answer);
};

}  // namespace sandbox_run::broker
