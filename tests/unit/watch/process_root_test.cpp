#include "watch/process_root.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "root_directory.h"

namespace sandbox_run::watch {
namespace {

namespace fs = std::filesystem;

TEST_CASE("absolute links lead to the process's root, not to ours") {
  const RootDirectory place;
  place.file("/usr/bin/tool-of-this-root");
  place.link("/bin", "/usr/bin");
  place.link("/usr/bin/tool", "/bin/tool-of-this-root");
  place.link("/usr/bin/out", "../../../../../../../../bin/tool");
  const ProcessRoot root = place.process_in("/");
  for (const char* path : {"/bin/tool", "/usr/bin/../bin//tool", "bin/out", "/../../bin/tool"}) {
    CAPTURE(path);
    const Look look = root.look_up(path);
    CHECK(look.result == Look::Result::found);
    CHECK(look.real_path == "/usr/bin/tool-of-this-root");
  }
  // There is one in ours.
  CHECK(root.look_up("/bin/sh").error == ENOENT);
}

TEST_CASE("what is above a linked directory is the target's, not the link's") {
  const RootDirectory place;
  place.file("/store/a/tool");
  place.file("/store/a/b/x");
  place.link("/project/link", "/store/a/b");
  const ProcessRoot root = place.process_in("/project");
  CHECK(root.look_up("link/../tool").real_path == "/store/a/tool");
  CHECK(root.look_up("tool").error == ENOENT);
  CHECK(root.look_up("link/x/").error == ENOTDIR);
  CHECK(root.look_up("link/x/..").error == ENOTDIR);
  CHECK(root.look_up("link/").real_path == "/store/a/b");
  CHECK(root.look_up("..").real_path == "/");
}

TEST_CASE("what is missing has the place where it would be made") {
  const RootDirectory place;
  place.file("/store/a/x");
  place.link("/project/link", "/store/a");
  place.link("/project/dangling", "../store/a/new");
  const ProcessRoot root = place.process_in("/project");
  CHECK(root.look_up("link/new").real_path == "/store/a/new");
  CHECK(root.look_up("link/new/").real_path == "/store/a/new");
  CHECK(root.look_up("dangling").real_path == "/store/a/new");
  CHECK(root.look_up("dangling").result == Look::Result::missing);
  CHECK(root.look_up("new/newer").real_path.empty());
  CHECK(root.look_up("link/x/new").real_path.empty());
}

TEST_CASE("a link at the end of a path may itself be meant") {
  const RootDirectory place;
  place.file("/store/a/x");
  place.link("/project/link", "/store/a");
  const ProcessRoot root = place.process_in("/project");
  CHECK(root.look_up("link", LastLink::itself).real_path == "/project/link");
  CHECK(root.look_up("link/x", LastLink::itself).real_path == "/store/a/x");
  CHECK(root.look_up("link/", LastLink::itself).real_path == "/store/a");
}

TEST_CASE("links in a circle, and paths without end, are unclear") {
  const RootDirectory place;
  place.link("/one", "two");
  place.link("/two", "one");
  const ProcessRoot root = place.process_in("/");
  std::string deep;
  for (int i = 0; i < 2000; ++i) deep += "./";
  CHECK(root.look_up("/one").result == Look::Result::unclear);
  CHECK(root.look_up(deep).result == Look::Result::unclear);
  CHECK(root.look_up("").result == Look::Result::unclear);
}

TEST_CASE("a working directory that is elsewhere than it says makes relative paths unclear") {
  const RootDirectory place;
  place.file("/one/x");
  place.file("/two/x");
  const ProcessRoot root(place.open("/"), place.open("/one"), "/two");
  CHECK(root.look_up("y").result == Look::Result::unclear);
  CHECK(root.look_up("/two/y").error == ENOENT);
}

TEST_CASE("a proc file system says something else to us, so it is unclear") {
  const ProcessRoot root(::getpid());
  CHECK(root.look_up("/proc/self/exe").result == Look::Result::unclear);
  CHECK(root.look_up("/proc/nowhere").result == Look::Result::unclear);
  CHECK(root.look_up("/dev/fd/77").result == Look::Result::unclear);
  CHECK(root.look_up("/dev/fd/77").in_proc == "self/fd/77");
  CHECK(root.look_up("/proc/self/cwd/../x").in_proc == "self/cwd/../x");
  CHECK(root.look_up("/bin/sh").result == Look::Result::found);
  CHECK(root.look_up(".").real_path == fs::current_path().string());
}

TEST_CASE("a process that is gone has no files") {
  CHECK(ProcessRoot(0).look_up("/bin/sh").result == Look::Result::unclear);
}

}  // namespace
}  // namespace sandbox_run::watch
