#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "events/sinks/transport.h"

namespace sandbox_run::events {

/// A connected socket to a log daemon: "/path" (unix datagram), "udp://HOST[:PORT]" or
/// "tcp://HOST[:PORT]"; an IPv6 address in brackets. Connects when it first sends, and anew after a
/// failure.
class LogSocket {
 public:
  using Deadline = Transport::Deadline;

  LogSocket(std::string where, std::string default_port)
      : where_(std::move(where)), default_port_(std::move(default_port)) {}

  enum class Result { sent, failed, timed_out, too_large };
  /// One message: one datagram, or those bytes of a stream.
  Result send(std::string_view message, Deadline deadline);
  bool is_local() const { return where_.starts_with('/'); }
  bool is_stream() const { return where_.starts_with("tcp://"); }
  /// Of the last failure, in words.
  const std::string& error() const { return error_; }

 private:
  Result connect(Deadline deadline);
  Result connect_unix();
  Result connect_network(Deadline deadline);
  Result fail(int error_number);
  bool peer_has_closed() const;

  std::string where_;
  std::string default_port_;
  base::UniqueFd socket_;
  std::string error_;
};

/// "udp://[2001:db8::1]:514" → {"2001:db8::1", "514"}. Pure.
struct HostPort {
  std::string host;
  std::string port;
};
HostPort split_address(std::string_view where, std::string_view default_port);

}  // namespace sandbox_run::events
