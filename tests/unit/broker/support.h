#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "broker/address.h"
#include "broker/broker.h"
#include "broker/event_loop.h"
#include "events/event.h"
#include "policy/policy.h"

// What the broker's tests share: a sink that remembers, blocking clients and servers, DNS packets.

namespace sandbox_run::broker::test {

/// Remembers all events; can stop a loop when one comes.
class MemorySink : public events::EventSink {
 public:
  void record(const events::Event& event) override;
  std::vector<events::Event> of_type(std::string_view type) const;
  std::size_t count(std::string_view type) const { return of_type(type).size(); }
  /// Runs `loop` until `wanted` events of `type` are there.
  void run_until(EventLoop& loop, std::string_view type, std::size_t wanted = 1);

 private:
  std::vector<events::Event> events_;
  std::function<void()> on_event_;
};

/// A table without callers: every connection is an unknown one's.
const events::CallerTable& nobody();

std::string text_of(const events::Event& event, std::string_view key);
std::int64_t number_of(const events::Event& event, std::string_view key);

/// A rule for any protocol: what is sent in most tests says nothing of a host.
policy::EgressRule rule(std::string_view host, std::vector<std::uint16_t> ports,
                        policy::EgressRule::Origin origin = policy::EgressRule::Origin::user);

/// A rule as they usually are: for TLS and HTTP, held to the name.
policy::EgressRule pinned_rule(std::string_view host, std::vector<std::uint16_t> ports);

/// Runs `work` in a thread and `loop` here until it has returned; what it throws is thrown here.
void run_beside(EventLoop& loop, std::function<void()> work);

// ── sockets; failures are SysErrors, and a peer that is silent for 30 s is one ──────────────────

base::UniqueFd listen_on(const Endpoint& endpoint, int backlog = 1024);  // non-blocking
base::UniqueFd bind_datagram(const Endpoint& endpoint);
std::uint16_t port_of(int socket);
base::UniqueFd connect_to(const Endpoint& endpoint, int type);
base::UniqueFd connect_tcp(const Endpoint& endpoint);
void send_all(int socket, std::string_view bytes);
std::string receive_exactly(int socket, std::size_t count);
std::string receive_to_end(int socket);
/// errno of the read that comes next; 0 if there are bytes or an end of file.
int receive_error(int socket);
void close_with_reset(base::UniqueFd socket);
/// Deterministic bytes that do not repeat soon.
std::string noise(std::size_t size, std::uint32_t seed);

/// Accepts on 127.0.0.1 and an ephemeral port, or on `endpoint`; each connection in its own thread.
class Server {
 public:
  using Handler = std::function<void(base::UniqueFd)>;
  explicit Server(Handler handler, const Endpoint& endpoint = {Address::ipv4_loopback(), 0});
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  std::uint16_t port() const { return port_; }

 private:
  void accept_all(const Handler& handler);

  base::UniqueFd socket_;
  base::Pipe stop_;
  std::uint16_t port_;
  std::vector<std::thread> connections_;
  std::thread acceptor_;
};
/// A handler: sends back what comes, to the end of file.
void echo(base::UniqueFd socket);

/// A listening socket for a broker on 127.0.0.2 and the port of a server on 127.0.0.1: the loopback
/// destination that a "localhost" rule leads from the one to the other.
ListeningSocket loopback_listener(std::uint16_t port);
inline Address second_loopback() { return Address::ipv4(127, 0, 0, 2); }

// ── DNS ─────────────────────────────────────────────────────────────────────────────────────────

using Bytes = std::vector<std::uint8_t>;

Bytes dns_name(std::string_view dotted);
/// A query with RD set; `klass` 1 is IN.
Bytes dns_query(std::string_view name, std::uint16_t type, std::uint16_t id = 0x1234,
                std::uint16_t klass = 1);
struct DnsResult {
  std::uint16_t id = 0;
  int rcode = -1;
  int questions = -1;
  std::string question;            // bytes of the question section's name as they came
  std::vector<Address> addresses;  // of the answer section
};
/// Understands what build_dns_response() makes.
DnsResult read_dns_response(const Bytes& message);
Bytes ask_udp(const Endpoint& server, const Bytes& query);
Bytes ask_tcp(int connection, const Bytes& query);

}  // namespace sandbox_run::broker::test
