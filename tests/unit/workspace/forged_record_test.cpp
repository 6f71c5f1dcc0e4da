// Records that somebody wrote who had taken the supervisor over: the next run must not follow them.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/sys_error.h"
#include "support.h"
#include "workspace/journal.h"
#include "workspace/layer_record.h"
#include "workspace/record.h"
#include "workspace/seal.h"

namespace sandbox_run::workspace::test {
namespace {

/// A run that may change the project, interrupted in its commit; and a home directory beside it.
struct Forgery : Fixture {
  Forgery() {
    begin();
    put(upper("node_modules/x/index.js"), "new");
    put(run + "/unfinished", "");
    put(run + "/planted", "a key");
    project = targets.at(0).path;
    home = base::parent_path(project) + "/home";
    put(home + "/.ssh/known_hosts", "old");
    run_fd = base::UniqueFd(::open(run.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }

  /// "planted" goes to `directory`/`path`.
  void write_move(const std::string& directory, const std::string& path) const {
    Journal journal;
    journal.roots = {{run, inode(run)}, {directory, inode(directory)}};
    Operation move;
    move.from = {0, "planted"};
    move.to = {1, path};
    move.inode = inode(run + "/planted");
    journal.operations = {move};
    write_journal(run_fd.get(), journal);
  }

  void check_refused(const Snapshot& before) {
    std::string words;
    try {
      recover();
    } catch (const base::UserError& error) {
      words = error.what();
    }
    CHECK(words.find("which is no place of its run") != std::string::npos);
    CHECK(snapshot(home) == before);
    CHECK(has_journal(run_fd.get()));
  }

  std::string project;
  std::string home;
  base::UniqueFd run_fd;
};

void write_staging(const std::string& run, const std::string& path) {
  RecordWriter writer("sandbox-run staging 1");
  writer.text(path);
  put(run + "/staging", writer.finish());
}

}  // namespace

TEST_CASE("an interrupted commit to the project is finished: the control of what follows") {
  Forgery f;
  f.write_move(f.project, "planted");
  f.recover();
  CHECK(base::exists(f.host("planted")));
  CHECK_FALSE(has_journal(f.run_fd.get()));
}

TEST_CASE("a journal that leads out of the run's own places is not followed") {
  Forgery f;
  const Snapshot before = snapshot(f.home);
  SUBCASE("to the home directory") { f.write_move(f.home + "/.ssh", "authorized_keys"); }
  SUBCASE("by a path that climbs") {
    f.write_move(f.project, "../" + base::file_name(f.home) + "/.ssh/authorized_keys");
  }
  SUBCASE("beside the project") { f.write_move(base::parent_path(f.project), "made"); }
  SUBCASE("from the home directory") {
    Journal journal;
    journal.roots = {{f.home, inode(f.home)}, {f.project, inode(f.project)}};
    Operation move;
    move.from = {0, ".ssh/known_hosts"};
    move.to = {1, "taken"};
    move.inode = inode(f.home + "/.ssh/known_hosts");
    journal.operations = {move};
    write_journal(f.run_fd.get(), journal);
  }
  SUBCASE("to a mode") {
    Journal journal;
    journal.roots = {{f.home, inode(f.home)}};
    Operation mode;
    mode.kind = OperationKind::set_mode;
    mode.to = {0, ".ssh"};
    mode.inode = inode(f.home + "/.ssh");
    mode.new_mode = 0777;
    journal.operations = {mode};
    write_journal(f.run_fd.get(), journal);
  }
  f.check_refused(before);
}

TEST_CASE("another list of layers than the run began with is left as it is, with a word") {
  Forgery f;
  f.write_move(f.project, "planted");
  SUBCASE("written anew") {
    RecordWriter writer("sandbox-run layers 3");
    writer.number(0);
    put(f.run + "/layers.list", writer.finish());
  }
  SUBCASE("another run's") {
    const std::string other = f.state + "/runs/run-2";
    make_dir(f.home + "/project");
    make_layers(other, {{f.home + "/project", policy::TargetKind::project, false, false, {}}});
    put(f.run + "/layers.list", content(other + "/layers.list"));
  }
  const auto words = recover_interrupted(f.state, f.targets, f.sink);
  REQUIRE(words.size() == 1);
  CHECK(words[0].find("was left as it is") != std::string::npos);
  CHECK(has_journal(f.run_fd.get()));
  CHECK_FALSE(base::exists(f.host("planted")));
}

TEST_CASE("no tree is removed that a record only calls a staging directory") {
  Forgery f;
  SUBCASE("by another name") { write_staging(f.run, f.home + "/.ssh"); }
  SUBCASE("by that name, elsewhere") {
    make_dir(f.home + "/.ssh/.sandbox-run-staging-run-1");
    write_staging(f.run, f.home + "/.ssh/.sandbox-run-staging-run-1");
  }
  const Snapshot all = snapshot(f.home);
  const auto words = recover_interrupted(f.state, f.targets, f.sink);
  CHECK(words.size() == 1);
  CHECK(snapshot(f.home) == all);
}

TEST_CASE("a record that is a pipe, a link or a directory holds nobody up") {
  Forgery f;
  const std::string record = f.run + "/layers.list";
  REQUIRE(::unlink(record.c_str()) == 0);
  SUBCASE("a pipe") { REQUIRE(::mkfifo(record.c_str(), 0600) == 0); }
  SUBCASE("a link") { REQUIRE(::symlink("/etc/hosts", record.c_str()) == 0); }
  SUBCASE("a directory") { make_dir(record); }
  const auto words = recover_interrupted(f.state, f.targets, f.sink);
  REQUIRE(words.size() == 1);
  CHECK(words[0].find("was left as it is") != std::string::npos);
}

TEST_CASE("a pipe or a link where a record is to be written is replaced") {
  Fixture f;
  f.begin();
  const std::string temporary = f.run + "/journal.new";
  SUBCASE("a pipe") { REQUIRE(::mkfifo(temporary.c_str(), 0600) == 0); }
  SUBCASE("a link") { REQUIRE(::symlink(f.host("planted").c_str(), temporary.c_str()) == 0); }
  const base::UniqueFd run(::open(f.run.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  write_journal(run.get(), Journal{});
  CHECK(read_journal(run.get()).operations.empty());
  CHECK_FALSE(base::exists(f.host("planted")));
}

TEST_CASE("the project of a run is the one that it was begun in") {
  Forgery f;
  CHECK(sealed_project(f.run) == f.project);
  const std::string other = f.state + "/runs/run-2";
  make_dir(other);
  CHECK(sealed_project(other).empty());
}

TEST_CASE("a seal goes with its run's directory") {
  Fixture f;
  f.begin();
  CHECK(base::exists(f.state + "/seals/run-1"));
  remove_seal(f.state, "run-1");
  CHECK_FALSE(base::exists(f.state + "/seals/run-1"));
  remove_seal(f.state, "run-1");  // no error
}

}  // namespace sandbox_run::workspace::test
