#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/policy.h"

// By which proxy the host itself reaches the network. The sandboxee learns nothing of it: the
// broker asks the proxy. Pure.

namespace sandbox_run::policy {

struct Proxy {
  /// http: CONNECT (RFC 9110 9.3.6); https: the same through TLS. socks5h: the name goes to the
  /// proxy (RFC 1928).
  enum class Scheme { http, https, socks5h };
  Scheme scheme = Scheme::http;
  std::string host;
  std::uint16_t port = 0;
  std::string user;  // "": none; decoded
  std::string password;
  friend bool operator==(const Proxy&, const Proxy&) = default;
};

struct ProxyPolicy {
  std::optional<Proxy> http;         // for port 80
  std::optional<Proxy> https;        // for every other port
  std::vector<std::string> without;  // what is reached without: see proxy_for()
  friend bool operator==(const ProxyPolicy&, const ProxyPolicy&) = default;
};

using Variables = std::vector<std::pair<std::string, std::string>>;

/// What the user's configuration of npm or pip says of proxies, "NAME", "value" with the names of
/// the variables that say the same: from the text of ~/.npmrc (also pnpm's) or of pip.conf.
/// `${NAME}` is replaced from `environment`, as npm does.
Variables proxy_settings(PackageManager manager, std::string_view text,
                         const Variables& environment);

/// Of `variables` the first that is set and not empty counts: npm_config_https_proxy or PIP_PROXY
/// (those of `manager`), then https_proxy, HTTPS_PROXY, all_proxy, ALL_PROXY; and likewise for
/// http. Throws UserError for what can't be used, without the credentials in it: another scheme,
/// or no URL.
ProxyPolicy proxies_in(PackageManager manager, const Variables& variables);

/// nullptr: `host` is reached directly. An entry of `without` is "*", a name for itself and all
/// below it (with or without a leading dot or "*."), or an address; ":PORT" may follow.
const Proxy* proxy_for(const ProxyPolicy& policy, std::string_view host, std::uint16_t port);

}  // namespace sandbox_run::policy
