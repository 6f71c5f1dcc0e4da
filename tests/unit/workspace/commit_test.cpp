#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/path.h"
#include "support.h"

namespace sandbox_run::workspace::test {

TEST_CASE("a fresh node_modules is committed by one rename") {
  Fixture f;
  put(f.host("package.json"), "{}");
  f.begin();
  put(f.upper("node_modules/a/index.js"), "a");
  put(f.upper("node_modules/@s/b/index.js"), "b");
  put(f.upper("node_modules/.bin/tool"), "#!", 0755);
  const ino_t before = inode(f.upper("node_modules"));
  const CommitSummary summary = f.commit();
  CHECK(inode(f.host("node_modules")) == before);
  CHECK(content(f.host("node_modules/@s/b/index.js")) == "b");
  CHECK(mode(f.host("node_modules/.bin/tool")) == 0755);
  CHECK(summary.committed_packages == 2);
  CHECK(summary.committed_entries == 8);
  CHECK(summary.committed_roots == std::vector<std::string>{"node_modules"});
  CHECK(summary.held.empty());
  CHECK(f.is_run_clean());
}

TEST_CASE("an opaque node_modules is exchanged for the old one") {
  Fixture f;
  put(f.host("node_modules/old/index.js"), "old");
  f.begin();
  put(f.upper("node_modules/new/index.js"), "new");
  f.mark_opaque("node_modules");
  const ino_t before = inode(f.upper("node_modules"));
  f.commit();
  CHECK(inode(f.host("node_modules")) == before);
  CHECK(content(f.host("node_modules/new/index.js")) == "new");
  CHECK_FALSE(base::exists(f.host("node_modules/old")));
  CHECK(attributes(f.host("node_modules")).empty());
  CHECK(f.is_run_clean());
}

TEST_CASE("old entries can be left for later") {
  Fixture f;
  put(f.host("node_modules/old/index.js"), "old");
  put(f.host("out/gone"), "old");
  f.begin();
  put(f.upper("node_modules/new/index.js"), "new");
  f.mark_opaque("node_modules");
  f.whiteout("out/gone");
  CommitRequest request = f.request();
  request.old_entries = OldEntries::leave;
  CHECK(commit_changes(request, f.sink).left_to_clean_up);
  CHECK(content(f.host("node_modules/new/index.js")) == "new");
  CHECK_FALSE(base::exists(f.host("out/gone")));
  CHECK_FALSE(f.is_run_clean());
  SUBCASE("by the same run") { clean_up(f.run); }
  SUBCASE("by the next run") { f.recover(); }
  CHECK(f.is_run_clean());
  CHECK(content(f.host("node_modules/new/index.js")) == "new");
}

TEST_CASE("added, changed and removed entries reach the host") {
  Fixture f;
  put(f.host("package-lock.json"), "1");
  put(f.host("node_modules/a/x"), "1");
  put(f.host("node_modules/a/same"), "1");
  put(f.host("node_modules/gone/y"), "1");
  put(f.host("node_modules/file-to-dir"), "1");
  put(f.host("node_modules/dir-to-file/z"), "1");
  f.begin();
  put(f.upper("package-lock.json"), "2", 0600);
  f.mark_copied_up("package-lock.json");
  put(f.upper("node_modules/a/x"), "2");
  put(f.upper("node_modules/a/new"), "n");
  f.mark_copied_up("node_modules");
  f.mark_copied_up("node_modules/a");
  f.whiteout("node_modules/gone");
  put(f.upper("node_modules/file-to-dir/in"), "d");
  f.mark_opaque("node_modules/file-to-dir");
  put(f.upper("node_modules/dir-to-file"), "f");
  CHECK(::symlink("a", f.upper("node_modules/link").c_str()) == 0);
  const CommitSummary summary = f.commit();
  CHECK(snapshot(f.host()) == Snapshot{{"", "d 755"},
                                       {"package-lock.json", "f 600 2"},
                                       {"node_modules", "d 755"},
                                       {"node_modules/a", "d 755"},
                                       {"node_modules/a/x", "f 644 2"},
                                       {"node_modules/a/same", "f 644 1"},
                                       {"node_modules/a/new", "f 644 n"},
                                       {"node_modules/file-to-dir", "d 755"},
                                       {"node_modules/file-to-dir/in", "f 644 d"},
                                       {"node_modules/dir-to-file", "f 644 f"},
                                       {"node_modules/link", "l a"}});
  CHECK(attributes(f.host("package-lock.json")).empty());
  CHECK(summary.held.empty());
  CHECK(f.is_run_clean());
}

TEST_CASE("a mode that changed on a directory is committed, one that did not is no change") {
  Fixture f;
  make_dir(f.host("out"), 0755);
  make_dir(f.host("other"), 0755);
  f.begin();
  make_dir(f.upper("out"), 0700);
  make_dir(f.upper("other"), 0755);
  const CommitSummary summary = f.commit();
  CHECK(mode(f.host("out")) == 0700);
  CHECK(summary.committed_entries == 1);
  CHECK(summary.held.empty());
  CHECK(f.is_run_clean());
}

TEST_CASE("what is not expected stays in the layer and is listed") {
  Fixture f;
  put(f.host("src/a"), "a");
  f.begin();
  put(f.upper("src/a"), "changed");
  put(f.upper("strange/many/1"), "1");
  put(f.upper("strange/many/2"), "2");
  put(f.upper("package-lock.json"), "{}");
  const CommitSummary summary = f.commit();
  CHECK(content(f.host("src/a")) == "a");
  CHECK_FALSE(base::exists(f.host("strange")));
  CHECK(content(f.host("package-lock.json")) == "{}");
  REQUIRE(summary.held.size() == 2);  // the new directory is one entry
  CHECK(content(f.upper("strange/many/2")) == "2");
  CHECK_FALSE(base::exists(f.upper("package-lock.json")));
  CHECK_FALSE(base::exists(f.layers[0].work));
  CHECK(f.sink.count("change.held") == 2);
  CHECK(f.sink.count("change.protected") == 0);
  const std::vector<HeldChange> held = read_held(f.run);
  REQUIRE(held.size() == 2);
  CHECK(held[0].target == f.host());
}

TEST_CASE("a protected change is an alert, however deep it lies in what else is held") {
  Fixture f;
  put(f.host(".git/config"), "c");
  f.begin();
  put(f.upper(".git/hooks/post-checkout"), "evil", 0755);
  put(f.upper("packages/x/index.js"), "x");
  put(f.upper("packages/x/.vscode/tasks.json"), "evil");
  const CommitSummary summary = f.commit();
  CHECK(f.sink.count("change.protected") == 2);
  CHECK(f.sink.find("change.protected")->severity == events::Severity::alert);
  CHECK_FALSE(base::exists(f.host(".git/hooks")));
  CHECK_FALSE(base::exists(f.host("packages")));
  CHECK(summary.held.size() == 3);
}

TEST_CASE("a new directory of which a part is expected is made for that part") {
  Fixture f;
  f.begin();
  put(f.upper("packages/x/node_modules/dep/index.js"), "d");
  put(f.upper("packages/x/other"), "o");
  make_dir(f.upper("packages/x"), 0750);
  const CommitSummary summary = f.commit();
  CHECK(content(f.host("packages/x/node_modules/dep/index.js")) == "d");
  CHECK_FALSE(base::exists(f.host("packages/x/other")));
  CHECK(mode(f.host("packages/x")) == 0750);
  REQUIRE(summary.held.size() == 1);
  CHECK(summary.held[0].change.path == "packages/x/other");
}

TEST_CASE("removing a directory is judged by what lies in it") {
  Fixture f;
  put(f.host("out/a"), "a");
  put(f.host("kept/.vscode/settings.json"), "s");
  f.policy.targets[0].rules.push_back({policy::Verdict::commit, {"kept"}, "", {}, {}});
  f.begin();
  f.whiteout("out");
  f.whiteout("kept");
  const CommitSummary summary = f.commit();
  CHECK_FALSE(base::exists(f.host("out")));
  CHECK(base::exists(f.host("kept/.vscode/settings.json")));
  REQUIRE(summary.held.size() == 1);
  CHECK(summary.held[0].verdict == policy::Verdict::protect);
}

TEST_CASE("an opaque directory of which a part is held keeps that part on the host") {
  Fixture f;
  put(f.host("app/node_modules/old/i"), "old");
  put(f.host("app/src"), "src");
  put(f.host("app/same"), "same");
  f.begin();
  put(f.upper("app/node_modules/new/i"), "new");
  put(f.upper("app/same"), "same");
  f.mark_opaque("app");
  const CommitSummary summary = f.commit();
  CHECK(content(f.host("app/node_modules/new/i")) == "new");
  CHECK_FALSE(base::exists(f.host("app/node_modules/old")));
  CHECK(content(f.host("app/src")) == "src");
  REQUIRE(summary.held.size() == 1);
  CHECK(summary.held[0].change.path == "app/src");
  CHECK(summary.held[0].change.kind == ChangeKind::removed);
}

TEST_CASE("the changes of a failed command are thrown away") {
  Fixture f;
  put(f.host("a"), "a");
  f.begin();
  put(f.upper("node_modules/x/i"), "1");
  put(f.upper(".git/hooks/x"), "1");
  f.commit_project = false;
  const CommitSummary summary = f.commit();
  CHECK(snapshot(f.host()).size() == 2);
  CHECK(summary.held.empty());
  REQUIRE(f.sink.count("change.discarded") == 1);
  CHECK(f.sink.find("change.discarded")->details.at("entries").as_uint64() == 6);
  CHECK(f.is_run_clean());
}

TEST_CASE("a target that does not exist is made, with its parents") {
  Fixture f;
  const std::string target = f.host("a/b/venv");
  f.targets = {{target, policy::TargetKind::project, true}};
  f.layers = make_layers(f.run, f.targets);
  put(f.upper("node_modules/x/i"), "1");
  f.commit();
  CHECK(content(target + "/node_modules/x/i") == "1");
  CHECK(f.is_run_clean());
}

TEST_CASE("nothing changed: nothing is made and nothing is left") {
  Fixture f;
  put(f.host("a"), "a");
  f.targets = {{f.host("missing"), policy::TargetKind::project, true}};
  f.layers = make_layers(f.run, f.targets);
  const CommitSummary summary = f.commit();
  CHECK(summary.committed_entries == 0);
  CHECK_FALSE(base::exists(f.host("missing")));
  CHECK(f.is_run_clean());
}

TEST_CASE("names of any bytes are committed as they are") {
  Fixture f;
  f.begin();
  const std::string names[] = {"new\nline", "\xff\xfe", std::string(255, 'x'), "\x1b[31mred",
                               " ",         "-rf",      "back\\slash"};
  for (const std::string& name : names) put(f.upper("node_modules/" + name + "/f"), name);
  for (const std::string& name : names) put(f.upper("held " + name.substr(0, 200)), name);
  const CommitSummary summary = f.commit();
  for (const std::string& name : names) {
    CHECK(content(f.host("node_modules/" + name + "/f")) == name);
  }
  std::vector<std::string> held;
  for (const HeldChange& entry : read_held(f.run)) held.push_back(entry.change.path);
  for (const std::string& name : names) {
    CHECK(std::count(held.begin(), held.end(), "held " + name.substr(0, 200)) == 1);
  }
}

TEST_CASE("times, modes and hard links are kept") {
  Fixture f;
  f.begin();
  put(f.upper("node_modules/a/one"), "1", 0640);
  CHECK(::link(f.upper("node_modules/a/one").c_str(), f.upper("node_modules/a/two").c_str()) == 0);
  const timespec times[2] = {{499162500, 0}, {499162500, 7}};
  CHECK(::utimensat(AT_FDCWD, f.upper("node_modules/a/one").c_str(), times, 0) == 0);
  f.commit();
  CHECK(inode(f.host("node_modules/a/one")) == inode(f.host("node_modules/a/two")));
  const auto status = base::stat_no_follow(f.host("node_modules/a/one"));
  CHECK(status->st_mtim.tv_sec == 499162500);
  CHECK(status->st_mtim.tv_nsec == 7);
  CHECK(mode(f.host("node_modules/a/one")) == 0640);
}

}  // namespace sandbox_run::workspace::test
