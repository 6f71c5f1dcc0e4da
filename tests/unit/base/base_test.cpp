#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/deferred_close.h"
#include "base/digest.h"
#include "base/io.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "scratch_directory.h"

using namespace sandbox_run::base;

namespace {

class ScratchDirectory : public sandbox_run::test::ScratchDirectory {
 public:
  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_{::open(path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
};

}  // namespace

TEST_CASE("absolute_path normalises text and never climbs above the root") {
  CHECK(absolute_path("a/./b//../c", "/x") == "/x/a/c");
  CHECK(absolute_path("/../../etc", "/x") == "/etc");
  CHECK(absolute_path("", "/x/") == "/x");
  CHECK(absolute_path("..", "/") == "/");
}

TEST_CASE("is_beneath compares whole components") {
  CHECK(is_beneath("/a/b", "/a"));
  CHECK(is_beneath("/a", "/a"));
  CHECK_FALSE(is_beneath("/ab", "/a"));
  CHECK(is_beneath("/a", "/"));
  CHECK(relative_to("/a/b/c", "/a") == "b/c");
}

TEST_CASE("open_beneath follows no symbolic link and does not leave its directory") {
  const ScratchDirectory scratch;
  make_directories(scratch.path() + "/real", 0755);
  write_file(scratch.path() + "/real/file", "x", 0644);
  REQUIRE(::symlink("real", (scratch.path() + "/link").c_str()) == 0);
  CHECK(read_all(open_beneath(scratch.fd(), "real/file", O_RDONLY).get(), 10, "reading") == "x");
  CHECK(try_open_beneath(scratch.fd(), "link/file", O_RDONLY) == -1);
  CHECK(errno == ELOOP);
  CHECK(try_open_beneath(scratch.fd(), "../etc/passwd", O_RDONLY) == -1);
  CHECK(errno == EXDEV);
  CHECK(try_open_beneath(scratch.fd(), "/etc/passwd", O_RDONLY) == -1);
}

TEST_CASE("remove_tree removes directories without permissions and does not follow links") {
  const ScratchDirectory scratch;
  make_directories(scratch.path() + "/outside", 0755);
  write_file(scratch.path() + "/outside/kept", "x", 0644);
  make_directories(scratch.path() + "/tree/closed/inner", 0755);
  REQUIRE(::symlink("../../outside", (scratch.path() + "/tree/closed/link").c_str()) == 0);
  REQUIRE(::chmod((scratch.path() + "/tree/closed").c_str(), 0) == 0);
  remove_tree(scratch.path() + "/tree");
  CHECK_FALSE(exists(scratch.path() + "/tree"));
  CHECK(exists(scratch.path() + "/outside/kept"));
  remove_tree(scratch.path() + "/tree");  // missing is fine
}

TEST_CASE("a line of a file keeps its tabs and backslashes, and nothing else that acts") {
  CHECK(printable_line("\tif (a == \"\\n\")") == "\tif (a == \"\\n\")");
  CHECK(printable_line("a\x1b[2Jb\r") == "a\\x1b[2Jb\\x0d");
  CHECK(printable_line("\xe2\x80\xae") == "\\xe2\\x80\\xae");
}

TEST_CASE("any name can be typed as it is shown") {
  CHECK(typable("node_modules/a.js") == "node_modules/a.js");
  CHECK(typable("a b") == "'a b'");
  CHECK(typable("a\\b") == "'a\\b'");
  CHECK(typable("") == "''");
  CHECK(typable("äöü") == "'äöü'");
  CHECK(typable("a\nb") == "$'a\\012b'");
  CHECK(typable("it's\t7") == "$'it\\'s\\0117'");
  CHECK(typable("\x1b[2J\xff\\") == "$'\\033[2J\\377\\\\'");
  CHECK(typable("\xe2\x80\xae") == "$'\\342\\200\\256'");
}

TEST_CASE("printable lets no control character, escape sequence or broken UTF-8 through") {
  CHECK(printable("plain äöü") == "plain äöü");
  CHECK(printable("a\x1b[31mb") == "a\\x1b[31mb");
  CHECK(printable("a\nb\tc") == "a\\nb\\tc");
  CHECK(printable("\xff\xfe") == "\\xff\\xfe");
  CHECK(printable("\xc0\xaf") == "\\xc0\\xaf");           // overlong '/'
  CHECK(printable("\xc2\x9b") == "\\xc2\\x9b");           // C1 CSI
  CHECK(printable("\xe2\x80\xae") == "\\xe2\\x80\\xae");  // right-to-left override
  for (const char* blank : {"\u2800", "\u3164", "\u034F", "\u00A0", "\u00AD", "\uFEFF", "\u115F",
                            "\u200B", "\u2028", "\U000E0041"}) {
    CAPTURE(blank);
    CHECK(printable(blank).starts_with("\\x"));
  }
  for (const char* plain : {"é", "中", "ﬁ", "\U0001F600"}) CHECK(printable(plain) == plain);
  CHECK(printable("\\x41") == "\\\\x41");
}

TEST_CASE("shell_words quotes what a shell would take apart") {
  CHECK(shell_words({"npm", "ci"}) == "npm ci");
  CHECK(shell_words({"a b", "", "it's"}) == "'a b' '' 'it'\\''s'");
}

TEST_CASE("nearest finds a slip of the finger and nothing far away") {
  CHECK(nearest("alow", {"allow", "withhold"}) == "allow");
  CHECK(nearest("zzzzz", {"allow", "withhold"}).empty());
}

TEST_CASE("descriptors and bytes pass through a socket together") {
  SocketPair pair = make_socket_pair();
  Pipe pipe = make_pipe();
  send_fds(pair.ours.get(), "hello", {pipe.read_end.get()});
  ReceivedFds received = receive_fds(pair.theirs.get());
  CHECK(received.bytes == "hello");
  REQUIRE(received.fds.size() == 1);
  write_full(pipe.write_end.get(), "x", "writing");
  char byte = 0;
  CHECK(::read(received.fds.front().get(), &byte, 1) == 1);
  CHECK((::fcntl(received.fds.front().get(), F_GETFD) & FD_CLOEXEC) != 0);
  pair.ours.reset();
  CHECK(receive_fds(pair.theirs.get()).bytes.empty());
}

TEST_CASE(
    "read_file refuses a file beyond its limit and tells a missing one from an unreadable one") {
  const ScratchDirectory scratch;
  write_file(scratch.path() + "/f", "12345", 0644);
  CHECK_THROWS_AS(read_file(scratch.path() + "/f", 4), SysError);
  CHECK(read_file(scratch.path() + "/f", 5) == "12345");
  CHECK_FALSE(read_file_if_readable(scratch.path() + "/none").has_value());
}

TEST_CASE("what is closed late is closed, once its owner has let go, and not before") {
  Pipe pipe = make_pipe();
  pollfd reader{pipe.read_end.get(), POLLIN, 0};
  {
    const DeferredClose late(pipe.write_end.get());
    write_full(pipe.write_end.get(), "x", "writing");
    pipe.write_end.reset();
    CHECK(::poll(&reader, 1, 50) == 1);
    CHECK((reader.revents & POLLHUP) == 0);
  }
  for (int tries = 0; tries < 500 && (reader.revents & POLLHUP) == 0; ++tries) {
    CHECK(::poll(&reader, 1, 10) == 1);
    ::usleep(10'000);
  }
  CHECK((reader.revents & POLLHUP) != 0);
}

TEST_CASE("digests are those of the standards") {
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const ScratchDirectory scratch;
  write_file(scratch.path() + "/f", "abc", 0644);
  const auto digest = [&](const char* algorithm) {
    const UniqueFd fd(::open((scratch.path() + "/f").c_str(), O_RDONLY | O_CLOEXEC));
    return file_digest_hex(fd.get(), algorithm);
  };
  CHECK(digest("sha1") == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(digest("sha512").substr(0, 16) == "ddaf35a193617aba");
  CHECK(digest("md5").empty());
}
