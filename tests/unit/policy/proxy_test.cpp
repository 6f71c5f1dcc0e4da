#include "policy/proxy.h"

#include <doctest/doctest.h>

#include "expect_error.h"

using namespace sandbox_run::policy;

namespace {

constexpr auto kNone = PackageManager::none;
constexpr auto kNpm = PackageManager::npm;

Proxy https_of(const Variables& variables, PackageManager manager = kNone) {
  const ProxyPolicy policy = proxies_in(manager, variables);
  REQUIRE(policy.https);
  return *policy.https;
}

}  // namespace

TEST_CASE("a proxy is a URL, or a host and port; credentials are decoded") {
  CHECK(https_of({{"HTTPS_PROXY", "http://me:p%40ss@proxy.example.com:3128/"}}) ==
        Proxy{Proxy::Scheme::http, "proxy.example.com", 3128, "me", "p@ss"});
  CHECK(https_of({{"https_proxy", "proxy.example.com:3128"}}) ==
        Proxy{Proxy::Scheme::http, "proxy.example.com", 3128, "", ""});
  CHECK(https_of({{"ALL_PROXY", "socks5h://[::1]"}}) ==
        Proxy{Proxy::Scheme::socks5h, "::1", 1080, "", ""});
  CHECK(https_of({{"HTTPS_PROXY", "https://proxy.example.com"}}) ==
        Proxy{Proxy::Scheme::https, "proxy.example.com", 443, "", ""});
  CHECK(https_of({{"all_proxy", "http://proxy.example.com"}}).port == 80);
}

TEST_CASE("the package manager's own setting comes first, then the scheme's, then all_proxy") {
  const Variables variables = {{"ALL_PROXY", "http://all:1"},
                               {"HTTPS_PROXY", "http://https:1"},
                               {"HTTP_PROXY", "http://http:1"},
                               {"PIP_PROXY", "http://pip:1"},
                               {"NPM_CONFIG_HTTPS_PROXY", "http://npm:1"}};
  CHECK(https_of(variables).host == "https");
  CHECK(https_of(variables, kNpm).host == "npm");
  CHECK(https_of(variables, PackageManager::pip).host == "pip");
  CHECK(proxies_in(kNpm, variables).http->host == "http");
  CHECK_FALSE(
      proxies_in(kNpm, {{"https_proxy", "http://a:1"}, {"npm_config_https_proxy", "null"}}).https);
  CHECK(proxies_in(kNone, {{"HTTP_PROXY", "http://a:1"}}).https == std::nullopt);
  CHECK(proxies_in(kNone, {{"HTTPS_PROXY", ""}}) == ProxyPolicy{});
}

TEST_CASE("what can't be used is refused in words, and its password is not among them") {
  for (const char* url : {"socks4://me:s3cret@a.example.com", "http://me:s3cret@",
                          "http://me:s3cret@a.example.com:99999",
                          "http://me:s3%0Dcret@a.example.com", "http://me:s3cret@a b"}) {
    CAPTURE(url);
    const std::string error = error_of([&] { proxies_in(kNone, {{"HTTPS_PROXY", url}}); });
    CHECK(contains(error, "the host's proxy can't be used: "));
    CHECK_FALSE(contains(error, "cret"));
  }
}

TEST_CASE("npm's and pip's files say what their variables say") {
  const Variables npm = proxy_settings(
      kNpm, "; c\nhttps-proxy = http://u:${PASS}@a:1\nproxy=http://b:2\nnoproxy=x\n[s]\nproxy=c\n",
      {{"PASS", "pw"}});
  CHECK(npm == Variables{{"npm_config_https_proxy", "http://u:pw@a:1"},
                         {"npm_config_proxy", "http://b:2"},
                         {"npm_config_noproxy", "x"}});
  CHECK(proxy_settings(PackageManager::pip, "[install]\nproxy=a\n[global]\nproxy = http://b:2\n",
                       {}) == Variables{{"PIP_PROXY", "http://b:2"}});
}

TEST_CASE("what is reached without the proxy is told by name, domain, address and port") {
  ProxyPolicy policy =
      proxies_in(kNone, {{"ALL_PROXY", "http://p:1"},
                         {"NO_PROXY",
                          "a.example.com, .b.example.com,*.c.example.com,192.0.2.1,d.example:8443,"
                          "2001:db8::1"}});
  const auto direct = [&](std::string_view host, std::uint16_t port = 443) {
    return proxy_for(policy, host, port) == nullptr;
  };
  CHECK(direct("a.example.com"));
  CHECK(direct("x.a.example.com"));
  CHECK_FALSE(direct("xa.example.com"));
  CHECK(direct("x.b.example.com"));
  CHECK(direct("y.c.example.com"));
  CHECK(direct("192.0.2.1"));
  CHECK_FALSE(direct("192.0.2.11"));
  CHECK(direct("2001:db8::1"));
  CHECK(direct("d.example", 8443));
  CHECK_FALSE(direct("d.example", 443));
  CHECK_FALSE(direct("example.com"));
  policy.without = {"*"};
  CHECK(direct("anything.example.net"));
}
