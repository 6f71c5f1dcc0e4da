#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <vector>

#include "base/unique_fd.h"
#include "broker/asio.h"
#include "broker/name_service.h"
#include "broker/services.h"

namespace sandbox_run::broker {

struct DnsDatagram;

/// DNS over UDP and over TCP (RFC 7766), for whatever server address the sandbox's resolv.conf
/// names: every address is local there, and each answer leaves from the one that was asked.
class DnsServer : public std::enable_shared_from_this<DnsServer> {
 public:
  explicit DnsServer(std::shared_ptr<Services> services)
      : services_(std::move(services)),
        names_(services_->policy, services_->proxies, services_->names, services_->recorder) {}

  enum class Family { ipv4, ipv6 };
  /// What serve_datagrams() needs to be set on a socket. Throws SysError.
  static void prepare(int udp_socket, Family family);
  /// Until `socket` is closed.
  asio::awaitable<void> serve_datagrams(std::shared_ptr<Descriptor> socket);
  /// Serves queries on one accepted connection.
  void serve_connection(const asio::any_io_executor& executor, base::UniqueFd client);

  /// Closes connections without a complete query since then.
  void close_idle(std::chrono::steady_clock::time_point since);

 private:
  struct Connection;
  void answer_later(const std::shared_ptr<Descriptor>& socket, const DnsDatagram& query,
                    NameAnswer answer);
  asio::awaitable<std::vector<std::uint8_t>> decide(const NameAnswer& answer,
                                                    Recorder::Caller caller);
  asio::awaitable<void> answer_stream(std::shared_ptr<Connection> connection);
  asio::awaitable<bool> answer_next(Connection& connection);

  std::shared_ptr<Services> services_;
  NameService names_;
  std::size_t waiting_ = 0;  // datagrams whose name is being looked up
  std::set<std::shared_ptr<Connection>> connections_;
};

}  // namespace sandbox_run::broker
