// What connect(2) gives, for a connection to 127.0.0.1:PORT, where a server listens, and to OTHER,
// where nobody does: one line for each way of calling it, the same with and without the sandbox.
//
// connect_results PORT OTHER

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static struct sockaddr_in to(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

static void tell(const char* what, int result) {
  printf("%s: %s\n", what, result == 0 ? "connected" : strerrorname_np(errno));
}

/* Waits until it is connected, or not. */
static void tell_outcome(const char* what, int fd) {
  struct pollfd entry = {.fd = fd, .events = POLLOUT};
  int error = 0;
  socklen_t length = sizeof error;
  poll(&entry, 1, 5000);
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
  printf("%s, then: %s\n", what, error == 0 ? "connected" : strerrorname_np(error));
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  struct sockaddr_in open_port = to(atoi(argv[1])), closed_port = to(atoi(argv[2]));
  const struct sockaddr* open_address = (const struct sockaddr*)&open_port;
  const struct sockaddr* closed_address = (const struct sockaddr*)&closed_port;
  const socklen_t size = sizeof open_port;

  int fd = socket(AF_INET, SOCK_STREAM, 0);
  tell("blocking", connect(fd, open_address, size));
  printf("still blocking: %s\n", fcntl(fd, F_GETFL) & O_NONBLOCK ? "no" : "yes");
  tell("again", connect(fd, open_address, size));
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  tell("disconnected by AF_UNSPEC", connect(fd, &none, sizeof none));
  tell("connected anew", connect(fd, open_address, size));
  tell("refused", connect(socket(AF_INET, SOCK_STREAM, 0), closed_address, size));

  fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  int queue = epoll_create1(0);
  struct epoll_event wanted = {.events = EPOLLOUT | EPOLLET}, seen;
  epoll_ctl(queue, EPOLL_CTL_ADD, fd, &wanted);  // before: the socket must stay the same one
  while (epoll_wait(queue, &seen, 1, 0) > 0) continue;
  tell("not blocking", connect(fd, open_address, size));
  printf("told by epoll: %s\n", epoll_wait(queue, &seen, 1, 5000) == 1 ? "yes" : "no");
  tell_outcome("not blocking", fd);
  fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  tell("not blocking, refused", connect(fd, closed_address, size));

  tell("an address that is too short",
       connect(socket(AF_INET, SOCK_STREAM, 0), open_address, size - 1));
  tell("a longer one", connect(socket(AF_INET, SOCK_STREAM, 0), open_address, 200));
  tell("a bad pointer", connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr*)8, size));
  struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = open_port.sin_port};
  inet_pton(AF_INET6, "::ffff:127.0.0.1", &six.sin6_addr);
  tell("by IPv6",
       connect(socket(AF_INET6, SOCK_STREAM, 0), (const struct sockaddr*)&six, sizeof six));
  tell("another family's",
       connect(socket(AF_INET, SOCK_STREAM, 0), (const struct sockaddr*)&six, sizeof six));
  tell("a datagram socket", connect(socket(AF_INET, SOCK_DGRAM, 0), open_address, size));

  // A server that accepts nobody, and has no room left: who waits is the caller, as long as it
  // wants.
  struct sockaddr_in full = to(0);
  socklen_t length = sizeof full;
  int server = socket(AF_INET, SOCK_STREAM, 0);
  bind(server, (struct sockaddr*)&full, sizeof full);
  listen(server, 0);
  getsockname(server, (struct sockaddr*)&full, &length);
  tell("into the queue", connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr*)&full, size));
  struct timeval patience = {.tv_usec = 200 * 1000};
  fd = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  tell("no room", connect(fd, (struct sockaddr*)&full, size));
  fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  tell("no room, not blocking", connect(fd, (struct sockaddr*)&full, size));
  tell("asked again", connect(fd, (struct sockaddr*)&full, size));
  return 0;
}
