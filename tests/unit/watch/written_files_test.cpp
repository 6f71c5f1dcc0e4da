#include "watch/written_files.h"

#include <doctest/doctest.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/io.h"
#include "scratch_directory.h"

using namespace sandbox_run;
using test::ScratchDirectory;

namespace {

struct Overlay {
  ScratchDirectory scratch;
  std::string target = scratch.make("app");
  std::string upper = scratch.make("upper");

  watch::WrittenFiles files() const { return watch::WrittenFiles({{target, upper, false}}); }
  void host(const std::string& path, const std::string& text) const { write("app/" + path, text); }
  void run(const std::string& path, const std::string& text) const { write("upper/" + path, text); }

 private:
  void write(const std::string& path, const std::string& text) const {
    scratch.make(base::parent_path(path));
    base::write_file_atomically(scratch.file(path), text, 0644);
  }
};

}  // namespace

TEST_CASE("what lies in the layer was written, all else in the target was not") {
  const Overlay overlay;
  overlay.host("setup.sh", "");
  overlay.run("scripts/next.sh", "");
  const watch::WrittenFiles files = overlay.files();
  CHECK(!files.may_be_written(::getpid(), overlay.target + "/setup.sh"));
  CHECK(files.may_be_written(::getpid(), overlay.target + "/scripts/next.sh"));
  CHECK(!files.may_be_written(::getpid(), overlay.target + "/scripts/other.sh"));
}

TEST_CASE("a link or an opaque directory in the layer makes all beneath it written") {
  const Overlay overlay;
  overlay.host("linked/a.sh", "");
  overlay.host("opaque/a.sh", "");
  CHECK(::symlink("/tmp", (overlay.upper + "/linked").c_str()) == 0);
  const std::string opaque = overlay.scratch.make("upper/opaque");
  CHECK(::setxattr(opaque.c_str(), "user.overlay.opaque", "y", 1, 0) == 0);
  const watch::WrittenFiles files = overlay.files();
  CHECK(files.may_be_written(::getpid(), overlay.target + "/linked/a.sh"));
  CHECK(files.may_be_written(::getpid(), overlay.target + "/opaque/a.sh"));
}

TEST_CASE("packages, lockfiles and dependencies in package.json are what an install writes") {
  const Overlay overlay;
  overlay.host("package.json", R"({"scripts": {"a": "b"}})");
  overlay.run("node_modules/x/index.js", "");
  overlay.run("package-lock.json", "{}");
  overlay.run("package.json", R"({"scripts": {"a": "b"}, "dependencies": {"x": "1"}})");
  CHECK(overlay.files().only_packages_are_written());
  CHECK(overlay.files().manifest_is_kept(overlay.target));
}

TEST_CASE("another script in package.json, or any other file, is not") {
  const Overlay overlay;
  overlay.host("package.json", R"({"scripts": {"a": "b"}})");
  overlay.run("package.json", R"({"scripts": {"a": "evil"}})");
  CHECK(!overlay.files().only_packages_are_written());
  CHECK(!overlay.files().manifest_is_kept(overlay.target));
  const Overlay other;
  other.run("src/Makefile", "");
  watch::WrittenFiles files = other.files();
  CHECK(!files.only_packages_are_written());
  base::remove_tree(other.upper + "/src");
  CHECK(!files.only_packages_are_written());  // once no, always no
}

TEST_CASE("a file that was remembered has changed if it is another, or newer") {
  const Overlay overlay;
  overlay.host("home/.npmrc", "a");
  watch::WrittenFiles files;
  const watch::ProcessRoot root(::getpid());
  files.remember(root, {overlay.target + "/home/.npmrc", overlay.target + "/home/.yarnrc"});
  CHECK(!files.remembered_have_changed(root));
  overlay.host("home/.yarnrc", "");
  CHECK(files.remembered_have_changed(root));
}
