/* Server and client for scripts/bench egress: what a connection through a relay costs.

   net_load serve          listens on 127.0.0.1, prints the port; answers until killed
   net_load OPTIONS PORT   one line: median and fastest us of connect + request + first byte,
                           connections a second one after the other, bytes a second down and up
     -a ADDRESS  to dial (127.0.0.1)
     -h HOST     for the Host field and TLS's server name (localhost)
     -n COUNT    of connections (1000)
     -m MIB      to move each way (512)
     -t          speak TLS, as far as a relay sees: hello, answer, then opaque bytes
     -p TARGET   ask the proxy at PORT for a tunnel to port TARGET first

   A request is "GET /MIB" or "PUT /" with a body; a TLS connection carries it behind the hello. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char buffer[1 << 20];
static const char* address = "127.0.0.1";
static const char* host = "localhost";
static int port, tls, tunnel;

static void die(const char* doing) {
  perror(doing);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void send_all(int fd, const char* bytes, size_t size) {
  while (size > 0) {
    ssize_t count = send(fd, bytes, size, MSG_NOSIGNAL);
    if (count < 0) die("send");
    bytes += count;
    size -= (size_t)count;
  }
}

/* Reads until `end` has come; returns the whole, in `text`. */
static int read_until(int fd, char* text, size_t room, const char* end) {
  size_t size = 0;
  for (;;) {
    ssize_t count = recv(fd, text + size, room - 1 - size, 0);
    if (count <= 0) return -1;
    size += (size_t)count;
    text[size] = 0;
    if (strstr(text, end)) return (int)size;
    if (size + 1 == room) return -1;
  }
}

/* ── TLS, as far as a relay sees ─────────────────────────────────────────────────────────────── */

static size_t make_hello(unsigned char* bytes) {
  size_t name = strlen(host), size = 0;
  size_t extensions = 9 + name, body = 2 + 32 + 1 + 4 + 2 + 2 + extensions;
  unsigned char head[] = {22,
                          3,
                          1,
                          (unsigned char)((body + 4) >> 8),
                          (unsigned char)(body + 4),
                          1,
                          0,
                          (unsigned char)(body >> 8),
                          (unsigned char)body,
                          3,
                          3};
  memcpy(bytes, head, sizeof head);
  size = sizeof head;
  memset(bytes + size, 0x5a, 32);
  size += 32;
  unsigned char middle[] = {0,
                            0,
                            2,
                            0x13,
                            1,
                            1,
                            0,
                            (unsigned char)(extensions >> 8),
                            (unsigned char)extensions,
                            0,
                            0,
                            0,
                            (unsigned char)(name + 5),
                            0,
                            (unsigned char)(name + 3),
                            0,
                            0,
                            (unsigned char)name};
  memcpy(bytes + size, middle, sizeof middle);
  size += sizeof middle;
  memcpy(bytes + size, host, name);
  return size + name;
}

enum { kAnswer = 5 + 4 + 2 + 32 + 6 };

static void make_answer(unsigned char* bytes) {
  memset(bytes, 0x77, kAnswer);
  unsigned char head[] = {22, 3, 3, 0, kAnswer - 5, 2, 0, 0, kAnswer - 9, 3, 3};
  memcpy(bytes, head, sizeof head);
}

/* ── server ──────────────────────────────────────────────────────────────────────────────────── */

static void answer_request(int fd, char* text, size_t size) {
  char* head_end = strstr(text, "\r\n\r\n");
  if (!strncmp(text, "GET /", 5)) {
    uint64_t left = strtoull(text + 5, NULL, 10) << 20;
    if (left == 0) left = 1;
    char head[128];
    int length = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n",
                          (unsigned long long)left);
    send_all(fd, head, (size_t)length);
    while (left > 0) {
      ssize_t count = send(fd, buffer, left < sizeof buffer ? left : sizeof buffer, MSG_NOSIGNAL);
      if (count <= 0) return;
      left -= (uint64_t)count;
    }
    return;
  }
  char* field = strstr(text, "Content-Length: ");
  uint64_t left = field ? strtoull(field + 16, NULL, 10) : 0;
  uint64_t have = size - (size_t)(head_end + 4 - text);
  left -= have < left ? have : left;
  static char sink[1 << 20];
  while (left > 0) {
    ssize_t count = recv(fd, sink, sizeof sink, 0);
    if (count <= 0) return;
    left -= (uint64_t)count;
  }
  send_all(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 38);
}

