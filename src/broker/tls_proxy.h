#pragma once

#include <chrono>
#include <string>

#include "broker/asio.h"
#include "broker/proxy_dialogue.h"
#include "broker/upstream.h"

namespace sandbox_run::broker {

/// The dialogue with a proxy that itself speaks TLS ("https://proxy"), on `proxy.socket`, which is
/// connected to it. Its certificate must be one of this host's authorities (OpenSSL's own, or those
/// of SSL_CERT_FILE and SSL_CERT_DIR) and name `host`. What is said to the returned socket and
/// heard from it goes through TLS, until either side closes. The end of one direction alone is not
/// passed on; after that the other one ends when it is quiet for kHalfClosedIdle.
asio::awaitable<Upstream> converse_by_tls(Upstream proxy, std::string host, ProxyDialogue& dialogue,
                                          std::chrono::milliseconds limit);

}  // namespace sandbox_run::broker
