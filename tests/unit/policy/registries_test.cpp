#include "policy/registries.h"

#include <doctest/doctest.h>

#include "expect_error.h"

using namespace sandbox_run::policy;

namespace {

using Texts = std::vector<std::string>;

PackageManagerFacts npm_facts(const std::string& output) {
  return parse_answers(PackageManager::npm, {output});
}

Texts hosts_of(const Texts& urls) {
  Texts hosts;
  for (const EgressRule& rule : rules_for_registries(urls).rules) hosts.push_back(rule.host.text());
  return hosts;
}

}  // namespace

TEST_CASE("a registry's user is no part of what is kept, whatever stands in his name") {
  const auto facts = npm_facts(R"json({"registry": "https://a'b!c@registry.example.com/"})json");
  CHECK(facts.registries == Texts{"https://registry.example.com/"});
}

TEST_CASE("npm's answer gives registries, cache and prefix") {
  const auto facts = npm_facts(
      R"json({"registry": "https://registry.example.com/npm/", "audit": true,
          "@corp:registry": "https://user:pw@corp.example.com:8443/",
          "//registry.example.com/npm/:_authToken": "(protected)",
          "omit-lockfile-registry-resolved": false,
          "cache": "/home/u/.npm", "prefix": "/usr", "https-proxy": null, "noproxy": [""]})json");
  CHECK(facts.registries ==
        Texts{"https://registry.example.com/npm/", "https://corp.example.com:8443/"});
  CHECK(facts.cache == "/home/u/.npm");
  CHECK(facts.prefix == "/usr");
}

TEST_CASE("npm registries that hold a password are found in npm's words") {
  const auto facts = parse_answers(
      PackageManager::npm, {"{\"cache\": \"/home/u/.npm\"}",
                            "; \"user\" config from /home/u/.npmrc\n\n"
                            "; registry = \"https://old.example.com/\" ; overridden by project\n"
                            "@corp:registry = \"https://user:***@corp.example.com:8443/\"\n"
                            "//registry.example.com/:_authToken = (protected)\n"
                            "registry = \"https://registry.example.com/npm/\"\n"
                            "@bad:registry = (protected)\ncache = \"https://no.example.com\"\n"});
  CHECK(facts.registries ==
        Texts{"https://corp.example.com:8443/", "https://registry.example.com/npm/"});
}

TEST_CASE("notices around an answer do no harm") {
  CHECK(npm_facts("a notice\n{\n \"registry\": \"https://r.example.com\"\n}\n").registries ==
        Texts{"https://r.example.com"});
}

TEST_CASE("an answer that cannot be understood is an error that says what to do") {
  for (const char* output : {"", "not json", "{", "[]", "{}", "{\"registry\": 3}", "null",
                             "{\"registry\": \"\"}", "{\"@a:registry\": {}}"}) {
    CAPTURE(output);
    CHECK(contains(error_of([&] { npm_facts(output); }), "--allow-host"));
  }
  CHECK(contains(error_of([] { parse_answers(PackageManager::npm, {}); }), "npm"));
  CHECK(contains(error_of([] { parse_answers(PackageManager::yarn, {{}, {}, {}}); }), "yarn"));
  CHECK_THROWS(npm_facts(std::string(100000, '[')));
}

