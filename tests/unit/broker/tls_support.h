#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Handshake messages of TLS, byte by byte: real libraries make no malformed ones.

namespace sandbox_run::broker::test {

using Bytes = std::vector<std::uint8_t>;

void put16(Bytes& bytes, std::size_t value);
void put(Bytes& bytes, const Bytes& more);

struct TlsExtension {
  std::uint16_t type = 0;
  Bytes content;
};
/// server_name with one name.
TlsExtension server_name(std::string_view name);
inline TlsExtension padding(std::size_t size) { return {21, Bytes(size, 0)}; }

/// A ClientHello message, with GREASE (RFC 8701) where clients put it.
Bytes client_hello_message(const std::vector<TlsExtension>& extensions);
/// A message in as many records as it takes if each holds `piece` bytes.
Bytes in_records(const Bytes& message, std::size_t piece = 16384);
/// In one record, with `name`; "": without a server name.
Bytes client_hello(std::string_view name);

enum class Answer { server_hello, retry_request };
Bytes server_answer(Answer answer);

}  // namespace sandbox_run::broker::test
