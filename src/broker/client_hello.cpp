#include "broker/client_hello.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "broker/byte_reader.h"
#include "broker/tls_record.h"

namespace sandbox_run::broker {
namespace {

using Bytes = std::span<const std::uint8_t>;
using State = ClientHello::State;

constexpr std::size_t kMessageHeader = 4;    // type, and a length of three bytes
constexpr std::size_t kMaxServerName = 254;  // 253, and the root's dot

constexpr std::uint16_t kServerName = 0;                // extension types
constexpr std::uint16_t kEncryptedHello = 0xfe0d;       // RFC 9849
constexpr std::uint16_t kEncryptedServerName = 0xffce;  // its forerunner, of drafts

ClientHello malformed(std::string problem) {
  ClientHello hello;
  hello.problem = std::move(problem);
  return hello;
}

ClientHello incomplete(std::size_t bytes_needed) {
  ClientHello hello;
  hello.state = State::incomplete;
  hello.bytes = bytes_needed;
  return hello;
}

bool is_host_byte(std::uint8_t byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' || byte == '.';
}

/// "" and what is wrong, or the name.
std::pair<std::string, std::string> read_server_name(Bytes extension) {
  ByteReader reader(extension);
  const std::size_t list = reader.u16();
  const unsigned type = reader.u8();
  const Bytes name = reader.take(reader.u16());
  if (!reader.ok() || list != extension.size() - 2) return {"", "its server name is cut short"};
  if (type != 0 || reader.left() != 0) return {"", "it has several server names"};
  if (name.empty() || name.size() > kMaxServerName) return {"", "its server name is too long"};
  if (!std::all_of(name.begin(), name.end(), is_host_byte)) {
    return {"", "its server name has bytes that no host name has"};
  }
  return {std::string(name.begin(), name.end()), ""};
}

/// What comes before the extensions, of which only the lengths matter.
void skip_to_extensions(ByteReader& reader) {
  reader.take(2 + 32);        // version, random
  reader.take(reader.u8());   // session id
  reader.take(reader.u16());  // cipher suites
  reader.take(reader.u8());   // compression methods
}

ClientHello read_message(Bytes message) {
  ByteReader reader(message.subspan(kMessageHeader));
  skip_to_extensions(reader);
  ClientHello hello;
  hello.state = State::complete;
  if (reader.ok() && reader.left() == 0) return hello;  // as TLS 1.0 allows: no extensions
  const std::size_t length = reader.u16();
  if (!reader.ok() || length != reader.left())
    return malformed("its lengths contradict each other");
  bool named = false;
  while (reader.ok() && reader.left() > 0) {
    const unsigned type = reader.u16();
    const Bytes content = reader.take(reader.u16());
    if (!reader.ok()) return malformed("its lengths contradict each other");
    if (type == kEncryptedHello || type == kEncryptedServerName) hello.encrypted = true;
    if (type != kServerName) continue;
    if (std::exchange(named, true)) return malformed("it has several server names");
    auto [name, problem] = read_server_name(content);
    if (!problem.empty()) return malformed(std::move(problem));
    hello.server_name = std::move(name);
  }
  return hello;
}

/// Bytes of the whole message, as its header says; nullopt: not all of that is there.
std::optional<std::size_t> message_size(Bytes message) {
  if (message.size() < kMessageHeader) return std::nullopt;
  return kMessageHeader +
         (std::size_t{message[1]} << 16U | std::size_t{message[2]} << 8U | message[3]);
}

/// What is wrong with the message by what there is of it; "": nothing so far.
std::string early_problem(Bytes message) {
  if (!message.empty() && message[0] != tls_handshake::kClientHello)
    return "it begins with no ClientHello";
  const auto size = message_size(message);
  if (size && *size > kMaxClientHello) return "its ClientHello is over 64 KiB";
  if (size && message.size() > *size) return "more than a ClientHello is in its first record";
  return "";
}

}  // namespace

ClientHello parse_client_hello(Bytes bytes) {
  std::vector<std::uint8_t> message;
  std::size_t at = 0;
  for (std::size_t count = 0; count < kMaxClientHelloRecords; ++count) {
    const TlsRecord record = read_tls_record(bytes.subspan(at));
    if (!record.valid) return malformed("it is no TLS");
    if (record.header_missing) return incomplete(at + kTlsRecordHeader);
    if (record.type != tls_type::kHandshake) return malformed("it begins with no ClientHello");
    message.insert(message.end(), record.content.begin(), record.content.end());
    if (std::string problem = early_problem(message); !problem.empty()) {
      return malformed(std::move(problem));
    }
    at += kTlsRecordHeader + record.length;
    if (at > bytes.size()) return incomplete(at);
    if (message_size(message) == message.size()) {
      ClientHello hello = read_message(message);
      hello.bytes = at;
      return hello;
    }
  }
  return malformed("its ClientHello comes in too many records");
}

}  // namespace sandbox_run::broker
