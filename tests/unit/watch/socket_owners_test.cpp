#include "watch/socket_owners.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/unique_fd.h"

namespace sandbox_run::watch {
namespace {

const char* const kTable =
    "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode ref pointer drops\n"
    "  123: 00000000:14E9 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 "
    "4711 2 0000000000000000 0\n"
    "  456: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 "
    "4712 2 0000000000000000 0\n";

TEST_CASE("the inodes of a table are those at the port") {
  CHECK(inodes_at_port(kTable, 5353) == std::vector<std::uint64_t>{4711});
  CHECK(inodes_at_port(kTable, 53) == std::vector<std::uint64_t>{4712});
  CHECK(inodes_at_port(kTable, 54).empty());
}

TEST_CASE("lines that are no sockets are passed over") {
  for (const char* text : {"", "\n\n", "a b c", "1: 1 2 3 4 5 6 7 8 9 10",
                           "1: x:14E9 y z 0 0 0 0 0 x", "1: 00000000:114E9 r s t u v w x 7"}) {
    CAPTURE(text);
    CHECK(inodes_at_port(text, 5353).empty());
  }
}

TEST_CASE("who holds a socket is found by its port") {
  const base::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  socklen_t length = sizeof address;
  REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
  const auto self = read_process_status(::getpid());
  REQUIRE(self);
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  CHECK(holders_of_udp_port(self->id, ntohs(address.sin_port)) == std::vector<int>{child});
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace sandbox_run::watch
