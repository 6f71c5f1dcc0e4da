#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "broker/address.h"
#include "broker/broker.h"
#include "support.h"

// Two network namespaces, one within the other, both with nothing but loopback and every address
// local: the outer plays the host and the Internet, the inner the sandbox, made as init makes it.

namespace sandbox_run::broker::test {

/// Moves this process into the outer namespace, once. False (and a message, or a failure if
/// SANDBOX_RUN_MUST_WORK is set) where user namespaces are refused.
bool enter_outer_namespace();

/// A process in a namespace of its own: hands its listening sockets out, waits for run(), calls
/// `client` and reports what it returns, or what it throws.
/// Make it before any thread: it is a fork.
class Sandbox {
 public:
  Sandbox(const std::vector<std::uint16_t>& ports, std::function<std::string()> client);
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  std::vector<ListeningSocket> take_sockets() { return std::move(sockets_); }
  /// The client's report; `loop` runs meanwhile.
  std::string run(EventLoop& loop);

 private:
  base::UniqueFd channel_;
  std::vector<ListeningSocket> sockets_;
  pid_t child_ = -1;
};

/// The outer namespace's name server, for whatever resolv.conf says: answers A and AAAA queries
/// from a table.
class NameServer {
 public:
  using Names = std::map<std::string, std::vector<std::string>>;  // name → addresses
  explicit NameServer(Names names);
  ~NameServer();
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;

  /// False if this host's getaddrinfo(3) does not ask name servers first.
  static bool is_used();

 private:
  void serve();

  Names names_;
  base::UniqueFd socket_;
  base::Pipe stop_;
  std::thread thread_;
};

}  // namespace sandbox_run::broker::test
