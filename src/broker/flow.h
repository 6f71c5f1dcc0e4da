#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "broker/admission.h"
#include "broker/asio.h"
#include "broker/services.h"
#include "broker/tcp_relay.h"
#include "broker/upstream.h"

namespace sandbox_run::broker {

/// One admitted connection: see whom it is for → resolve → judge what that resolved to → connect →
/// relay. Until the relay starts, nothing has been taken from the client.
class Flow : public std::enable_shared_from_this<Flow> {
 public:
  /// `destination` as the client dialled it. Throws boost::system::system_error: see watch().
  Flow(asio::any_io_executor executor, std::shared_ptr<Services> services, base::UniqueFd client,
       Admission admission, const Endpoint& destination);

  /// `on_end` is called once, when the client's connection is closed; not after end().
  void start(std::function<void()> on_end);
  /// Resets the connections and records flow.closed if the flow was opened.
  void end(std::string_view reason);
  /// Ends it, as end() does, if nothing has come for too long; true if so.
  bool end_if_overdue(std::chrono::steady_clock::time_point now);

  std::uint64_t bytes_up() const { return relay_ ? relay_->bytes_up() : 0; }
  std::uint64_t bytes_down() const { return relay_ ? relay_->bytes_down() : 0; }

 private:
  asio::awaitable<void> open();
  std::unique_ptr<Screen> make_screens() const;
  asio::awaitable<void> screen_first_bytes(TcpRelay::Screening& screening);
  asio::awaitable<Upstream> connect();
  asio::awaitable<std::vector<Address>> find_addresses();
  void refuse(const Objection& objection);
  void fail(const std::string& reason);
  void leave_unused();
  void relay_to(base::UniqueFd upstream, const Address& address, TcpRelay::Screening screening);
  void on_relay_end(TcpRelay::End end);
  void close(std::string_view reason);

  asio::any_io_executor executor_;
  std::shared_ptr<Services> services_;
  Descriptor client_;
  Admission admission_;
  Endpoint destination_;
  std::string proxy_;  // HOST:PORT that was asked to connect; "": none
  std::function<void()> on_end_;
  std::shared_ptr<TcpRelay> relay_;
  std::chrono::steady_clock::time_point accepted_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point opened_;
  bool awaits_first_bytes_ = false;
  bool ended_ = false;
};

}  // namespace sandbox_run::broker
