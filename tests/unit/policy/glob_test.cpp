#include "policy/glob.h"

#include <doctest/doctest.h>

#include <string>

using sandbox_run::policy::glob_covers;
using sandbox_run::policy::glob_matches;
using sandbox_run::policy::glob_reaches_into;
using sandbox_run::policy::name_matches;
using sandbox_run::policy::quoted_glob;

TEST_CASE("a quoted path matches itself and nothing else") {
  for (const char* path : {"a", "a/b.c", "a[b]/*", "?\\x", "[!a]"}) {
    CAPTURE(path);
    CHECK(glob_matches(quoted_glob(path), path));
  }
  CHECK_FALSE(glob_matches(quoted_glob("a*"), "ab"));
  CHECK_FALSE(glob_matches(quoted_glob("[a]"), "a"));
}

TEST_CASE("a star stays within its component") {
  CHECK(glob_matches("*.pth", "evil.pth"));
  CHECK_FALSE(glob_matches("*.pth", "lib/evil.pth"));
  CHECK(glob_matches("a*c", "ac"));
  CHECK(glob_matches("a*c", "abcbc"));
  CHECK_FALSE(glob_matches("a*c", "abcd"));
  CHECK(glob_matches("?", "x"));
  CHECK_FALSE(glob_matches("?", ""));
  CHECK_FALSE(glob_matches("a?b", "a/b"));
  CHECK_FALSE(glob_matches("a*b", "a/b"));
}

TEST_CASE("two stars match any number of components, also none") {
  CHECK(glob_matches("**/.git/**", ".git"));
  CHECK(glob_matches("**/.git/**", ".git/hooks/pre-commit"));
  CHECK(glob_matches("**/.git/**", "packages/x/.git/config"));
  CHECK_FALSE(glob_matches("**/.git/**", ".github/workflows/x.yml"));
  CHECK_FALSE(glob_matches("**/.git/**", "x.git/config"));
  CHECK(glob_matches("a/**/b/**/c", "a/b/c"));
  CHECK(glob_matches("a/**/b/**/c", "a/x/b/y/b/z/c"));
  CHECK_FALSE(glob_matches("a/**/b/**/c", "a/x/c"));
  CHECK(glob_matches("**", ""));
  CHECK(glob_matches("**", "a/b"));
  CHECK(glob_matches("a/**", "a"));
  CHECK_FALSE(glob_matches("a/**", "ab"));
  CHECK_FALSE(glob_matches("a/*", "a"));
}

TEST_CASE("two stars within a component are stars") {
  CHECK(glob_matches("a**b", "axb"));
  CHECK_FALSE(glob_matches("a**b", "a/b"));
}

TEST_CASE("sets match one byte") {
  CHECK(glob_matches("v[0-9]*", "v10"));
  CHECK_FALSE(glob_matches("v[0-9]*", "vx"));
  CHECK(glob_matches("[!a]", "b"));
  CHECK_FALSE(glob_matches("[!a]", "a"));
  CHECK(glob_matches("[]]", "]"));
  CHECK(glob_matches("[a-]", "-"));
  CHECK(glob_matches("[\\]]", "]"));
  CHECK_FALSE(glob_matches("[!a]", "/"));
}

TEST_CASE("an unclosed set and a last backslash stand for themselves") {
  CHECK(glob_matches("[ab", "[ab"));
  CHECK_FALSE(glob_matches("[ab", "a"));
  CHECK(glob_matches("a\\", "a\\"));
  CHECK(glob_matches("\\*", "*"));
  CHECK_FALSE(glob_matches("\\*", "x"));
}

TEST_CASE("any bytes can be matched") {
  CHECK(glob_matches("*", "a\nb\x1b[31m"));
  CHECK(glob_matches("[\x80-\xff]", "\xc3"));
  CHECK(glob_matches(std::string("*\0*", 3), std::string("a\0b", 3)));
}

TEST_CASE("empty components count for nothing") {
  CHECK(glob_matches("a/b", "a//b/"));
  CHECK(glob_matches("a/", "a"));
}

TEST_CASE("patterns with many stars take no exponential time") {
  const std::string text(2000, 'a');
  std::string stars;
  std::string deep;
  for (int i = 0; i < 40; ++i) stars += "*a";
  CHECK_FALSE(glob_matches(stars + "*b", text));
  std::string path;
  for (int i = 0; i < 500; ++i) path += "a/";
  for (int i = 0; i < 40; ++i) deep += "**/a/";
  CHECK_FALSE(glob_matches(deep + "b", path));
}

TEST_CASE("a glob that ends in two stars covers a directory") {
  CHECK(glob_covers("**/node_modules/**", "node_modules"));
  CHECK(glob_covers("**/node_modules/**", "a/node_modules/b"));
  CHECK_FALSE(glob_covers("**/node_modules/**", "a"));
  CHECK_FALSE(glob_covers("**/node_modules/*", "node_modules"));
  CHECK(glob_covers("**", "anything"));
}

TEST_CASE("a glob reaches into the directories that a match may lie beneath") {
  CHECK(glob_reaches_into("a/b/c", "a/b"));
  CHECK(glob_reaches_into("a/*/c", "a/x"));
  CHECK(glob_reaches_into("**/x", "a/b"));
  CHECK(glob_reaches_into("a", ""));
  CHECK_FALSE(glob_reaches_into("a/b", "a/b"));
  CHECK_FALSE(glob_reaches_into("a/b", "a/b/c"));
  CHECK_FALSE(glob_reaches_into(".env*", "node_modules"));
  CHECK_FALSE(glob_reaches_into(".git/**", "node_modules"));
}

TEST_CASE("names are compared without case and a slash is nothing special") {
  CHECK(name_matches("*_TOKEN", "npm_Token"));
  CHECK(name_matches("//*", "//registry.example.com/:_authToken"));
  CHECK(name_matches("*AUTH*", "npm_config__auth"));
  CHECK_FALSE(name_matches("PIP_*", "XPIP_A"));
}
