// The layer as the kernel's overlayfs makes it, and what a script can and can't put into it.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>

#include "base/path.h"
#include "base/sys_error.h"
#include "support.h"

namespace sandbox_run::workspace::test {
namespace {

constexpr const char* kNoOverlay = "no overlay in a user namespace here";

void must(bool done, const char* what) {
  if (!done) throw base::SysError(what);
}

}  // namespace

TEST_CASE("what a command does in the overlay reaches the host") {
  Fixture f;
  put(f.host("package.json"), "old");
  put(f.host("README"), "r", 0444);
  put(f.host("node_modules/a/x"), "1");
  put(f.host("node_modules/b/x"), "1");
  put(f.host("out/d/e"), "1");
  f.begin();
  const bool ran = in_overlay(f.layers[0], [] {
    put("package.json", "new");
    must(::rename("node_modules/a/x", "node_modules/b/y") == 0, "rename");
    must(::unlink("node_modules/b/x") == 0, "unlink");
    std::filesystem::remove_all("out/d");
    must(::mkdir("out/d", 0711) == 0, "mkdir");
    put("out/d/new", "n");
    must(::chmod("README", 0644) == 0, "chmod");
    must(::chmod("README", 0444) == 0, "chmod");
    put("out/new/file", "f");
    must(::link("out/new/file", "out/new/link") == 0, "link");
    must(::chmod("node_modules/a", 0500) == 0, "chmod");
  });
  if (!ran) return skip(kNoOverlay);
  const CommitSummary summary = f.commit();
  CHECK(snapshot(f.host()) == Snapshot{{"", "d 755"},
                                       {"package.json", "f 644 new"},
                                       {"README", "f 444 r"},
                                       {"node_modules", "d 755"},
                                       {"node_modules/a", "d 500"},
                                       {"node_modules/b", "d 755"},
                                       {"node_modules/b/y", "f 644 1"},
                                       {"out", "d 755"},
                                       {"out/d", "d 711"},
                                       {"out/d/new", "f 644 n"},
                                       {"out/new", "d 755"},
                                       {"out/new/file", "f 644 f"},
                                       {"out/new/link", "f 644 f"}});
  CHECK(inode(f.host("out/new/file")) == inode(f.host("out/new/link")));
  for (const auto& entry : snapshot(f.host())) {
    CAPTURE(entry.first);
    CHECK(attributes(f.host(entry.first)).empty());
  }
  CHECK(summary.held.empty());
  CHECK(f.is_run_clean());
}

TEST_CASE("reading and touching in the overlay changes nothing") {
  Fixture f;
  put(f.host("src/a"), "1");
  f.begin();
  const bool ran = in_overlay(f.layers[0], [] {
    const base::UniqueFd file(::open("src/a", O_RDWR | O_CLOEXEC));  // copied up, left as it was
    must(static_cast<bool>(file), "open");
    put("src/temporary", "t");
    must(::unlink("src/temporary") == 0, "unlink");
  });
  if (!ran) return skip(kNoOverlay);
  CHECK(read_changes(f.layers[0]).empty());
  CHECK(f.commit().held.empty());
  CHECK(f.is_run_clean());
}

TEST_CASE("a script can forge neither whiteouts nor overlay's marks") {
  Fixture f;
  put(f.host("src/precious"), "p");
  put(f.host("out/precious"), "p");
  f.begin();
  const bool ran = in_overlay(f.layers[0], [] {
    must(::mknod("out/white", S_IFCHR | 0600, makedev(0, 0)) != 0, "whiteout was made");
    // Escaped by the kernel, or refused: in no case taken for overlay's own.
    (void)::setxattr("out", "user.overlay.opaque", "y", 1, 0);
    must(::mkdir("out/new", 0755) == 0, "mkdir");
    (void)::setxattr("out/new", "user.overlay.redirect", "/src", 4, 0);
    put("out/file", "f");
    (void)::setxattr("out/file", "user.overlay.whiteout", "y", 1, 0);
  });
  if (!ran) return skip(kNoOverlay);
  f.commit();
  CHECK(content(f.host("out/precious")) == "p");
  CHECK(content(f.host("out/file")) == "f");
  CHECK(attributes(f.host("out/file")).empty());
  CHECK(attributes(f.host("out/new")).empty());
  CHECK(content(f.host("src/precious")) == "p");
}

TEST_CASE("a directory that shut its owner out can still be changed and committed") {
  Fixture f;
  put(f.host("out/shut/x"), "1");
  make_dir(f.host("out/shut"), 0500);
  f.begin();
  const bool ran = in_overlay(f.layers[0], [] {
    must(::chmod("out/shut", 0700) == 0, "chmod");
    put("out/shut/x", "2");
    put("out/shut/new", "n");
    must(::chmod("out/shut", 0000) == 0, "chmod");
  });
  if (!ran) return skip(kNoOverlay);
  f.commit();
  CHECK(mode(f.host("out/shut")) == 0000);
  ::chmod(f.host("out/shut").c_str(), 0700);
  CHECK(content(f.host("out/shut/x")) == "2");
  CHECK(content(f.host("out/shut/new")) == "n");
  CHECK(f.is_run_clean());
}

}  // namespace sandbox_run::workspace::test
