#include "watch/exec_watch.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "base/path.h"
#include "watched_process.h"

namespace sandbox_run::watch {
namespace {

using events::Event;
using policy::PackageManager;

const std::string kEvil =
    "env npm_lifecycle_event=postinstall npm_package_name=evil npm_package_version=1.2.3 "
    "npm_package_json=/project/node_modules/evil/package.json ";
const std::string kEvilWords = "evil@1.2.3 postinstall";

/// The package manager, played by a shell, runs `command`.
WatchedRun watch_shell(const std::string& command) {
  return watch_run(PackageManager::npm, {"/bin/sh", "-c", command});
}

std::string real(const std::string& path) { return base::real_path(path).value_or(path); }

std::string detail(const Event& event, const char* key) {
  return std::string(event.details.at(key).as_string().c_str());
}

TEST_CASE("a run of the package manager alone has one actor and no script") {
  const WatchedRun run = watch_shell("/bin/true; /bin/true");
  CHECK(run.exit_status == 0);
  const auto execs = run.events.of_type("process.exec");
  REQUIRE(execs.size() == 3);
  for (const Event& event : execs) CHECK(events::to_words(*event.actor) == "package manager");
  CHECK(execs[0].process->exe == "/bin/sh");
  CHECK(execs[0].process->arguments ==
        std::vector<std::string>{"/bin/sh", "-c", "/bin/true; /bin/true"});
  CHECK_FALSE(execs[0].process->working_directory.empty());
  CHECK(execs[0].process->pid > 0);
  CHECK(run.totals.execs == 3);
  CHECK(run.totals.scripts == 0);
}

bool keeps_trust(const std::string& text, const std::vector<std::string>& environment = {}) {
  const WatchedRun run = watch_package_manager(text, environment, {real("/bin/sh")});
  for (const Event& event : run.events.of_type("process.exec")) {
    CHECK(events::to_words(*event.actor) == "package manager");
  }
  return run.totals.only_package_manager_ran;
}

TEST_CASE("the package manager, its own scripts and known helpers keep its trust") {
  CHECK(keeps_trust(""));
  CHECK(keeps_trust("uname; env uname; PATH=/nonexistent:/usr/bin:/bin uname; /nonexistent/x; :"));
  CHECK(keeps_trust("echo uname >DIR/lib/own; /bin/sh DIR/lib/own; cd DIR; sh lib/own"));
}

TEST_CASE("what the package manager runs for others ends its trust") {
  CHECK_FALSE(keeps_trust("echo : >DIR/../h; /bin/sh DIR/../h"));  // pnpm exec node h.js
  CHECK_FALSE(keeps_trust("sh -c :"));                             // pnpm exec sh -c
  CHECK_FALSE(keeps_trust("echo : | sh"));                         // its program from its input
  CHECK_FALSE(keeps_trust("/bin/ls >/dev/null"));
  CHECK_FALSE(keeps_trust("cp /bin/uname DIR/uname; DIR/uname"));  // a helper only by its name
  CHECK_FALSE(keeps_trust("ln -s /bin/uname DIR/ls; DIR/ls"));     // ln is none
  CHECK_FALSE(keeps_trust("mkdir DIR/x"));
}

TEST_CASE("a variable that loads code ends the trust unless the command had it") {
  CHECK_FALSE(keeps_trust("NODE_OPTIONS=--require=./h.js uname"));
  CHECK_FALSE(keeps_trust("LD_PRELOAD=/nonexistent uname 2>/dev/null"));
  CHECK_FALSE(keeps_trust("NODE_OPTIONS=--b uname", {"NODE_OPTIONS=--a"}));
  CHECK(keeps_trust("uname; env -u NODE_OPTIONS uname", {"NODE_OPTIONS=--a", "LD_BIND_NOW=1"}));
}

TEST_CASE("nothing is trusted that was not named") {
  CHECK_FALSE(watch_shell("uname").totals.only_package_manager_ran);
  CHECK(watch_run(PackageManager::npm, {"/bin/uname"}).totals.only_package_manager_ran);
}

TEST_CASE("a program executed from memory ends the trust") {
  const WatchedRun run = watch_package_manager(probe() + " from-memory /bin/true", {},
                                               {real(probe()), real("/bin/true")});
  CHECK(run.exit_status == 0);
  CHECK_FALSE(run.totals.only_package_manager_ran);
}

TEST_CASE("a path that a thread flips hides no exec") {
  const WatchedRun run = watch_package_manager(probe() + " flip DIR/flips /bin/true");
  CHECK(run.exit_status == 0);
  std::size_t recorded = 0;
  for (const Event& event : run.events.of_type("process.exec")) {
    if (base::file_name(event.process->exe) == "flips") ++recorded;
  }
  const Event last = run.events.all.back();
  REQUIRE(last.process->arguments.size() == 2);
  CHECK(recorded >= std::stoul(last.process->arguments[1]));
  CHECK_FALSE(run.totals.only_package_manager_ran);
}

TEST_CASE("what leads nowhere fails as without a watch") {
  const WatchedRun run = watch_package_manager(probe() + " errors DIR/e");
  CHECK(run.exit_status == 0);
}

TEST_CASE("a lifecycle script is announced once, and all that it starts is its own") {
  const WatchedRun run =
      watch_shell(kEvil + "sh -c '/bin/ls >/dev/null; sh -c /bin/pwd >/dev/null'; /bin/true");
  CHECK(run.exit_status == 0);
  const auto started = run.events.of_type("script.started");
  REQUIRE(started.size() == 1);
  CHECK(detail(started[0], "package") == "evil");
  CHECK(detail(started[0], "version") == "1.2.3");
  CHECK(detail(started[0], "event") == "postinstall");
  CHECK(detail(started[0], "directory") == "/project/node_modules/evil");
  CHECK(detail(started[0], "command") == "sh -c '/bin/ls >/dev/null; sh -c /bin/pwd >/dev/null'");
  CHECK(run.events.actor_of_exec("ls") == kEvilWords);
  CHECK(run.events.actor_of_exec("pwd") == kEvilWords);
  CHECK(run.events.actor_of_exec("true") == "package manager");
  CHECK(run.totals.scripts == 1);
  CHECK_FALSE(run.totals.only_package_manager_ran);
}

TEST_CASE("a script of the project itself is the project's") {
  const WatchedRun run = watch_shell(
      "env npm_lifecycle_event=build npm_package_name=app npm_package_version=1 "
      "npm_package_json=/project/package.json sh -c /bin/true");
  CHECK(run.events.actor_of_exec("true") == "the project's own build script");
  CHECK_FALSE(run.totals.only_package_manager_ran);
}

TEST_CASE("what sandbox-run itself was started with is nobody's script") {
  const WatchedRun run =
      watch_run(PackageManager::npm, {"/bin/sh", "-c", "/bin/true; /bin/true"},
                {"npm_lifecycle_event=ci", "npm_package_name=app", "npm_package_version=1",
                 "npm_package_json=/project/package.json"});
  CHECK(run.events.of_type("script.started").empty());
}

TEST_CASE("a clean environment does not wash a script clean") {
  const WatchedRun run = watch_shell(kEvil + "sh -c 'env -i /bin/sh -c /bin/true'");
  CHECK(run.events.actor_of_exec("true") == kEvilWords);
}

TEST_CASE("a script cannot become another by its environment") {
  const WatchedRun run = watch_shell(
      kEvil + "sh -c 'npm_package_name=good npm_package_json=/project/package.json /bin/true'");
  CHECK(run.events.actor_of_exec("true") == kEvilWords);
  CHECK(run.totals.scripts == 1);
}

TEST_CASE("a double fork with setsid stays the script's") {
  const WatchedRun run = watch_shell(kEvil + probe() + " orphan /bin/true; /bin/pwd >/dev/null");
  CHECK(run.events.actor_of_exec("true") == kEvilWords);
  CHECK(run.events.actor_of_exec("pwd") == "package manager");
}

TEST_CASE("an orphan without environment is found by its image") {
  const WatchedRun run =
      watch_shell(kEvil + "sh -c 'exec env -i " + probe() + " orphan /bin/true'");
  CHECK(run.events.actor_of_exec("true") == kEvilWords);
}

TEST_CASE("an orphan that has renamed itself is found by its environment") {
  const WatchedRun run = watch_shell(kEvil + probe() + " renamed-orphan /bin/true");
  CHECK(run.events.actor_of_exec("true") == kEvilWords);
}

TEST_CASE("an orphan cannot put the blame on another package by its environment") {
  const WatchedRun run = watch_shell(
      "env npm_lifecycle_event=install npm_package_name=good npm_package_version=1 "
      "npm_package_json=/project/node_modules/good/package.json sh -c /bin/true; " +
      kEvil + "env npm_lifecycle_event=install npm_package_name=good npm_package_version=1 " +
      probe() + " orphan /bin/pwd >/dev/null");
  CHECK(run.events.actor_of_exec("true") == "good@1 install");
  CHECK(run.events.actor_of_exec("pwd") == kEvilWords);
}

TEST_CASE("an orphan that hides all traces is unknown, not the package manager") {
  const WatchedRun run =
      watch_shell(kEvil + "sh -c 'exec env -i " + probe() + " renamed-orphan /bin/true'");
  CHECK(run.events.actor_of_exec("true") == "unknown process");
}

TEST_CASE("a background process in the package manager's group stays the script's") {
  const WatchedRun run = watch_shell(
      kEvil + "sh -c '( (while kill -0 $$ 2>/dev/null; do :; done; exec /bin/true) & )'; wait");
  CHECK(run.events.actor_of_exec("true") == kEvilWords);
}

TEST_CASE("orphans of the package manager are its own while no script has run") {
  const WatchedRun run =
      watch_package_manager(probe() + " orphan /bin/true", {}, {real(probe()), real("/bin/true")});
  CHECK(run.events.actor_of_exec("true") == "package manager");
  CHECK(run.totals.only_package_manager_ran);
}

TEST_CASE("misses in PATH are no execs") {
  const WatchedRun run =
      watch_shell("PATH=/nonexistent:/etc:/usr/bin:/bin env true; /nonexistent/file; /etc; true");
  const auto execs = run.events.of_type("process.exec");
  for (const Event& event : execs) {
    CAPTURE(event.process->exe);
    CHECK(event.process->exe.find("nonexistent") == std::string::npos);
    CHECK(event.process->exe.find("/etc") == std::string::npos);
  }
}

TEST_CASE("two thousand execs are two thousand records") {
  const WatchedRun run = watch_shell(kEvil + probe() + " burst 2000 /bin/true");
  CHECK(run.exit_status == 0);
  int of_the_script = 0;
  for (const Event& event : run.events.of_type("process.exec")) {
    if (event.process->exe == "/bin/true" && events::to_words(*event.actor) == kEvilWords) {
      ++of_the_script;
    }
  }
  CHECK(of_the_script == 2000);
}

TEST_CASE("pointers that lead nowhere are the kernel's to refuse") {
  const WatchedRun run = watch_shell(probe() + " bad-pointers");
  CHECK(run.exit_status == 0);
  int unreadable = 0;
  for (const Event& event : run.events.of_type("process.exec")) {
    if (event.details.contains("unreadable")) {
      ++unreadable;
      CHECK(events::to_words(*event.actor) == "unknown process");
    }
  }
  CHECK(unreadable == 4);
  CHECK_FALSE(run.totals.only_package_manager_ran);
}

TEST_CASE("what cannot be read inside a script is still the script's") {
  const WatchedRun run = watch_shell(kEvil + probe() + " bad-pointers");
  CHECK(run.exit_status == 0);
  for (const Event& event : run.events.of_type("process.exec")) {
    if (event.details.contains("unreadable")) CHECK(events::to_words(*event.actor) == kEvilWords);
  }
}

TEST_CASE("a process that forbids to be read still execs, and is recorded") {
  const WatchedRun run = watch_shell(kEvil + probe() + " unreadable /bin/true");
  CHECK(run.exit_status == 0);
  CHECK(run.events.actor_of_exec(::geteuid() == 0 ? "true" : "") == kEvilWords);
}

TEST_CASE("a program executed from memory is recorded by its descriptor") {
  const WatchedRun run = watch_shell(kEvil + probe() + " from-memory /bin/true");
  CHECK(run.exit_status == 0);
  const Event last = run.events.all.back();
  CHECK(last.process->exe.find("memfd:hidden") != std::string::npos);
  CHECK(last.process->arguments == std::vector<std::string>{"innocent"});
  CHECK(last.details.contains("by_descriptor"));
  CHECK(events::to_words(*last.actor) == kEvilWords);
}

TEST_CASE("any number of arguments and variables is read up to a bound") {
  const WatchedRun run = watch_shell(probe() + " huge /bin/true");
  CHECK(run.exit_status == 0);
  const Event last = run.events.all.back();
  CHECK(last.process->exe == "/bin/true");
  CHECK(last.process->arguments.size() == 64);
  CHECK(last.details.contains("unreadable"));
}

TEST_CASE("any other command's processes are the project's own") {
  const WatchedRun run = watch_run(PackageManager::none, {"/bin/sh", "-c", "/bin/true; /bin/true"});
  CHECK(run.events.actor_of_exec("true") == "the project's own command");
  CHECK_FALSE(run.totals.only_package_manager_ran);
  CHECK(run.totals.scripts == 0);
}

TEST_CASE("a build that pip starts is the distribution's") {
  const WatchedRun run = watch_run(
      PackageManager::pip,
      {"/bin/sh", "-c",
       "d=$(mktemp -d) && cd $d && printf 'Metadata-Version: 2.1\\nName: demo\\nVersion: 1.5\\n' "
       ">PKG-INFO && printf 'exec /bin/true' >_in_process.py && sh _in_process.py build_wheel x; "
       "rm -r $d"});
  const auto started = run.events.of_type("script.started");
  REQUIRE(started.size() == 1);
  CHECK(detail(started[0], "package") == "demo");
  CHECK(detail(started[0], "version") == "1.5");
  CHECK(detail(started[0], "event") == "build_wheel");
  CHECK(run.events.actor_of_exec("true") == "build of demo@1.5");
  CHECK(run.events.actor_of_exec("rm") == "package manager");
}

TEST_CASE("a process killed while its exec waits does not upset the watch") {
  WatchedProcess process({"/bin/true"});
  RecordedEvents sink;
  events::CallerTable callers;
  ExecWatch watch(process.take_listener(), PackageManager::npm, sink, callers);
  pollfd ready{watch.fd(), POLLIN, 0};
  REQUIRE(::poll(&ready, 1, -1) == 1);
  process.kill();
  CHECK_FALSE(watch.on_readable());
  CHECK(sink.all.empty());
}

TEST_CASE("the actor of any process can be asked for") {
  WatchedProcess process({probe(), "wait"});
  RecordedEvents sink;
  events::CallerTable callers;
  ExecWatch watch(process.take_listener(), PackageManager::npm, sink, callers);
  CHECK(watch.actor_of(process.pid()).kind == events::Actor::Kind::unknown);
  pollfd ready{watch.fd(), POLLIN, 0};
  REQUIRE(::poll(&ready, 1, -1) == 1);
  CHECK(watch.on_readable());
  CHECK(watch.actor_of(process.pid()).kind == events::Actor::Kind::package_manager);
  CHECK(watch.actor_of(0).kind == events::Actor::Kind::unknown);
  CHECK(watch.actor_of(-5).kind == events::Actor::Kind::unknown);
}

}  // namespace
}  // namespace sandbox_run::watch
