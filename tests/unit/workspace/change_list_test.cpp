#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "support.h"

namespace sandbox_run::workspace::test {
namespace {

std::map<std::string, std::pair<ChangeKind, char>> changes_of(const Fixture& f) {
  std::map<std::string, std::pair<ChangeKind, char>> all;
  for (const Change& change : read_changes(f.layers[0])) {
    all[change.path] = {change.kind, change.type};
  }
  return all;
}

}  // namespace

TEST_CASE("each kind of change is told from the layer") {
  Fixture f;
  put(f.host("changed"), "1");
  put(f.host("removed"), "1");
  put(f.host("removed-dir/x"), "1");
  put(f.host("dir/unchanged"), "1");
  put(f.host("file-to-link"), "1");
  put(f.host("opaque/old"), "1");
  put(f.host("mode"), "1", 0644);
  make_dir(f.host("dir-mode"), 0755);
  f.begin();
  put(f.upper("changed"), "22");
  f.whiteout("removed");
  f.whiteout("removed-dir");
  f.whiteout("never-was-there");
  put(f.upper("dir/added"), "1");
  CHECK(::symlink("x", f.upper("file-to-link").c_str()) == 0);
  put(f.upper("opaque/new"), "1");
  f.mark_opaque("opaque");
  put(f.upper("mode"), "1", 0600);
  make_dir(f.upper("dir-mode"), 0700);
  put(f.upper("new-dir/sub/file"), "1");
  CHECK(::mkfifo(f.upper("fifo").c_str(), 0600) == 0);
  const auto all = changes_of(f);
  using Kind = ChangeKind;
  CHECK(all ==
        std::map<std::string, std::pair<Kind, char>>{{"changed", {Kind::changed, 'f'}},
                                                     {"removed", {Kind::removed, 'f'}},
                                                     {"removed-dir", {Kind::removed, 'd'}},
                                                     {"dir/added", {Kind::added, 'f'}},
                                                     {"file-to-link", {Kind::replaced, 'l'}},
                                                     {"opaque", {Kind::replaced, 'd'}},
                                                     {"opaque/new", {Kind::added, 'f'}},
                                                     {"opaque/old", {Kind::removed, 'f'}},
                                                     {"mode", {Kind::changed, 'f'}},
                                                     {"dir-mode", {Kind::changed, 'd'}},
                                                     {"new-dir", {Kind::added, 'd'}},
                                                     {"new-dir/sub", {Kind::added, 'd'}},
                                                     {"new-dir/sub/file", {Kind::added, 'f'}},
                                                     {"fifo", {Kind::added, 'p'}}});
}

TEST_CASE("what was copied up and left as it was is no change") {
  Fixture f;
  put(f.host("d/file"), "same content");
  CHECK(::symlink("target", f.host("d/link").c_str()) == 0);
  f.begin();
  put(f.upper("d/file"), "same content");
  f.mark_copied_up("d/file");
  CHECK(::symlink("target", f.upper("d/link").c_str()) == 0);
  CHECK(changes_of(f).empty());
}

TEST_CASE("same size and time do not hide another content") {
  Fixture f;
  put(f.host("a"), "good");
  f.begin();
  put(f.upper("a"), "evil");
  const timespec times[2] = {{1, 0}, {1, 0}};
  CHECK(::utimensat(AT_FDCWD, f.host("a").c_str(), times, 0) == 0);
  CHECK(::utimensat(AT_FDCWD, f.upper("a").c_str(), times, 0) == 0);
  CHECK(changes_of(f).size() == 1);
}

TEST_CASE("sizes and modes of changes are given") {
  Fixture f;
  f.begin();
  put(f.upper("a"), "12345", 0640);
  const std::vector<Change> changes = read_changes(f.layers[0]);
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].size == 5);
  CHECK(changes[0].mode == 0640);
}

}  // namespace sandbox_run::workspace::test
