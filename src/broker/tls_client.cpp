#include "broker/tls_client.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <new>
#include <utility>

#include "broker/address.h"

namespace sandbox_run::broker {
namespace {

/// Made when first needed: it reads all authorities of the host.
SSL_CTX* client_context() {
  static const auto context = [] {
    std::unique_ptr<SSL_CTX, decltype(&::SSL_CTX_free)> made(::SSL_CTX_new(::TLS_client_method()),
                                                             &::SSL_CTX_free);
    if (!made) throw std::bad_alloc();
    ::SSL_CTX_set_default_verify_paths(made.get());
    ::SSL_CTX_set_verify(made.get(), SSL_VERIFY_PEER, nullptr);
    ::SSL_CTX_set_min_proto_version(made.get(), TLS1_2_VERSION);
    ::SSL_CTX_set_mode(made.get(), SSL_MODE_ENABLE_PARTIAL_WRITE);
    return made;
  }();
  return context.get();
}

/// By its address or its name; an address is not to be sent as a server name (RFC 6066, 3).
bool expect_host(SSL* ssl, const std::string& host) {
  if (Address::parse(host)) {
    return ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl), host.c_str()) == 1;
  }
  ::SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return ::SSL_set1_host(ssl, host.c_str()) == 1 &&
         ::SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
}

std::string why_it_failed(const SSL* ssl) {
  const unsigned long code = ::ERR_peek_error();
  const char* reason = code == 0 ? nullptr : ::ERR_reason_error_string(code);
  std::string text = reason == nullptr ? "the other side closed" : reason;
  const long verdict = ::SSL_get_verify_result(ssl);
  if (verdict != X509_V_OK) text += std::string(": ") + ::X509_verify_cert_error_string(verdict);
  return text;
}

}  // namespace

TlsClient::TlsClient(const asio::any_io_executor& executor, base::UniqueFd socket)
    : socket_(watch(executor, std::move(socket))), ssl_(::SSL_new(client_context())) {
  if (!ssl_ || ::SSL_set_fd(ssl_.get(), socket_.native_handle()) != 1) throw std::bad_alloc();
}

template <class Call>
asio::awaitable<int> TlsClient::finish(Call call) {
  // Closed meanwhile, its number may be another's.
  while (socket_.is_open()) {
    ::ERR_clear_error();
    const int result = call();
    error_ = result > 0 ? SSL_ERROR_NONE : ::SSL_get_error(ssl_.get(), result);
    if (error_ != SSL_ERROR_WANT_READ && error_ != SSL_ERROR_WANT_WRITE) co_return result;
    const auto [error] = co_await socket_.async_wait(
        error_ == SSL_ERROR_WANT_READ ? Descriptor::wait_read : Descriptor::wait_write, kAwait);
    if (error) break;
  }
  error_ = SSL_ERROR_SYSCALL;
  co_return -1;
}

asio::awaitable<std::string> TlsClient::open(std::string host) {
  if (!expect_host(ssl_.get(), host)) co_return "'" + host + "' is no name of a host";
  const int result = co_await finish([this] { return ::SSL_connect(ssl_.get()); });
  co_return result == 1 ? "" : why_it_failed(ssl_.get());
}

asio::awaitable<std::optional<std::size_t>> TlsClient::read(std::span<char> buffer) {
  std::size_t count = 0;
  const int result = co_await finish(
      [&] { return ::SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &count); });
  if (result == 1) co_return count;
  if (error_ == SSL_ERROR_ZERO_RETURN) co_return 0;
  co_return std::nullopt;
}

asio::awaitable<bool> TlsClient::write(std::span<const char> bytes) {
  while (!bytes.empty()) {
    std::size_t count = 0;
    const int result = co_await finish(
        [&] { return ::SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count); });
    if (result != 1) co_return false;
    bytes = bytes.subspan(count);
  }
  co_return true;
}

asio::awaitable<bool> TlsClient::end() {
  // 0: said, and not yet heard (SSL_shutdown(3)).
  co_return co_await finish([this] {
    const int result = ::SSL_shutdown(ssl_.get());
    return result == 0 ? 1 : result;
  }) == 1;
}

void TlsClient::close() {
  const bool broken = error_ == SSL_ERROR_SSL || error_ == SSL_ERROR_SYSCALL;
  if (socket_.is_open() && !broken && ::SSL_is_init_finished(ssl_.get()) == 1) {
    ::ERR_clear_error();
    (void)::SSL_shutdown(ssl_.get());  // "that was all", if it can be said at once
  }
  boost::system::error_code ignored;  // of a connection that is over
  socket_.close(ignored);
}

}  // namespace sandbox_run::broker
