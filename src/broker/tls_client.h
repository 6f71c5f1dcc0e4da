#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/unique_fd.h"
#include "broker/asio.h"

namespace sandbox_run::broker {

/// One TLS connection, as its client, on a socket that does not block: OpenSSL reads and writes it
/// and says what it waits for (SSL_get_error(3)). Not Asio's ssl::stream, which has no way to say
/// "that was all" without waiting for the other side's. One read and one write may be under way at
/// once.
class TlsClient {
 public:
  /// `socket` is connected. Throws std::bad_alloc.
  TlsClient(const asio::any_io_executor& executor, base::UniqueFd socket);

  /// The certificate must be by one of this host's authorities (OpenSSL's own, or those of
  /// SSL_CERT_FILE and SSL_CERT_DIR) and name `host`, a name or an address. "", or what is wrong.
  asio::awaitable<std::string> open(std::string host);
  /// How many bytes came; 0: the other side has said all; nullopt: the connection is broken.
  asio::awaitable<std::optional<std::size_t>> read(std::span<char> buffer);
  /// All of it. False: the connection is broken.
  asio::awaitable<bool> write(std::span<const char> bytes);

  /// Before TLS 1.3 who hears the end says it in turn and closes, and drops what it had to say
  /// (RFC 5246, 7.2.1; RFC 8446, 6.1).
  bool can_end_one_way() const { return ::SSL_version(ssl_.get()) >= TLS1_3_VERSION; }
  /// That was all; what the other side says can still be read. False: the connection is broken.
  asio::awaitable<bool> end();

  void close();

 private:
  struct Free {
    void operator()(SSL* ssl) const { ::SSL_free(ssl); }
  };
  /// `call` until it neither waits to read nor to write; what it gave then.
  template <class Call>
  asio::awaitable<int> finish(Call call);

  Descriptor socket_;
  std::unique_ptr<SSL, Free> ssl_;
  int error_ = SSL_ERROR_NONE;  // of the last call that failed
};

}  // namespace sandbox_run::broker
