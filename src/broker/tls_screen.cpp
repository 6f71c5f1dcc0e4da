#include "broker/tls_screen.h"

#include <optional>
#include <string>
#include <utility>

#include "broker/server_answer.h"
#include "broker/tls_record.h"

namespace sandbox_run::broker {
namespace {

/// nullopt: the hello is for whom it must be.
std::optional<Objection> objection_to(const ClientHello& hello, const Pin& pin) {
  if (hello.state == ClientHello::State::malformed) {
    return Objection{"", "its TLS cannot be read: " + hello.problem};
  }
  if (hello.encrypted) {
    return Objection{hello.server_name,
                     "its TLS ClientHello is encrypted (ECH), so that its host cannot be seen"};
  }
  if (hello.server_name.empty()) {
    if (pin.accepts_no_server_name()) return std::nullopt;
    return Objection{"", "its TLS names no host"};
  }
  if (pin.accepts(hello.server_name)) return std::nullopt;
  return Objection{hello.server_name, "its TLS names another host than the one looked up"};
}

}  // namespace

Verdict TlsScreen::look(Direction direction, std::span<const std::uint8_t> pending, Input input) {
  if (direction == Direction::up) return look_at_client(pending, input);
  if (state_ == State::answer) return look_at_answer(pending, input);
  return state_ == State::first_hello ? Verdict::hold() : Verdict::pass(Verdict::kAll);
}

Verdict TlsScreen::look_at_client(std::span<const std::uint8_t> pending, Input input) {
  switch (state_) {
    case State::first_hello:
      return look_at_hello(pending, input, State::answer);
    case State::answer:
      return Verdict::hold();
    case State::second_hello:
      return look_for_second_hello(pending, input);
    case State::open:
      break;
  }
  return Verdict::pass(Verdict::kAll);
}

Verdict TlsScreen::look_at_hello(std::span<const std::uint8_t> pending, Input input, State next) {
  const ClientHello hello = parse_client_hello(pending);
  if (hello.state == ClientHello::State::incomplete) {
    if (input == Input::open) return Verdict::more(hello.bytes);
    return Verdict::refuse({"", "its TLS ended within the ClientHello"});
  }
  if (auto objection = objection_to(hello, pin_)) return Verdict::refuse(std::move(*objection));
  state_ = next;
  return Verdict::pass(next == State::open ? Verdict::kAll : hello.bytes);
}

Verdict TlsScreen::look_at_answer(std::span<const std::uint8_t> pending, Input input) {
  const ServerAnswer answer = read_server_answer(pending);
  switch (answer.kind) {
    case ServerAnswer::Kind::incomplete:
      if (input == Input::open) return Verdict::more(answer.bytes_needed);
      break;
    case ServerAnswer::Kind::retry_request:
      state_ = State::second_hello;
      return Verdict::pass(Verdict::kAll);
    case ServerAnswer::Kind::unreadable:
      return Verdict::refuse({"", "the host's TLS answer cannot be read"});
    case ServerAnswer::Kind::final:
      break;
  }
  state_ = State::open;
  return Verdict::pass(Verdict::kAll);
}

/// What may precede it goes on, record by record: ChangeCipherSpec (RFC 8446 D.4), and early data,
/// which a server that has asked for another hello skips.
Verdict TlsScreen::look_for_second_hello(std::span<const std::uint8_t> pending, Input input) {
  if (pending.empty()) return Verdict::pass(Verdict::kAll);  // the client has given up
  const TlsRecord record = read_tls_record(pending);
  if (record.valid && record.type == tls_type::kHandshake) {
    return look_at_hello(pending, input, State::open);
  }
  if (!record.valid) return Verdict::refuse({"", "its TLS cannot be read: no second ClientHello"});
  if (record.header_missing) {
    if (input == Input::open) return Verdict::more(kTlsRecordHeader);
    return Verdict::refuse({"", "its TLS ended within the second ClientHello"});
  }
  return Verdict::pass(kTlsRecordHeader + record.length);
}

}  // namespace sandbox_run::broker
