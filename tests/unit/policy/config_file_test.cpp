#include <doctest/doctest.h>

#include "expect_error.h"
#include "policy/environment.h"

using namespace sandbox_run::policy;

namespace {

const std::vector<std::string> kDrop = {"//*",        "_*",      "*auth*", "*token*",
                                        "*password*", "*proxy*", "key"};

std::string shown(HomeFile::Format format, const std::string& text) {
  return without_credentials({"{home}/.x", format, kDrop, {}, {}}, text);
}
std::string npmrc(const std::string& text) { return shown(HomeFile::Format::npmrc, text); }
std::string ini(const std::string& text) { return shown(HomeFile::Format::ini, text); }
std::string yaml(const std::string& text) { return shown(HomeFile::Format::yaml, text); }
std::string xml(const std::string& text) { return shown(HomeFile::Format::xml, text); }
std::string yarnrc(const std::string& text) { return shown(HomeFile::Format::yarnrc, text); }

}  // namespace

TEST_CASE("an npmrc keeps its registries and loses its tokens") {
  CHECK(npmrc("registry=https://u:p@registry.example.com/\n"
              "@a:registry = https://a.example.com\n"
              "//registry.example.com/:_authToken=npm_sekret\n"
              "_auth = sekret\n"
              "always-auth=true\n"
              "ca[]=\"x\"\n"
              "https-proxy=http://u:p@proxy.example.com\n"
              "# //old.example.com/:_authToken=sekret\n"
              "; _password=sekret\n"
              "save-exact=true ; _password=sekret\n") ==
        "registry=https://registry.example.com/\n"
        "@a:registry = https://a.example.com\n"
        "ca[]=\"x\"\n"
        "save-exact=true \n");
}

TEST_CASE("an npmrc key in disguise is not shown") {
  for (const char* line :
       {"\"_authToken\"=sekret", "'_authToken' = sekret", "\"\\u005fauthToken\"=sekret",
        "  _authToken=sekret", "\t_authToken\t=\tsekret", "${X}authToken=sekret",
        "_AuthToken=sekret", "_authToken[]=sekret", "_authToken", "sekret",
        "\xef\xbb\xbf_authToken=sekret", "\"//h.example.com/:_authToken=sekret",
        "color=true\r_auth=sekret", "#\n\xef\xbb\xbfkey=sekret", "a=b\n\xc2\xa0key\xc2\xa0=sekret",
        "=sekret", "[//h.example.com/]\n:x=sekret", "[_auth]\nx=sekret", "[broken\nx=sekret"}) {
    CAPTURE(line);
    CHECK_FALSE(contains(npmrc(line), "sekret"));
  }
  CHECK_FALSE(contains(npmrc(std::string("a=b\0_auth=sekret", 16)), "sekret"));
}

TEST_CASE("pip's configuration keeps continued values and drops those of a secret") {
  CHECK(ini("[global]\n"
            "index-url = https://u:p@index.example.com/simple\n"
            "extra-index-url =\n"
            "    https://u:p@a.example.com/simple\n"
            "\n"
            "    https://b.example.com/simple\n"
            "password =\n"
            "    sekret\n"
            "proxy: http://u:p@proxy.example.com\n"
            "timeout: 60\n") ==
        "[global]\n"
        "index-url = https://index.example.com/simple\n"
        "extra-index-url =\n"
        "    https://a.example.com/simple\n"
        "\n"
        "    https://b.example.com/simple\n"
        "timeout: 60\n");
}

TEST_CASE("indented keys of an ini file are keys, not continuations") {
  const std::string text = ini("[global]\n  timeout = 60\n  password = sekret\n  retries = 3\n");
  CHECK(text == "[global]\n  timeout = 60\n  retries = 3\n");
  CHECK_FALSE(contains(ini("[a]\nx = 1\n  password = sekret\n"), "sekret"));
  CHECK_FALSE(contains(ini("  sekret\n[a]\n  sekret\n"), "sekret"));
}

TEST_CASE("a berry configuration keeps servers and loses tokens at any depth") {
  CHECK(yaml("npmRegistryServer: \"https://u:p@registry.example.com/npm/\"  # ours\n"
             "npmAuthToken: sekret\n"
             "npmScopes:\n"
             "  corp:\n"
             "    npmRegistryServer: https://corp.example.com\n"
             "    npmAuthToken: \"sekret\"\n"
             "  'other':\n"
             "    npmAlwaysAuth: true\n"
             "enableTelemetry: false\n"
             "unsafeHttpWhitelist:\n"
             "  - \"*.example.com\"\n"
             "  - https://u:p@x.example.com\n") ==
        "npmRegistryServer: \"https://registry.example.com/npm/\"  \n"
        "npmScopes:\n"
        "  corp:\n"
        "    npmRegistryServer: https://corp.example.com\n"
        "  'other':\n"
        "enableTelemetry: false\n"
        "unsafeHttpWhitelist:\n"
        "  - \"*.example.com\"\n"
        "  - https://x.example.com\n");
}

