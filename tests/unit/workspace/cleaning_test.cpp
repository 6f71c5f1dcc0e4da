#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstring>

#include "base/path.h"
#include "support.h"
#include "workspace/cleaner.h"

namespace sandbox_run::workspace::test {

TEST_CASE("setuid and setgid bits, FIFOs and sockets do not reach the host") {
  Fixture f;
  f.begin();
  put(f.upper("node_modules/a/suid"), "x", 04755);
  put(f.upper("node_modules/a/sgid"), "x", 02755);
  make_dir(f.upper("node_modules/a/d"), 02755);
  CHECK(::mkfifo(f.upper("node_modules/a/fifo").c_str(), 0600) == 0);
  CHECK(::mknod(f.upper("node_modules/a/sock").c_str(), S_IFSOCK | 0600, 0) == 0);
  CHECK(::mkfifo(f.upper("package-lock.json").c_str(), 0600) == 0);
  const CommitSummary summary = f.commit();
  CHECK(snapshot(f.host()) == Snapshot{{"", "d 755"},
                                       {"node_modules", "d 755"},
                                       {"node_modules/a", "d 755"},
                                       {"node_modules/a/suid", "f 755 x"},
                                       {"node_modules/a/sgid", "f 755 x"},
                                       {"node_modules/a/d", "d 755"}});
  CHECK(summary.stripped == 6);
  CHECK(f.sink.count("change.stripped") == 6);
  CHECK(f.is_run_clean());
}

TEST_CASE("what everybody may write stays so, and nothing else becomes it") {
  Fixture f;
  put(f.host("lib/open.js"), "old", 0666);
  f.begin();
  put(f.upper("lib/open.js"), "new", 0666);
  put(f.upper("node_modules/a/new.js"), "x", 0777);
  make_dir(f.upper("node_modules/a/d"), 01777);
  make_dir(f.upper("lib"), 0757);
  const CommitSummary summary = f.commit();
  CHECK(mode(f.host("lib/open.js")) == 0666);
  CHECK(mode(f.host("lib")) == 0755);
  CHECK(mode(f.host("node_modules/a/new.js")) == 0775);
  CHECK(mode(f.host("node_modules/a/d")) == 01775);
  CHECK(summary.stripped == 2);
}

TEST_CASE("a directory hands its group on where the project's own does") {
  Fixture f;
  make_dir(f.host(), 02755);
  f.begin();
  make_dir(f.upper("node_modules/a"), 02755);
  make_dir(f.upper("node_modules"), 02755);
  const CommitSummary summary = f.commit();
  CHECK(mode(f.host("node_modules/a")) == 02755);
  CHECK(summary.stripped == 0);
}

TEST_CASE("overlay's own attributes are taken off, a package's own are kept") {
  Fixture f;
  f.begin();
  put(f.upper("node_modules/a/i"), "x", 0444);
  make_dir(f.upper("node_modules/a/sub"), 0555);
  f.mark_opaque("node_modules");
  f.mark_opaque("node_modules/a");
  const char* impure = "user.overlay.impure";
  CHECK(::setxattr(f.upper("node_modules/a").c_str(), impure, "y", 1, 0) == 0);
  CHECK(::chmod(f.upper("node_modules/a/i").c_str(), 0644) == 0);
  f.mark_copied_up("node_modules/a/i");
  CHECK(::setxattr(f.upper("node_modules/a/i").c_str(), "user.mine", "y", 1, 0) == 0);
  CHECK(::chmod(f.upper("node_modules/a/i").c_str(), 0444) == 0);
  f.commit();
  CHECK(attributes(f.host("node_modules")).empty());
  CHECK(attributes(f.host("node_modules/a")).empty());
  CHECK(attributes(f.host("node_modules/a/i")) == std::vector<std::string>{"user.mine"});
  CHECK(mode(f.host("node_modules/a/i")) == 0444);
  CHECK(mode(f.host("node_modules/a/sub")) == 0555);
}

TEST_CASE("a program's file capabilities are taken off") {
  if (!is_root()) {
    MESSAGE("only root can set a file capability: tried when this runs as root");
    return;
  }
  Fixture f;
  f.begin();
  put(f.upper("node_modules/a/tool"), "x", 0755);
  // VFS_CAP_REVISION_2, CAP_NET_RAW permitted and effective.
  const unsigned char capability[20] = {1, 0, 0, 2, 0, 0x20, 0, 0};
  const std::string tool = f.upper("node_modules/a/tool");
  CHECK(::setxattr(tool.c_str(), "security.capability", capability, 20, 0) == 0);
  const CommitSummary summary = f.commit();
  CHECK(attributes(f.host("node_modules/a/tool")).empty());
  CHECK(summary.stripped == 1);
}

TEST_CASE("a file that is also held under another name gets an inode of its own") {
  Fixture f;
  put(f.host(".git/config"), "c");
  f.begin();
  put(f.upper(".git/evil"), "reviewed");
  make_dir(f.upper("node_modules/a"));
  // A name that a package could have foreseen is in nobody's way.
  put(f.upper("node_modules/a/.sandbox-run-separate"), "mine");
  CHECK(::link(f.upper(".git/evil").c_str(), f.upper("node_modules/a/i").c_str()) == 0);
  CHECK(::link(f.upper(".git/evil").c_str(), f.upper("node_modules/a/j").c_str()) == 0);
  f.commit();
  CHECK(content(f.host("node_modules/a/i")) == "reviewed");
  CHECK(inode(f.host("node_modules/a/i")) == inode(f.host("node_modules/a/j")));  // one copy
  CHECK(inode(f.host("node_modules/a/i")) != inode(f.upper(".git/evil")));
}

TEST_CASE("packages are told by where their directory lies") {
  CHECK(package_of("node_modules/a/lib/x.js") == "node_modules/a");
  CHECK(package_of("node_modules/@s/a/lib") == "node_modules/@s/a");
  CHECK(package_of("node_modules/@s") == "");
  CHECK(package_of("node_modules/.bin/x") == "");
  CHECK(package_of("node_modules/a/node_modules/b/c") == "node_modules/a/node_modules/b");
  CHECK(package_of("lib/site-packages/six-1.0.dist-info/RECORD") ==
        "lib/site-packages/six-1.0.dist-info");
  CHECK(package_of("src/a") == "");
}

}  // namespace sandbox_run::workspace::test
