#include "broker/caller_mark.h"

#include <cstring>

#ifndef SO_RCVMARK
#define SO_RCVMARK 75  // asm-generic/socket.h of Linux 5.19
#endif

namespace sandbox_run::broker {

using events::CallerTable;

CallerTable::Number caller_of(int socket) {
  CallerTable::Number number = CallerTable::kUnknown;
  socklen_t length = sizeof number;
  if (::getsockopt(socket, SOL_SOCKET, SO_MARK, &number, &length) != 0) {
    return CallerTable::kUnknown;
  }
  return number;
}

void ask_for_callers(int socket) {
  const int on = 1;
  (void)::setsockopt(socket, SOL_SOCKET, SO_RCVMARK, &on, sizeof on);
}

CallerTable::Number caller_of(msghdr& message) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SO_MARK) continue;
    CallerTable::Number number = CallerTable::kUnknown;
    std::memcpy(&number, CMSG_DATA(header), sizeof number);
    return number;
  }
  return CallerTable::kUnknown;
}

}  // namespace sandbox_run::broker
