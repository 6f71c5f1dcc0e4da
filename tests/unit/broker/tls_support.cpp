#include "tls_support.h"

#include <algorithm>

namespace sandbox_run::broker::test {

void put16(Bytes& bytes, std::size_t value) {
  bytes.push_back(static_cast<std::uint8_t>(value >> 8U & 0xffU));
  bytes.push_back(static_cast<std::uint8_t>(value & 0xffU));
}

void put(Bytes& bytes, const Bytes& more) { bytes.insert(bytes.end(), more.begin(), more.end()); }

TlsExtension server_name(std::string_view name) {
  TlsExtension extension;
  put16(extension.content, name.size() + 3);
  extension.content.push_back(0);
  put16(extension.content, name.size());
  extension.content.insert(extension.content.end(), name.begin(), name.end());
  return extension;
}

namespace {

Bytes message_of(std::uint8_t type, const Bytes& body) {
  Bytes message{type, static_cast<std::uint8_t>(body.size() >> 16U)};
  put16(message, body.size() & 0xffffU);
  put(message, body);
  return message;
}

}  // namespace

Bytes client_hello_message(const std::vector<TlsExtension>& extensions) {
  Bytes body{3, 3};
  body.resize(2 + 32, 0x5a);  // random
  body.push_back(32);         // session id
  body.resize(body.size() + 32, 0x11);
  put(body, {0, 6, 0x1a, 0x1a, 0x13, 0x01, 0x13, 0x02});  // GREASE and two ciphers
  put(body, {1, 0});                                      // no compression
  Bytes list{0x2a, 0x2a, 0, 0};                           // GREASE
  for (const TlsExtension& extension : extensions) {
    put16(list, extension.type);
    put16(list, extension.content.size());
    put(list, extension.content);
  }
  put16(body, list.size());
  put(body, list);
  return message_of(1, body);
}

Bytes in_records(const Bytes& message, std::size_t piece) {
  Bytes bytes;
  for (std::size_t at = 0; at < message.size(); at += piece) {
    const std::size_t size = std::min(piece, message.size() - at);
    put(bytes, {22, 3, 1});
    put16(bytes, size);
    const auto begin = message.begin() + static_cast<std::ptrdiff_t>(at);
    bytes.insert(bytes.end(), begin, begin + static_cast<std::ptrdiff_t>(size));
  }
  return bytes;
}

Bytes client_hello(std::string_view name) {
  std::vector<TlsExtension> extensions{{16, {0, 3, 2, 'h', '2'}}};
  if (!name.empty()) extensions.push_back(server_name(name));
  return in_records(client_hello_message(extensions));
}

Bytes server_answer(Answer answer) {
  static constexpr std::uint8_t kRetry[] = {0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11,
                                            0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
                                            0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E,
                                            0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C};
  Bytes body{3, 3};
  if (answer == Answer::retry_request) {
    body.insert(body.end(), std::begin(kRetry), std::end(kRetry));
  } else {
    body.resize(2 + 32, 0x77);
  }
  put(body, {0, 0x13, 0x01, 0, 0, 0});
  return in_records(message_of(2, body));
}

}  // namespace sandbox_run::broker::test
