#pragma once

#include <chrono>
#include <string>

#include "broker/asio.h"
#include "broker/proxy_dialogue.h"
#include "broker/upstream.h"

namespace sandbox_run::broker {

/// The dialogue with a proxy that itself speaks TLS ("https://proxy"), on `proxy.socket`, which is
/// connected to it; its certificate: see TlsClient::open(). What is said to the returned socket and
/// heard from it goes through TLS, and so does the end of either direction, by TLS 1.3. TLS 1.2
/// can't say that: there the other direction ends when it is quiet for kHalfClosedIdle.
asio::awaitable<Upstream> converse_by_tls(Upstream proxy, std::string host, ProxyDialogue& dialogue,
                                          std::chrono::milliseconds limit);

}  // namespace sandbox_run::broker
