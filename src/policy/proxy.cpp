#include "policy/proxy.h"

#include <algorithm>
#include <array>
#include <boost/url.hpp>
#include <charconv>

#include "base/sys_error.h"
#include "base/text.h"

namespace sandbox_run::policy {
namespace {

using Names = std::vector<std::string_view>;

constexpr std::uint16_t kSocks = 1080;
constexpr std::size_t kMaxCredential = 255;  // RFC 1929

const std::string* value_of(const Variables& variables, std::string_view name) {
  for (const auto& [key, value] : variables) {
    if (key == name && !value.empty()) return &value;
  }
  return nullptr;
}

/// npm's names of settings, as variables: any case, '-' or '_'.
const std::string* npm_value(const Variables& variables, std::string_view setting) {
  for (const auto& [key, value] : variables) {
    std::string name = base::to_lower(key);
    std::replace(name.begin(), name.end(), '-', '_');
    if (name == "npm_config_" + std::string(setting) && !value.empty()) return &value;
  }
  return nullptr;
}

/// bun and deno go by the environment alone.
bool reads_npmrc_proxies(PackageManager manager) {
  return manager == PackageManager::npm || manager == PackageManager::pnpm ||
         manager == PackageManager::yarn;
}

[[noreturn]] void refuse(const std::string& what) {
  throw base::UserError("the host's proxy can't be used: " + what +
                        "; mend or unset the proxy variables and settings");
}

bool is_plain(std::string_view text) {
  return text.size() <= kMaxCredential && std::none_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
         });
}

Proxy parse_proxy(const std::string& text) {
  // As curl: "proxy.example.com:3128" is an http proxy.
  const std::string whole = text.find("://") == std::string::npos ? "http://" + text : text;
  const auto url = boost::urls::parse_uri(base::trim(whole));
  if (!url) refuse("it is no URL");
  Proxy proxy;
  proxy.port = kHttpPort;
  const std::string scheme = base::to_lower(std::string(url->scheme()));
  if (scheme == "socks5h" || scheme == "socks5") {
    proxy.scheme = Proxy::Scheme::socks5h;
    proxy.port = kSocks;
  } else if (scheme == "https") {
    proxy.scheme = Proxy::Scheme::https;
    proxy.port = kHttpsPort;
  } else if (scheme != "http") {
    refuse("'" + base::printable(scheme) + "' is none of: http, https, socks5h");
  }
  proxy.host = url->host_address();
  const std::string digits(url->port());
  if (!digits.empty()) {
    const char* last = digits.data() + digits.size();
    const auto [end, error] = std::from_chars(digits.data(), last, proxy.port);
    if (error != std::errc{} || end != last || proxy.port == 0) refuse("its port is no port");
  }
  proxy.user = url->user();
  proxy.password = url->password();
  if (proxy.host.empty() || !is_plain(proxy.host)) refuse("it names no host");
  if (!is_plain(proxy.user) || !is_plain(proxy.password)) refuse("its user or password is odd");
  return proxy;
}

std::optional<Proxy> first_proxy(const Variables& variables, const std::string* own,
                                 const Names& names) {
  if (own != nullptr) {
    // npm's words for "none, whatever the variables say".
    if (*own == "null" || *own == "false") return std::nullopt;
    return parse_proxy(*own);
  }
  for (const std::string_view name : names) {
    if (const std::string* value = value_of(variables, name)) return parse_proxy(*value);
  }
  return std::nullopt;
}

std::string expand(std::string text, const Variables& environment) {
  for (std::size_t at = text.find("${"); at != std::string::npos; at = text.find("${", at)) {
    const std::size_t end = text.find('}', at);
    if (end == std::string::npos) break;
    const std::string* value = value_of(environment, text.substr(at + 2, end - at - 2));
    const std::string replacement = value == nullptr ? "" : *value;
    text.replace(at, end + 1 - at, replacement);
    at += replacement.size();
  }
  return text;
}

/// The variable that says the same as `key` of the configuration; "" if it is not about proxies.
std::string variable_for(PackageManager manager, std::string_view section, std::string_view key) {
  if (manager == PackageManager::pip) {
    return key == "proxy" && section == "[global]" ? "PIP_PROXY" : "";
  }
  if (!section.empty()) return "";
  if (key == "proxy" || key == "http-proxy") return "npm_config_proxy";
  if (key == "https-proxy") return "npm_config_https_proxy";
  return key == "noproxy" || key == "no-proxy" ? "npm_config_noproxy" : "";
}

bool is_without(std::string_view entry, std::string_view host, std::uint16_t port) {
  if (entry == "*") return true;
  const std::size_t colon = entry.rfind(':');
  // One colon: a port follows. More: an IPv6 address.
  if (colon != std::string_view::npos && entry.find(':') == colon) {
    if (entry.substr(colon + 1) != std::to_string(port)) return false;
    entry = entry.substr(0, colon);
  }
  if (entry.starts_with('[') && entry.ends_with(']')) entry = entry.substr(1, entry.size() - 2);
  if (entry.starts_with("*.")) entry.remove_prefix(1);
  if (entry.starts_with('.')) entry.remove_prefix(1);
  if (entry.empty()) return false;
  return host == entry || (host.size() > entry.size() && host.ends_with(entry) &&
                           host[host.size() - entry.size() - 1] == '.');
}

}  // namespace

Variables proxy_settings(PackageManager manager, std::string_view text,
                         const Variables& environment) {
  Variables settings;
  std::string section;
  for (const std::string& raw : base::split(text, '\n')) {
    const std::string line(base::trim(raw));
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    if (line[0] == '[') {
      section = line;
      continue;
    }
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) continue;
    const std::string key(base::trim(line.substr(0, equals)));
    const std::string variable = variable_for(manager, section, key);
    if (variable.empty()) continue;
    settings.emplace_back(variable,
                          expand(std::string(base::trim(line.substr(equals + 1))), environment));
  }
  return settings;
}

ProxyPolicy proxies_in(PackageManager manager, const Variables& variables) {
  const std::string* http = nullptr;
  const std::string* https = nullptr;
  const std::string* without = nullptr;
  if (manager == PackageManager::pip) {
    http = https = value_of(variables, "PIP_PROXY");
  } else if (reads_npmrc_proxies(manager)) {
    http = npm_value(variables, "proxy");
    https = npm_value(variables, "https_proxy");
    without = npm_value(variables, "noproxy");
  }
  ProxyPolicy policy;
  policy.http =
      first_proxy(variables, http, {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"});
  policy.https =
      first_proxy(variables, https, {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"});
  for (const std::string_view name : {"no_proxy", "NO_PROXY"}) {
    if (without == nullptr) without = value_of(variables, name);
  }
  if (without == nullptr) return policy;
  for (const std::string& entry : base::split(base::to_lower(*without), ',')) {
    const std::string trimmed(base::trim(entry));
    if (!trimmed.empty()) policy.without.push_back(trimmed);
  }
  return policy;
}

const Proxy* proxy_for(const ProxyPolicy& policy, std::string_view host, std::uint16_t port) {
  const std::optional<Proxy>& proxy = port == kHttpPort ? policy.http : policy.https;
  if (!proxy) return nullptr;
  const bool direct =
      std::any_of(policy.without.begin(), policy.without.end(),
                  [&](const std::string& entry) { return is_without(entry, host, port); });
  return direct ? nullptr : &*proxy;
}

}  // namespace sandbox_run::policy
