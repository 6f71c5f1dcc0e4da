#include "policy/secret_value.h"

#include <doctest/doctest.h>

#include <string>

using namespace sandbox_run::policy;

TEST_CASE("one bit is a switch") {
  for (const char* value : {"0", "1", "true", "FALSE", "yes", "No", "on", "off"}) {
    CHECK_MESSAGE(is_switch(value), value);
  }
  for (const char* value : {"", "2", "10", "truethy", "x", " 1", "01"}) {
    CHECK_MESSAGE(!is_switch(value), value);
  }
}

TEST_CASE("tokens are known by their form, under any name and within other text") {
  const std::string chance = "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5";
  for (const std::string& value :
       {"ghp_" + chance, "npm_" + chance, "glpat-" + chance, std::string("AKIAIOSFODNN7EXAMPLE"),
        "https://host/?key=ghp_" + chance, std::string("xoxb-1234567890-abc"),
        std::string("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc"),
        std::string("-----BEGIN OPENSSH PRIVATE KEY-----")}) {
    CHECK_MESSAGE(has_token_form(value), value);
    CHECK_MESSAGE(looks_like_secret(value), value);
  }
}

TEST_CASE("what people write is no secret") {
  for (const char* value :
       {"/usr/lib/node_modules/npm/bin/node-gyp-bin",
        "https://mirror.example.com/electron/v30.0.1/", "--max-old-space-size=4096 --no-warnings",
        "production", "x86_64-unknown-linux-gnu",
        "a very long sentence without any chance in it at all", "sk-", "ghp_short", "npm_config",
        "PLAYWRIGHT_CHROMIUM_USE_HEADLESS_NEW_VERSION", "1.2.3-beta.4+build.5"}) {
    CHECK_MESSAGE(!looks_like_secret(value), value);
  }
}

TEST_CASE("a long word that looks like chance is taken for a secret where it need not come in") {
  CHECK(looks_like_secret("q7Zx9Lm2Vb4Nc6Qw8Er1Ty3Ui5Op7As9D"));
  CHECK(looks_like_secret("da39a3ee5e6b4b0d3255bfef95601890afd80709"));
  CHECK(!has_token_form("da39a3ee5e6b4b0d3255bfef95601890afd80709"));
}
