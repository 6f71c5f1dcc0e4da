#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "policy/git_config.h"
#include "policy/git_index.h"

using namespace sandbox_run::policy;

namespace {

using Kind = GitConfigChange::Kind;

GitConfigChange change(const std::string& before, const std::string& after) {
  return compare_git_config(before, after, "/home/u/app");
}

std::string number(std::uint32_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i) & 0xFFU);
  return text;
}

struct IndexEntry {
  std::string path;
  char object = 'a';
  char stat = 's';
  std::uint32_t mode = 0100644;
  std::uint32_t flags = 0;
};

std::string index_of(const std::vector<IndexEntry>& entries, const std::string& extension = "") {
  std::string text = "DIRC" + number(2, 4) + number(static_cast<std::uint32_t>(entries.size()), 4);
  for (const IndexEntry& entry : entries) {
    std::string one =
        std::string(24, entry.stat) + number(entry.mode, 4) + std::string(12, entry.stat);
    one += std::string(20, entry.object);
    one += number(entry.flags | static_cast<std::uint32_t>(entry.path.size()), 2) + entry.path;
    one.append(8 - one.size() % 8, '\0');
    text += one;
  }
  if (!extension.empty()) text += extension.substr(0, 4) + number(1, 4) + "x";
  return text + std::string(20, 'h');
}

}  // namespace

TEST_CASE("a configuration of git is judged by its keys") {
  const std::string before = "[core]\n\tbare = false\n";
  CHECK(change(before, before + "[pull]\n\trebase = true\n").kind == Kind::settings);
  CHECK(change(before, "# x\n[core]\nbare=false").kind == Kind::settings);
  CHECK(change(before, before + "\thooksPath = .husky/_\n").kind == Kind::hooks);
  CHECK(change(before, before + "\thooksPath = /home/u/app/.githooks\n").kind == Kind::hooks);
  for (const char* more : {"\tfsmonitor = ./x\n",
                           "\tsshCommand = x\n",
                           "\tpager = x\n",
                           "[include]\n\tpath = x\n",
                           "[alias]\n\tst = !x\n",
                           "[filter \"x\"]\n\tclean = x\n",
                           "[diff]\n\texternal = x\n",
                           "\thooksPath = /tmp/x\n",
                           "\thooksPath = ../x\n",
                           "\thooksPath = node_modules/evil\n",
                           "\thooksPath = ~/x\n",
                           "\thooksPath =\n",
                           "\thooksPath = .husky\n\thooksPath = .githooks\n",
                           "\thooksPath = .husky\n\tpager = x\n",
                           "[remote \"o\"]\n\turl = ext::sh\n",
                           "\tworktree = /tmp\n",
                           "[core] pager=x\n",
                           "[CORE]\n\tPAGER = x\n",
                           "\t\"bad\n",
                           "[core\n"}) {
    CAPTURE(more);
    CHECK(change(before, before + more).kind == Kind::starters);
  }
  CHECK(change(before, before + "\tpager = x\n").keys == std::vector<std::string>{"core.pager"});
}

TEST_CASE("values of a git configuration are read as git reads them") {
  const auto config = parse_git_config(
      "[a]\n b = x y ; comment\n c = \"x ; y\"z \n d\n e = one\\\n two\n[s \"Sub.x\"] K = \\\"q\n");
  REQUIRE(config);
  CHECK(config->at("a.b").front() == "x y");
  CHECK(config->at("a.c").front() == "x ; yz");
  CHECK(config->at("a.d").front() == "true");
  CHECK(config->at("a.e").front() == "one two");
  CHECK(config->at("s.Sub.x.k").front() == "\"q");
  CHECK_FALSE(parse_git_config("b = x\n"));
  CHECK_FALSE(parse_git_config("[a]\n b = \\x\n"));
  CHECK_FALSE(parse_git_config(std::string("[a]\n b = x\0", 11)));
}

TEST_CASE("an index is the same if its entries are, but for what was stat'ed") {
  const std::string before = index_of({{"a"}, {"dir/b"}}, "TREE");
  CHECK(same_index_entries(before, index_of({{"a", 'a', 'z'}, {"dir/b"}})));
  CHECK(same_index_entries(before, index_of({{"a"}, {"dir/b"}}, "REUC")));
  CHECK_FALSE(same_index_entries(before, index_of({{"a", 'x'}, {"dir/b"}})));
  CHECK_FALSE(same_index_entries(before, index_of({{"a", 'a', 's', 0100755}, {"dir/b"}})));
  CHECK_FALSE(same_index_entries(before, index_of({{"a", 'a', 's', 0100644, 0x8000}, {"dir/b"}})));
  CHECK_FALSE(same_index_entries(before, index_of({{"a"}})));
  CHECK_FALSE(same_index_entries(before, index_of({{"a"}, {"dir/b"}, {"e"}})));
  CHECK_FALSE(same_index_entries(before, index_of({{"a"}, {"dir/b"}}, "FSMN")));
  const std::string plain = index_of({{"a"}, {"dir/b"}});
  for (std::size_t size = 0; size < plain.size(); ++size) {
    CHECK_FALSE(same_index_entries(plain, plain.substr(0, size)));
  }
}