TEST_CASE("paths in an answer must be absolute") {
  const auto facts = npm_facts(R"json({"registry": "https://r.example.com", "cache": "../x"})json");
  CHECK_FALSE(facts.cache);
}

TEST_CASE("pnpm's answer is npm's form, with its store if it was told of one") {
  const auto facts = parse_answers(
      PackageManager::pnpm, {R"json({"@scope:registry": "https://user:pw@scope.example.com:8443/",
           "registries": {"https://other.example.com/": {"prefix": "gh"}},
           "ca": ["-----BEGIN CERTIFICATE-----\nMIIH"],
           "registry": "https://registry.example.com/npm/", "userAgent": "pnpm/12",
           "storeDir": "/srv/store"})json"});
  CHECK(facts.registries ==
        Texts{"https://registry.example.com/npm/", "https://scope.example.com:8443/"});
  CHECK(facts.cache == "/srv/store");
  const auto older =
      parse_answers(PackageManager::pnpm,
                    {R"json({"registry": "https://r.example.com", "store-dir": "/s"})json"});
  CHECK(older.cache == "/s");
  const auto plain =
      parse_answers(PackageManager::pnpm, {R"json({"registry": "https://r.example.com"})json"});
  CHECK_FALSE(plain.cache);
}

TEST_CASE("yarn classic answers in lines, its own settings and npm's") {
  const auto facts =
      parse_answers(PackageManager::yarn,
                    {"{\"type\":\"warning\",\"data\":\"package.json: No license field\"}\n"
                     "{\"type\":\"info\",\"data\":\"yarn config\"}\n"
                     "{\"type\":\"inspect\",\"data\":{\"registry\":\"https://yarn.example.com\"}}\n"
                     "{\"type\":\"info\",\"data\":\"npm config\"}\n"
                     "{\"type\":\"inspect\",\"data\":{\"registry\":\"https://npm.example.com/\","
                     "\"@a:registry\":\"https://a.example.com\"}}\n",
                     std::nullopt, "{\"type\":\"log\",\"data\":\"undefined\"}\n"});
  CHECK(facts.registries ==
        Texts{"https://yarn.example.com", "https://npm.example.com/", "https://a.example.com"});
}

TEST_CASE("bun and deno answer with where they would connect") {
  const auto facts = parse_answers(PackageManager::bun,
                                   {"a "
                                    "notice\n{\"registries\":[\"https://"
                                    "a.example.com:443\",\"http://u:p@b.example.com/@s%2fx\",7],"
                                    "\"cache\":\"/home/u/.bun/install/cache\"}\n"});
  CHECK(facts.registries == Texts{"https://a.example.com:443", "http://b.example.com/@s%2fx"});
  CHECK(facts.cache == "/home/u/.bun/install/cache");
  CHECK(contains(error_of([] { parse_answers(PackageManager::deno, {{}}); }), "deno"));
  CHECK(contains(
      error_of([] { parse_answers(PackageManager::bun, {"{\"registries\":[],\"cache\":\"x\"}"}); }),
      "bun"));
}

TEST_CASE("yarn berry answers setting by setting, its scopes apart") {
  const auto facts = parse_answers(
      PackageManager::yarn,
      {"{\"type\":\"error\",\"name\":34,\"data\":\"No configuration key named \\\"list\\\"\"}\n",
       "{\"key\":\"globalFolder\",\"effective\":\"/home/u/.yarn/"
       "berry\",\"type\":\"ABSOLUTE_PATH\"}\n"
       "{\"key\":\"npmAuthToken\",\"effective\":\"********\"}\n"
       "{\"key\":\"npmPublishRegistry\",\"effective\":\"https://publish.example.com\"}\n"
       "{\"key\":\"npmRegistryServer\",\"effective\":\"https://registry.example.com/npm/\","
       "\"default\":\"https://default.example.com\"}\n"
       "{\"key\":\"npmScopes\",\"effective\":{}}\n",
       "{\"corp\":{\"npmAuthToken\":\"********\",\"npmRegistryServer\":\"https://s.example.com\"},"
       "\"odd\":3}\n"});
  CHECK(facts.registries == Texts{"https://registry.example.com/npm/", "https://s.example.com"});
  CHECK(facts.cache == "/home/u/.yarn/berry");
}

TEST_CASE("pip's answer gives the environment and the default index") {
  const auto facts =
      parse_answers(PackageManager::pip,
                    {R"json({"prefix": "/v", "base_prefix": "/usr", "user_base": "/home/u/.local",
           "user_site": "/home/u/.local/lib/python3.11/site-packages", "user_site_enabled": false,
           "data": "/v", "directories": ["/v/lib/p", "/v/lib/p", "/v/bin", "/v", "x"],
           "default_index": "https://index.example.com/simple",
           "default_files": "https://files.example.com/",
           "configured": [["extra-index-url", "https://u:p@a.example.com/x\nhttps://b.example.com"],
                          ["find-links", "/srv/wheels"]]})json"});
  REQUIRE(facts.python);
  CHECK(facts.python->prefix == "/v");
  CHECK(facts.python->base_prefix == "/usr");
  CHECK_FALSE(facts.python->user_site_enabled);
  CHECK(facts.python->install_directories == Texts{"/v/lib/p", "/v/bin", "/v"});
  CHECK(facts.python->data == "/v");
  CHECK(facts.registries == Texts{"https://a.example.com/x", "https://b.example.com", "/srv/wheels",
                                  "https://index.example.com/simple",
                                  "https://files.example.com/"});
}

TEST_CASE("a configured index takes the default's place") {
  const auto facts =
      parse_answers(PackageManager::pip,
                    {R"json({"prefix": "/v", "default_index": "https://index.example.com/simple",
           "default_files": "https://files.example.com/",
           "configured": [["index-url", "https://private.example.com/simple"], ["x"], 3]})json"});
  CHECK(facts.registries == Texts{"https://private.example.com/simple"});
}

TEST_CASE("every package manager has its questions, other commands none") {
  CHECK(registry_queries(PackageManager::none).empty());
  CHECK(registry_queries(PackageManager::npm).size() == 2);
  CHECK(registry_queries(PackageManager::pip).at(0).to == RegistryQuery::To::python);
  CHECK(registry_queries(PackageManager::pip).at(0).arguments.at(0) == "-c");
  CHECK(registry_queries(PackageManager::yarn).at(0).to == RegistryQuery::To::yarn_1);
  CHECK(parse_answers(PackageManager::none, {}).registries.empty());
}

TEST_CASE("registries on the command line are found in all their spellings") {
  const auto npm = [](Texts arguments) {
    return registries_in_arguments(PackageManager::npm, arguments, {});
  };
  CHECK(npm({"npm", "i", "--registry", "https://a.example.com"}) == Texts{"https://a.example.com"});
  CHECK(npm({"npm", "i", "--registry=https://a.example.com"}) == Texts{"https://a.example.com"});
  CHECK(npm({"npm", "i", "--@s:registry=https://s.example.com"}) == Texts{"https://s.example.com"});
  CHECK(npm({"npm", "i", "--registry"}).empty());
  CHECK(npm({"npm", "run", "x", "--", "--registry", "https://a.example.com"}).empty());
  CHECK(npm({"npm", "-f", "https://a.example.com"}).empty());
  const auto pip = [](Texts arguments, Texts requirements = {}) {
    return registries_in_arguments(PackageManager::pip, arguments, requirements);
  };
  CHECK(pip({"pip", "install", "-i", "https://a.example.com", "-fhttps://f.example.com",
             "--index-url=https://b.example.com", "--extra-index-url", "https://c.example.com"}) ==
        Texts{"https://a.example.com", "https://f.example.com", "https://b.example.com",
              "https://c.example.com"});
  CHECK(pip({"pip", "install", "-r", "r.txt"},
            {"# -i https://no.example.com\n"
             "-i https://a.example.com # why\n"
             "--extra-index-url \\\n  https://b.example.com\r\n"
             "requests==2.0 # --find-links https://no.example.com\n"
             "git+https://no.example.com/x#egg=y\n"
             "--find-links=wheels\n"}) ==
        Texts{"https://a.example.com", "https://b.example.com", "wheels"});
  CHECK(registries_in_arguments(PackageManager::none, {"x", "--registry", "y"}, {}).empty());
}

TEST_CASE("URLs become rules, one a host") {
  const auto rules = rules_for_registries({"https://A.example.com/npm/", "http://a.example.com",
                                           "https://a.example.com:8443", "https://b.example.com.",
                                           " https://c.example.com "})
                         .rules;
  REQUIRE(rules.size() == 3);
  CHECK(rules[0].host.text() == "a.example.com");
  CHECK(rules[0].ports == std::vector<std::uint16_t>{443, 80, 8443});
  CHECK(rules[0].origin == EgressRule::Origin::registry);
  CHECK(rules[1].host.text() == "b.example.com");
  CHECK(rules[2].host.text() == "c.example.com");
}

TEST_CASE("a registry on the host's loopback gives a hint, no rule") {
  const auto result = rules_for_registries({"http://localhost:4873/", "https://127.0.0.1",
                                            "http://[::1]:80/x", "http://localhost:4873"});
  CHECK(result.rules.empty());
  CHECK(result.loopback == Texts{"localhost:4873", "127.0.0.1:443", "[::1]:80"});
  for (const std::string& hint : result.loopback) CHECK(parse_host_and_port(hint).port != 0);
}

TEST_CASE("hostile registries open nothing") {
  for (const std::string url : {"https://*.example.com/",
                                "https://%2a.example.com/",
                                "https://com*/",
                                "https://*/",
                                "file:///etc",
                                "/srv/wheels",
                                "wheels",
                                "",
                                "https://",
                                "https:///x",
                                "https://a.example.com:0/",
                                "https://a.example.com:99999/",
                                "ftp://a.example.com",
                                "https://0.0.0.0/",
                                "https://127.1/",
                                "https://2130706433/",
                                "javascript:alert(1)",
                                "https://a b.example.com",
                                "https://a.example.com%00.evil.example.net/",
                                "git+ssh://git@a.example.com/x",
                                "https://[fe80::1%25eth0]/"}) {
    CAPTURE(url);
    CHECK(hosts_of({url}) == Texts{});
  }
  CHECK(hosts_of({"https://good.example.com@evil.example.net/"}) == Texts{"evil.example.net"});
  CHECK(hosts_of({std::string(70000, 'a')}).empty());
}

TEST_CASE(
    "pnpm, yarn classic and bun are asked where a global install goes, with the options that say") {
  const auto pnpm =
      global_queries(PackageManager::pnpm, {"pnpm", "add", "-g", "--global-dir", "/d", "x"});
  REQUIRE(pnpm.size() == 2);
  CHECK(pnpm[0].arguments.front() == "root");
  CHECK(pnpm[1].arguments.back() == "--global-dir=/d");
  CHECK(global_queries(PackageManager::yarn, {"yarn", "global", "add", "x"}).size() == 2);
  CHECK(global_queries(PackageManager::npm, {"npm", "i", "-g", "x"}).empty());

  CHECK(global_queries(PackageManager::bun, {"bun", "add", "-g", "x"}).size() == 2);
  CHECK(global_queries(PackageManager::bun, {"bun", "-c", "b.toml", "add", "-g", "x"}).empty());

  using Places = std::pair<std::string, std::string>;
  const auto parse = [](PackageManager manager, const std::optional<std::string>& packages,
                        const std::optional<std::string>& programs, const std::string& home) {
    return parse_global_answers(manager, {packages, programs}, home);
  };
  const auto kPnpm = PackageManager::pnpm;
  CHECK(parse(kPnpm, "/p/global/5/node_modules\n", "undefined\n", "/p") ==
        Places("/p/global/5", "/p"));
  CHECK(parse(kPnpm, "/p/global/v11\n", "undefined\n", "/p") == Places("/p/global/v11", "/p/bin"));
  CHECK(parse(kPnpm, "/p/global/v11\n", "/b\n", "/p") == Places("/p/global/v11", "/b"));
  CHECK_FALSE(parse(kPnpm, "/p/global/v11\n", "undefined\n", ""));
  CHECK_FALSE(parse(kPnpm, "nowhere\n", "/p\n", "/p"));
  CHECK(parse(PackageManager::yarn, "warning x\n/g\n", "/h/.yarn/bin\n", "") ==
        Places("/g", "/h/.yarn/bin"));
  CHECK_FALSE(parse(PackageManager::yarn, "/g\n", std::nullopt, "/p"));
}