TEST_CASE("YAML written to slip past is not shown") {
  for (const char* text : {"npmAuthToken:\n  sekret\n",
                           "npmAuthToken: >\n  sekret\n",
                           "npmAuthToken: |\n\n  sekret\n",
                           "npmAuthToken:\n- sekret\n",
                           "a: {npmAuthToken: sekret}\n",
                           "a: {\n  npmAuthToken: sekret\n}\n",
                           "\"npmAuth\\x54oken\": sekret\n",
                           "!!str npmAuthToken: sekret\n",
                           "&a npmAuthToken: sekret\n",
                           "? npmAuthToken\n: sekret\n",
                           "a: &x sekret\n",
                           "{npmAuthToken: sekret}\n",
                           "npmAuthToken : sekret\n",
                           "- npmAuthToken: sekret\n",
                           "- - npmAuthToken: sekret\n",
                           "--- npmAuthToken: sekret\n",
                           "a: \"x\n  sekret\"\n",
                           "a: x\n  sekret\n",
                           "a:\n\tnpmAuthToken: sekret\n",
                           "'npmAuthToken': sekret\n",
                           "NPMAUTHTOKEN: sekret\n",
                           "a: b: sekret\n",
                           "a: x # npmAuthToken: sekret\n",
                           "npmAuthToken:\n  b:\n    c: sekret\n"}) {
    CAPTURE(text);
    CHECK_FALSE(contains(yaml(text), "sekret"));
  }
}

TEST_CASE("yarn classic's configuration is read by its own rules") {
  CHECK(yarnrc("# yarn lockfile v1\n"
               "registry \"https://u:p@registry.example.com\"\n"
               "\"@a:registry\" \"https://a.example.com\"\n"
               "\"//registry.example.com/:_authToken\" \"sekret\"\n"
               "_authToken sekret\n"
               "--install.silent true\n"
               "block:\n"
               "  _authToken sekret\n") ==
        "registry \"https://registry.example.com\"\n"
        "\"@a:registry\" \"https://a.example.com\"\n"
        "--install.silent true\n");
}

TEST_CASE("any bytes are survived") {
  std::string bytes;
  for (int i = 0; i < 4096; ++i) bytes += static_cast<char>((i * 7919) ^ (i >> 3));
  for (const auto format : {HomeFile::Format::npmrc, HomeFile::Format::ini, HomeFile::Format::yaml,
                            HomeFile::Format::yarnrc}) {
    CHECK(shown(format, bytes).size() <= bytes.size() + 1);
    CHECK(shown(format, "").empty());
    CHECK(shown(format, std::string(1 << 20, ' ')).size() < 10);
    std::string marks = "a=b";
    for (int i = 0; i < 100000; ++i) marks += " \"' #://@";
    CHECK(shown(format, marks).size() <= marks.size() + 1);
  }
}

TEST_CASE("of a git configuration the named keys are shown, and no password in a URL") {
  HomeFile file{
      "{home}/.gitconfig", HomeFile::Format::gitconfig, {}, {"user.*", "url.*.insteadof"}, {}};
  const std::string shown =
      without_credentials(file,
                          "[user]\n\tname = \"A \\\"B\\\" C\" ; x\n\temail = a@example.com\n"
                          "[credential]\n\thelper = store\n"
                          "[http \"https://x\"]\n\textraHeader = Authorization: s\n"
                          "[url \"https://me:pw@git.example.com/\"]\n\tinsteadOf = git@x:\n");
  CHECK(shown ==
        "[url \"https://git.example.com/\"]\n\tinsteadof = \"git@x:\"\n"
        "[user]\n\temail = \"a@example.com\"\n[user]\n\tname = \"A \\\"B\\\" C\"\n");
  CHECK(without_credentials(file, "[user\nname = x").empty());
}

TEST_CASE("of a bunfig.toml the named keys are shown, and no credentials wherever they stand") {
  const HomeFile file{"{home}/.bunfig.toml",
                      HomeFile::Format::toml,
                      {"*token*", "*password*", "username"},
                      {"install.*", "telemetry"},
                      {}};
  const std::string shown =
      without_credentials(file,
                          "telemetry = false # sekret\n"
                          "preload = ['./sekret.ts']\n"
                          "[define]\nKEY = 'sekret'\n"
                          "[install]\n"
                          "registry = {url = 'https://u:sekret@a.example.com/', token = 'sekret'}\n"
                          "[install.scopes]\n"
                          "auth = 'https://u:sekret@b.example.com/'\n"
                          "\"@own\" = {url = 'https://c.example.com', \"username\" = 'sekret', "
                          "pass\\u0077ord = 'x', \"pass\\u0077ord\" = 'sekret'}\n");
  CHECK(shown.empty());  // no TOML: an escape in a bare key
  const std::string good =
      without_credentials(file,
                          "telemetry = false # sekret\n"
                          "preload = ['./sekret.ts']\n"
                          "[define]\nKEY = 'sekret'\n"
                          "[install]\n"
                          "registry = {url = 'https://u:sekret@a.example.com/', token = 'sekret'}\n"
                          "[install.scopes]\n"
                          "auth = 'https://u:sekret@b.example.com/'\n"
                          "\"@own\" = {url = 'https://c.example.com', \"username\" = 'sekret', "
                          "\"pass\\u0077ord\" = 'sekret'}\n");
  CHECK_FALSE(contains(good, "sekret"));
  for (const char* kept : {"telemetry", "https://a.example.com/", "https://b.example.com/",
                           "https://c.example.com", "@own", "auth"}) {
    CAPTURE(kept);
    CHECK(contains(good, kept));
  }
  CHECK(without_credentials(file, "[=]").empty());
  CHECK(without_credentials(file, "").size() <= 1);
}

