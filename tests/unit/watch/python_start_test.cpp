#include "watch/python_start.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <thread>

#include "base/io.h"
#include "base/path.h"
#include "scratch_directory.h"

using namespace sandbox_run;

namespace {

void put(const std::string& path, const std::string& text = "") {
  base::make_directories(base::parent_path(path), 0755);
  base::write_file_atomically(path, text, 0644);
}

std::int64_t now() {
  constexpr std::int64_t kSecond = 1'000'000'000;
  // Files' times are behind the clock by a tick at most.
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  const std::int64_t since = time.tv_sec * kSecond + time.tv_nsec;
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  return since;
}

/// A layer with an environment in `.venv`, all of it from before `since`.
struct Layer {
  Layer() {
    for (const char* file :
         {"pyvenv.cfg", "bin/pip", "bin/python3", "bin/activate", "bin/tool.py"}) {
      put(venv + "/" + file);
    }
    put(site + "/pip/_internal/main.py");
    put(site + "/known.pth", "import something");
    put(site + "/stash/pip/_internal/main.py");
    put(venv + "/spare/bin/pip");
    put(root.path() + "/.other/pyvenv.cfg");
    REQUIRE(::symlink("lib", (venv + "/lib64").c_str()) == 0);
    since = now();
  }

  bool is_changed() const { return watch::python_start_is_changed(root.path(), ".venv", since); }

  test::ScratchDirectory root;
  std::string venv = root.path() + "/.venv";
  std::string site = venv + "/lib/python3.11/site-packages";
  std::int64_t since = 0;
};

void set_old_times(const std::string& path) {
  const timespec old[2] = {{1, 0}, {1, 0}};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), old, AT_SYMLINK_NOFOLLOW) == 0);
}

void move(const std::string& from, const std::string& to) {
  (void)::rename(to.c_str(), (to + ".was").c_str());
  REQUIRE(::rename(from.c_str(), to.c_str()) == 0);
}

}  // namespace

TEST_CASE("what an install brings leaves pip as it was") {
  const Layer layer;
  CHECK_FALSE(layer.is_changed());
  put(layer.site + "/requests/__init__.py");
  put(layer.site + "/requests-1.0.dist-info/RECORD");
  put(layer.site + "/__editable__.mine.pth", "/home/me/mine/src\n");
  put(layer.venv + "/bin/httpie");
  CHECK_FALSE(layer.is_changed());
  CHECK_FALSE(watch::python_start_is_changed(layer.root.path() + "/none", "", layer.since));
}

TEST_CASE("what an environment's pip would load is changed, whatever times it has") {
  const Layer layer;
  std::string path;
  SUBCASE("pip itself") { path = layer.site + "/pip/_internal/main.py"; }
  SUBCASE("a new file of pip's") { path = layer.site + "/pip/_internal/more.py"; }
  SUBCASE("a path file that runs something") { path = layer.site + "/new.pth"; }
  SUBCASE("sitecustomize") { path = layer.site + "/sitecustomize/__init__.py"; }
  SUBCASE("a module that pip looks for") { path = layer.site + "/attr.py"; }
  SUBCASE("its compiled form") { path = layer.site + "/keyring.cpython-311-x86_64-linux-gnu.so"; }
  SUBCASE("a module beside the program") { path = layer.venv + "/bin/re.py"; }
  SUBCASE("a package beside the program") { path = layer.venv + "/bin/re/__init__.py"; }
  SUBCASE("the program") { path = layer.venv + "/bin/pip"; }
  SUBCASE("python") { path = layer.venv + "/bin/python3"; }
  SUBCASE("what makes it an environment") { path = layer.venv + "/pyvenv.cfg"; }
  SUBCASE("another such file, which is read first") { path = layer.venv + "/bin/pyvenv.cfg"; }
  SUBCASE("pip's configuration") { path = layer.venv + "/pip.conf"; }
  put(path, "import evil");
  set_old_times(path);
  set_old_times(base::parent_path(path));
  CHECK(layer.is_changed());
}

TEST_CASE("a directory of the host's is no other for what is new in it") {
  const Layer layer;
  ::chmod((layer.venv + "/lib").c_str(), 0755);
  CHECK(layer.is_changed());
  REQUIRE(::setxattr((layer.venv + "/lib").c_str(), "user.overlay.origin", "", 0, 0) == 0);
  CHECK_FALSE(layer.is_changed());
  REQUIRE(::setxattr((layer.venv + "/lib").c_str(), "user.overlay.opaque", "y", 1, 0) == 0);
  CHECK(layer.is_changed());
}

TEST_CASE("a directory that was prepared before, renamed into the place of one that is loaded") {
  const Layer layer;
  SUBCASE("pip") { move(layer.site + "/stash/pip", layer.site + "/pip"); }
  SUBCASE("a part of pip") {
    move(layer.site + "/stash/pip/_internal", layer.site + "/pip/_internal");
  }
  SUBCASE("a module") { move(layer.site + "/stash", layer.site + "/attr"); }
  SUBCASE("the programs") { move(layer.venv + "/spare/bin", layer.venv + "/bin"); }
  SUBCASE("all modules") { move(layer.venv + "/spare/bin", layer.site); }
  SUBCASE("the library") { move(layer.venv + "/spare", layer.venv + "/lib"); }
  SUBCASE("the environment") { move(layer.root.path() + "/.other", layer.venv); }
  CHECK(layer.is_changed());
}

TEST_CASE("modules in the directory where python -m is started") {
  const Layer layer;
  const auto changed = [&] {
    return watch::modules_are_changed(layer.root.path(), "", layer.since);
  };
  put(layer.root.path() + "/src/mine.egg-info/PKG-INFO");
  put(layer.root.path() + "/build/lib/mine.py");
  put(layer.root.path() + "/README");
  CHECK_FALSE(changed());
  SUBCASE("a module") { put(layer.root.path() + "/re.py"); }
  SUBCASE("a compiled one") { put(layer.root.path() + "/re.cpython-311-x86_64-linux-gnu.so"); }
  SUBCASE("a package") { put(layer.root.path() + "/re/__init__.py"); }
  SUBCASE("a package without __init__.py") { put(layer.root.path() + "/org/python.py"); }
  CHECK(changed());
}
