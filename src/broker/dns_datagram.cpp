#include "broker/dns_datagram.h"

#include <cerrno>
#include <cstring>

namespace sandbox_run::broker {
namespace {

cmsghdr* destination_of(msghdr& message) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level == IPPROTO_IP || header->cmsg_level == IPPROTO_IPV6) return header;
  }
  return nullptr;
}

/// Turns "was sent to this address" into "send from this address", the only control message left.
bool turn_around(msghdr& message) {
  cmsghdr* header = destination_of(message);
  if (header == nullptr) return false;
  const std::size_t length = CMSG_SPACE(header->cmsg_len - CMSG_LEN(0));
  std::memmove(message.msg_control, header, header->cmsg_len);
  message.msg_controllen = length;
  header = CMSG_FIRSTHDR(&message);
  if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
    in_pktinfo info{};
    std::memcpy(&info, CMSG_DATA(header), sizeof info);
    info.ipi_spec_dst = info.ipi_addr;
    info.ipi_ifindex = 0;
    std::memcpy(CMSG_DATA(header), &info, sizeof info);
    return true;
  }
  return header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO;
}

}  // namespace

DnsDatagram::Received DnsDatagram::receive(int socket) {
  iovec buffer{bytes.data(), bytes.size()};
  msghdr message{};
  message.msg_name = &peer;
  message.msg_namelen = sizeof peer;
  message.msg_iov = &buffer;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t count = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (count < 0) {
    if (errno == EAGAIN) return Received::nothing;
    // ECONNREFUSED: an earlier answer found its asker gone.
    return errno == EINTR || errno == ECONNREFUSED ? Received::dropped : Received::failed;
  }
  caller = caller_of(message);
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || !turn_around(message)) {
    return Received::dropped;
  }
  size = static_cast<std::size_t>(count);
  peer_length = message.msg_namelen;
  control_length = message.msg_controllen;
  return Received::query;
}

void DnsDatagram::send_answer(int socket, const std::vector<std::uint8_t>& answer) {
  iovec buffer{const_cast<std::uint8_t*>(answer.data()), answer.size()};  // only read
  msghdr message{};
  message.msg_name = &peer;
  message.msg_namelen = peer_length;
  message.msg_iov = &buffer;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control_length;
  (void)::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace sandbox_run::broker