TEST_CASE("a line that holds a token is not shown, whatever its key is called") {
  const std::string token = "ghp_" + std::string(36, 'a');
  for (const auto format : {HomeFile::Format::npmrc, HomeFile::Format::ini, HomeFile::Format::yaml,
                            HomeFile::Format::yarnrc}) {
    CHECK_FALSE(contains(shown(format, "color = " + token + "\n"), token));
    CHECK_FALSE(contains(shown(format, "color: " + token + "\n"), token));
    CHECK_FALSE(contains(shown(format, "color " + token + "\n"), token));
  }
  const std::vector<std::string> all = {"*"};
  CHECK_FALSE(contains(without_credentials({"", HomeFile::Format::toml, {}, all, {}},
                                           "a = '" + token + "'\nb = ['" + token + "']\n"),
                       token));
  CHECK_FALSE(contains(without_credentials({"", HomeFile::Format::gitconfig, {}, all, {}},
                                           "[x]\n\ta = " + token + "\n\tb = c\n"),
                       token));
  CHECK_FALSE(contains(yaml("channels:\n  - https://conda.example.com/t/sekret/x\n"), "sekret"));
}

TEST_CASE("an XML file loses the elements that are dropped, and its comments") {
  CHECK(xml("<?xml version='1.0'?>\n<settings xmlns=\"http://x/>y\"><!-- sekret -->\n"
            "<servers><password>sekret</password></servers>"
            "<a><ns:token x='1'><b>sekret</b></ns:token>kept</a>"
            "<add key=\"myPassword\" value=\"sekret\"/><add key='k' value='v'/>"
            "<url>https://u:sekret@h.example.com/</url></settings>\n") ==
        "<?xml version='1.0'?>\n<settings xmlns=\"http://x/>y\">\n"
        "<servers></servers><a>kept</a><add key='k' value='v'/>"
        "<url>https://h.example.com/</url></settings>\n");
}

TEST_CASE("of XML's instructions the declaration alone is shown") {
  CHECK(xml("<?xml version='1.0'?><?x <password>sekret</password>?><a>b</a>") ==
        "<?xml version='1.0'?><a>b</a>");
  CHECK(xml("<?xml version='<password>sekret</password>'?><a>b</a>") == "<a>b</a>");
}

TEST_CASE("of XML that is not plain the root alone is shown") {
  for (const char* text :
       {"<settings><![CDATA[sekret]]></settings>", "<settings><a>sekret</b></settings>",
        "<!DOCTYPE x [<!ENTITY e 'sekret'>]><settings>&e;</settings>", "<settings>sekret",
        "<settings><password>sekret</settings>", "<settings a='sekret", "<settings <a>sekret",
        "<settings a='<password>sekret</password>'>x</settings>"}) {
    CAPTURE(text);
    CHECK_FALSE(contains(xml(text), "sekret"));
  }
  CHECK(xml("<settings><a>x</b></settings>") == "<settings/>\n");
  CHECK(xml(std::string("<\0p\0a\0s\0s\0w\0o\0r\0d\0>\0", 20)).empty());  // UTF-16
  CHECK(xml("sekret") == "sekret");  // no element: nobody reads it as a setting
}

TEST_CASE("an attribute is read wherever XML lets it stand") {
  for (const char* add :
       {"<add key = \"password\" value=\"sekret\"/>", "<add\tkey='password' value='sekret'/>",
        "<add\n  value='sekret'\n  key\n=\n'password'/>",
        "<add x=\" key='k' \" key='password' value='sekret'/>",
        "<add key='pass&#119;ord' value='sekret'/>", "<add key='password\" value='sekret'/>",
        "<add key=password value='sekret'/>"}) {
    CAPTURE(add);
    CHECK_FALSE(contains(xml("<settings>" + std::string(add) + "</settings>"), "sekret"));
  }
  CHECK(xml("<a>\n<add key = 'k' value = \"v>\" />\n</a>") ==
        "<a>\n<add key = 'k' value = \"v>\" />\n</a>");
}

TEST_CASE("of what is hidden nothing is shown, of text all but credentials in addresses") {
  CHECK(shown(HomeFile::Format::hidden, "sekret").empty());
  CHECK(shown(HomeFile::Format::text, "{\"prefix\": \"https://u:sekret@h.example.com/\"}") ==
        "{\"prefix\": \"https://h.example.com/\"}");
}
