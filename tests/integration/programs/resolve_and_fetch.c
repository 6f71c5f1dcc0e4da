// Looks a name up as programs do that do not use the C library's resolver, and fetches
// http://NAME:PORT/ from the address: resolve_and_fetch musl|go NAME PORT. It reads
// /etc/resolv.conf itself; linked statically, it has nothing else of the system's.
//
// musl: both questions from one unconnected socket to every server, taken from whoever was asked.
// go:   a connected socket a question, with EDNS (RFC 6891); the answer must repeat the question.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { kServers = 3, kMessage = 512, kA = 1, kAaaa = 28, kWaitMs = 5000 };

static struct sockaddr_in servers[kServers];
static int server_count;

static _Noreturn void fail(const char* what) {
  fprintf(stderr, "resolve_and_fetch: %s\n", what);
  exit(1);
}

static void read_servers(void) {
  FILE* file = fopen("/etc/resolv.conf", "r");
  if (!file) fail("no /etc/resolv.conf");
  char line[256], address[64];
  while (server_count < kServers && fgets(line, sizeof line, file)) {
    struct sockaddr_in* server = &servers[server_count];
    if (sscanf(line, "nameserver %63s", address) != 1) continue;
    if (inet_pton(AF_INET, address, &server->sin_addr) != 1) continue;
    server->sin_family = AF_INET;
    server->sin_port = htons(53);
    ++server_count;
  }
  fclose(file);
  if (server_count == 0) fail("no IPv4 name server in /etc/resolv.conf");
}

static size_t make_query(unsigned char* message, const char* name, int type, int id, int edns) {
  memset(message, 0, kMessage);
  message[0] = (unsigned char)(id >> 8), message[1] = (unsigned char)id;
  message[2] = 1;  // recursion desired
  message[5] = 1;
  size_t at = 12;
  while (*name) {
    const size_t length = strcspn(name, ".");
    message[at++] = (unsigned char)length;
    memcpy(message + at, name, length);
    at += length;
    name += length + (name[length] == '.');
  }
  at++;
  at++, message[at++] = (unsigned char)type;
  at++, message[at++] = 1;
  if (edns) {
    message[11] = 1;
    message[at + 2] = 41;  // OPT
    message[at + 3] = 1232 >> 8, message[at + 4] = 1232 & 255;
    at += 11;
  }
  return at;
}

// The first A record's address; 0 if there is none.
static in_addr_t address_in(const unsigned char* message, size_t size, size_t question_end) {
  size_t at = question_end;
  for (int left = message[6] << 8 | message[7]; left > 0; --left) {
    while (at < size && message[at] != 0 && message[at] < 192) at += message[at] + 1u;
    at += at < size && message[at] >= 192 ? 2 : 1;
    if (at + 10 > size) fail("a short answer");
    const int type = message[at] << 8 | message[at + 1];
    const size_t length = (size_t)(message[at + 8] << 8 | message[at + 9]);
    at += 10;
    if (at + length > size) fail("a short answer");
    in_addr_t address;
    if (type == kA && length == 4) return memcpy(&address, message + at, 4), address;
    at += length;
  }
  return 0;
}

static size_t receive(int socket, unsigned char* message, struct sockaddr_in* from) {
  struct pollfd ready = {socket, POLLIN, 0};
  if (poll(&ready, 1, kWaitMs) != 1) fail("no answer");
  socklen_t length = sizeof *from;
  const ssize_t got = recvfrom(socket, message, kMessage, 0, (struct sockaddr*)from, &length);
  if (got < 12) fail("a short answer");
  return (size_t)got;
}

static in_addr_t look_up_like_musl(const char* name) {
  const int one = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  unsigned char query[kMessage], answer[kMessage];
  const int types[] = {kA, kAaaa};
  size_t question_end = 0;
  for (int i = 0; i < 2; ++i) {
    question_end = make_query(query, name, types[i], 4000 + i, 0);
    for (int s = 0; s < server_count; ++s) {
      sendto(one, query, question_end, MSG_NOSIGNAL, (struct sockaddr*)&servers[s],
             sizeof servers[s]);
    }
  }
  in_addr_t found = 0;
  for (int answered = 0; answered != 3;) {
    struct sockaddr_in from;
    const size_t size = receive(one, answer, &from);
    int known = 0;
    for (int s = 0; s < server_count; ++s) {
      known |= from.sin_addr.s_addr == servers[s].sin_addr.s_addr && from.sin_port == htons(53);
    }
    const int which = (answer[0] << 8 | answer[1]) - 4000;
    if (!known || which < 0 || which > 1) continue;
    if ((answer[3] & 15) != 0) fail("the name does not resolve");
    answered |= 1 << which;
    if (which == 0) found = address_in(answer, size, question_end);
  }
  close(one);
  return found;
}

static in_addr_t look_up_like_go(const char* name) {
  in_addr_t found = 0;
  const int types[] = {kA, kAaaa};
  for (int i = 0; i < 2; ++i) {
    const int one = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (connect(one, (struct sockaddr*)&servers[0], sizeof servers[0]) != 0) fail("connect");
    unsigned char query[kMessage], answer[kMessage];
    const size_t size = make_query(query, name, types[i], 5000 + i, 1);
    const size_t question_end = size - 11;
    if (send(one, query, size, MSG_NOSIGNAL) < 0) fail("send");
    struct sockaddr_in from;
    const size_t got = receive(one, answer, &from);
    if (memcmp(query, answer, 2) != 0 || memcmp(query + 12, answer + 12, question_end - 12) != 0) {
      fail("an answer to another question");
    }
    if ((answer[3] & 15) != 0) fail("the name does not resolve");
    if (types[i] == kA) found = address_in(answer, got, question_end);
    close(one);
  }
  return found;
}

int main(int count, char** words) {
  if (count != 4) fail("usage: musl|go NAME PORT");
  read_servers();
  const int musl = strcmp(words[1], "musl") == 0;
  struct sockaddr_in target = {.sin_family = AF_INET, .sin_port = htons((in_port_t)atoi(words[3]))};
  target.sin_addr.s_addr = musl ? look_up_like_musl(words[2]) : look_up_like_go(words[2]);
  if (target.sin_addr.s_addr == 0) fail("no address");
  const int one = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(one, (struct sockaddr*)&target, sizeof target) != 0) fail("connect");
  dprintf(one, "GET / HTTP/1.1\r\nHost: %s:%s\r\nConnection: close\r\n\r\n", words[2], words[3]);
  char answer[4096];
  ssize_t got;
  while ((got = read(one, answer, sizeof answer)) > 0) fwrite(answer, 1, (size_t)got, stdout);
  return got < 0;
}
