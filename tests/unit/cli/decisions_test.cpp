#include "cli/review/decisions.h"

#include <doctest/doctest.h>

#include "base/sys_error.h"
#include "cli/review/source.h"

namespace sandbox_run::cli {
namespace {

using workspace::ChangeKind;
using workspace::HeldChange;

HeldChange held(const std::string& path, ChangeKind kind = ChangeKind::added, char type = 'f',
                const std::string& reason = "not expected",
                policy::Verdict verdict = policy::Verdict::hold, const std::string& target = "/p") {
  return {target, {path, kind, type, 0644, 1}, verdict, reason};
}

std::vector<std::string> names(const std::vector<Item>& items) {
  std::vector<std::string> paths;
  for (const Item& item : items) {
    paths.push_back((item.form == Item::Form::group ? "group " : "") + item.path());
  }
  return paths;
}

using Names = std::vector<std::string>;

TEST_CASE("a directory's entries stay together when sorted") {
  CHECK(comes_before("a/b", "a-b"));
  CHECK(comes_before("a", "a/b"));
  CHECK(comes_before(".", "a"));
  CHECK_FALSE(comes_before("a", "."));
  CHECK_FALSE(comes_before("a", "a"));
}

TEST_CASE("changes of one directory with one reason are one question, others their own") {
  const std::vector<HeldChange> changes = {
      held(".git/hooks/x", ChangeKind::added, 'f', "hooks", policy::Verdict::protect),
      held("src/a"), held("src/b/c"), held("src/b/d", ChangeKind::removed), held("top")};
  const std::vector<Item> items = make_items(changes);
  CHECK(names(items) == Names{"/p/.git/hooks/x", "group /p/src", "/p/top"});
  CHECK(items[1].count == 3);
  CHECK(names(open_group(changes, items[1])) == Names{"/p/src/a", "group /p/src/b"});
}

TEST_CASE("what is protected is never in a group with what is not") {
  const std::vector<HeldChange> changes = {
      held("src/a"), held("src/hook", ChangeKind::added, 'f', "x", policy::Verdict::protect),
      held("src/z")};
  CHECK(names(make_items(changes)) == Names{"/p/src/a", "/p/src/hook", "/p/src/z"});
}

TEST_CASE("a directory's own mode is decided without what is in it") {
  const std::vector<HeldChange> changes = {held("src", ChangeKind::changed, 'd', "mode"),
                                           held("src/a")};
  CHECK(names(make_items(changes)) == Names{"/p/src/.", "/p/src/a"});
  const std::vector<HeldChange> root = {held(".", ChangeKind::changed, 'd'), held("a")};
  CHECK(names(make_items(root)) == Names{"/p/.", "/p/a"});
}

TEST_CASE("a new directory is one change, and targets are kept apart") {
  const std::vector<HeldChange> changes = {
      held("tool", ChangeKind::added, 'd'),
      held("tool", ChangeKind::added, 'd', "not expected", policy::Verdict::hold, "/venv")};
  CHECK(names(make_items(changes)) == Names{"/p/tool", "/venv/tool"});
}

TEST_CASE("decisions are counted by changes and come out as paths") {
  std::vector<Item> items = make_items({held("src/a"), held("src/b"), held("x"), held("y")});
  REQUIRE(items.size() == 3);
  items[0].decision = Decision::commit;
  items[1].decision = Decision::discard;
  const Totals totals = total(items);
  CHECK(totals.commit == 2);
  CHECK(totals.discard == 1);
  CHECK(totals.skip == 1);
  CHECK(paths_of(items, Decision::commit) == Names{"/p/src"});
  CHECK(paths_of(items, Decision::discard) == Names{"/p/x"});
}

TEST_CASE("an operand names a change, all below a directory, or an entry of a new directory") {
  const std::vector<HeldChange> changes = {held("src/a"), held("tool", ChangeKind::added, 'd')};
  CHECK(resolve_operands(changes, {"src/a"}) == Names{"/p/src/a"});
  CHECK(resolve_operands(changes, {"./src//"}) == Names{"/p/src"});
  CHECK(resolve_operands(changes, {"tool/x/y"}) == Names{"/p/tool/x/y"});
  CHECK(resolve_operands(changes, {"/p/src"}) == Names{"/p/src"});
  CHECK(resolve_operands(changes, {"/"}) == Names{"/"});
  CHECK_THROWS_AS(resolve_operands(changes, {"sr"}), base::UserError);
  CHECK_THROWS_AS(resolve_operands(changes, {"src/a/b"}), base::UserError);
  CHECK_THROWS_AS(resolve_operands(changes, {"../q/src"}), base::UserError);
  CHECK_THROWS_AS(resolve_operands(changes, {"/q"}), base::UserError);
  CHECK_THROWS_AS(resolve_operands(changes, {""}), base::UserError);
}

TEST_CASE("an operand that two targets hold is refused, and both are named") {
  const std::vector<HeldChange> changes = {
      held("a b"), held("a b", ChangeKind::added, 'f', "", policy::Verdict::hold, "/venv")};
  CHECK_THROWS_WITH_AS(resolve_operands(changes, {"a b"}),
                       doctest::Contains("'/p/a b' or '/venv/a b'"), base::UserError);
}

TEST_CASE("a name typed as it is shown is told how to be typed, and not taken for another") {
  const std::vector<HeldChange> changes = {held("a\nb"), held("c\\nd"), held("c\nd")};
  CHECK_THROWS_WITH_AS(resolve_operands(changes, {"a\\nb"}),
                       doctest::Contains("did you mean $'a\\012b'?"), base::UserError);
  CHECK(resolve_operands(changes, {"c\\nd"}) == Names{"/p/c\\nd"});
  CHECK(resolve_operands(changes, {"c\nd"}) == Names{"/p/c\nd"});
}

}  // namespace
}  // namespace sandbox_run::cli
