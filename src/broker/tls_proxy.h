#pragma once

#include <chrono>
#include <string>

#include "base/unique_fd.h"
#include "broker/asio.h"
#include "broker/proxy_dialogue.h"

namespace sandbox_run::broker {

struct TlsConnection {
  base::UniqueFd socket;  // none: `error` says why
  std::string error;
};

/// The dialogue with a proxy that itself speaks TLS ("https://proxy"), on `socket`, which is
/// connected to it. Its certificate must be one of this host's authorities (OpenSSL's own, or those
/// of SSL_CERT_FILE and SSL_CERT_DIR) and name `host`. What is said to the returned socket and
/// heard from it goes through TLS, until either side closes; to close one direction alone closes
/// nothing at the proxy.
asio::awaitable<TlsConnection> converse_by_tls(base::UniqueFd socket, std::string host,
                                               ProxyDialogue& dialogue,
                                               std::chrono::milliseconds limit);

}  // namespace sandbox_run::broker