static void serve_one(int fd) {
  char text[16384];
  if (recv(fd, text, 1, MSG_PEEK) == 1 && text[0] == 22) {
    unsigned char head[5];
    if (recv(fd, head, 5, MSG_WAITALL) != 5) return;
    if (recv(fd, text, (size_t)head[3] << 8 | head[4], MSG_WAITALL) < 0) return;
    unsigned char answer[kAnswer];
    make_answer(answer);
    send_all(fd, (char*)answer, sizeof answer);
  }
  int size = read_until(fd, text, sizeof text, "\r\n\r\n");
  if (size > 0) answer_request(fd, text, (size_t)size);
}

static void serve(void) {
  int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  struct sockaddr_in local = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof local;
  if (bind(listening, (struct sockaddr*)&local, length) || listen(listening, 1024)) die("listen");
  getsockname(listening, (struct sockaddr*)&local, &length);
  printf("%d\n", ntohs(local.sin_port));
  fflush(stdout);
  for (;;) {
    int fd = accept(listening, NULL, NULL);
    if (fd < 0) continue;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    serve_one(fd);
    close(fd);
  }
}

/* ── client ──────────────────────────────────────────────────────────────────────────────────── */

static int dial(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  inet_pton(AF_INET, address, &peer.sin_addr);
  if (connect(fd, (struct sockaddr*)&peer, sizeof peer)) die("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  char text[4096];
  if (tunnel) {
    int size =
        snprintf(text, sizeof text, "CONNECT localhost:%d HTTP/1.1\r\nHost: localhost:%d\r\n\r\n",
                 tunnel, tunnel);
    send_all(fd, text, (size_t)size);
    if (read_until(fd, text, sizeof text, "\r\n\r\n") < 0) die("CONNECT");
  }
  return fd;
}

/* Sends a request for `line`; the first byte of the answer's is waited for. */
static void ask(int fd, const char* line, uint64_t body) {
  char text[4096];
  if (tls) {
    unsigned char hello[512], answer[kAnswer];
    send_all(fd, (char*)hello, make_hello(hello));
    if (recv(fd, answer, sizeof answer, MSG_WAITALL) != kAnswer) die("TLS answer");
  }
  int size =
      snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: %s:%d\r\nContent-Length: %llu\r\n\r\n",
               line, host, tunnel ? tunnel : port, (unsigned long long)body);
  send_all(fd, text, (size_t)size);
}

static int compare(const void* a, const void* b) {
  double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

static void measure_connections(int count) {
  double* times = calloc((size_t)count, sizeof *times);
  double start = now();
  for (int i = 0; i < count; i++) {
    double begin = now();
    int fd = dial();
    /* With TLS, the first byte is the answer's to the hello. */
    if (tls) {
      unsigned char hello[512];
      send_all(fd, (char*)hello, make_hello(hello));
    } else {
      ask(fd, "GET /0", 0);
    }
    char byte;
    if (recv(fd, &byte, 1, 0) != 1) die("first byte");
    times[i] = (now() - begin) * 1e6;
    close(fd);
  }
  double took = now() - start;
  qsort(times, (size_t)count, sizeof *times, compare);
  printf("%.1f %.1f %.0f ", times[count / 2], times[0], count / took);
}

static double measure_down(int mib) {
  char line[64];
  snprintf(line, sizeof line, "GET /%d", mib);
  double begin = now();
  int fd = dial();
  ask(fd, line, 0);
  uint64_t total = 0;
  for (ssize_t count; (count = recv(fd, buffer, sizeof buffer, 0)) > 0;) total += (uint64_t)count;
  close(fd);
  if (total < (uint64_t)mib << 20) die("cut short");
  return (double)total / (now() - begin);
}

static double measure_up(int mib) {
  uint64_t size = (uint64_t)mib << 20;
  double begin = now();
  int fd = dial();
  ask(fd, "PUT /", size);
  for (uint64_t left = size; left > 0; left -= sizeof buffer) send_all(fd, buffer, sizeof buffer);
  char text[256];
  if (read_until(fd, text, sizeof text, "\r\n\r\n") < 0) die("cut short");
  close(fd);
  return (double)size / (now() - begin);
}

int main(int argc, char** argv) {
  int count = 1000, mib = 512, option;
  signal(SIGPIPE, SIG_IGN);
  memset(buffer, 'x', sizeof buffer);
  if (argc == 2 && !strcmp(argv[1], "serve")) serve();
  while ((option = getopt(argc, argv, "a:h:n:m:tp:")) != -1) {
    if (option == 'a') address = optarg;
    if (option == 'h') host = optarg;
    if (option == 'n') count = atoi(optarg);
    if (option == 'm') mib = atoi(optarg);
    if (option == 't') tls = 1;
    if (option == 'p') tunnel = atoi(optarg);
  }
  if (optind != argc - 1) return 2;
  port = atoi(argv[optind]);
  if (count > 0) measure_connections(count);
  if (mib > 0) printf("%.0f %.0f", measure_down(mib), measure_up(mib));
  printf("\n");
  return 0;
}
