#include "watch/distribution.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

#include "base/io.h"
#include "scratch_directory.h"

namespace sandbox_run::watch {
namespace {

class SourceTree {
 public:
  SourceTree() : fd_(::open(scratch_.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {}
  std::string file(const std::string& name) const { return scratch_.file(name); }
  Distribution read() const { return read_distribution(fd_.get(), "/tmp/x/demo-3.0"); }

 private:
  test::ScratchDirectory scratch_;
  base::UniqueFd fd_;
};

TEST_CASE("PKG-INFO gives name and version, and its description nothing") {
  CHECK(parse_pkg_info("Metadata-Version: 2.1\r\nName: flask\r\nVersion: 2.0\r\n\r\nName: x\n") ==
        Distribution{"flask", "2.0"});
  CHECK(parse_pkg_info("Metadata-Version: 2.1\n\nName: x\n") == Distribution{});
  CHECK(parse_pkg_info("") == Distribution{});
  CHECK(parse_pkg_info("Name:" + std::string(100'000, 'x')).name.size() == 256);
}

TEST_CASE("pyproject.toml gives what stands there as plain strings") {
  CHECK(parse_pyproject("[build-system]\nname = \"no\"\n[project]\nname = \"demo\" # x\n"
                        "version = '1.0'\n[tool.x]\nname='y'\n") == Distribution{"demo", "1.0"});
  CHECK(parse_pyproject("[tool.poetry]\nname=\"p\"\nversion=\"2\"") == Distribution{"p", "2"});
  CHECK(parse_pyproject("[project]\nname = \"demo\"\ndynamic = [\"version\"]\n") ==
        Distribution{"demo", ""});
  CHECK(parse_pyproject("[project]\nname = \"open\nnames = \"x\"\nname =\n") == Distribution{});
}

TEST_CASE("pip's own directory names give the distribution") {
  CHECK(distribution_of_directory("flask_0123456789abcdef0123456789abcdef") ==
        Distribution{"flask", ""});
  CHECK(distribution_of_directory("flask-2.0.1") == Distribution{"flask", "2.0.1"});
  CHECK(distribution_of_directory("my-tool") == Distribution{"my-tool", ""});
  CHECK(distribution_of_directory("") == Distribution{});
}

TEST_CASE("a source tree is read by PKG-INFO, then pyproject.toml, then its name") {
  const SourceTree tree;
  CHECK(tree.read() == Distribution{"demo", "3.0"});
  base::write_file(tree.file("pyproject.toml"), "[project]\nname='b'\nversion='2'\n", 0600);
  CHECK(tree.read() == Distribution{"b", "2"});
  base::write_file(tree.file("PKG-INFO"), "Name: a\nVersion: 1\n", 0600);
  CHECK(tree.read() == Distribution{"a", "1"});
}

TEST_CASE("a pipe, a link, a directory, or a leased file in place of the metadata is passed over") {
  const SourceTree tree;
  const std::string path = tree.file("PKG-INFO");
  const auto is_passed_over = [&] { return tree.read() == Distribution{"demo", "3.0"}; };
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK(is_passed_over());
  ::unlink(path.c_str());
  base::write_file(tree.file("elsewhere"), "Name: a\n", 0600);
  REQUIRE(::symlink("elsewhere", path.c_str()) == 0);
  CHECK(is_passed_over());
  ::unlink(path.c_str());
  REQUIRE(::mkdir(path.c_str(), 0700) == 0);
  CHECK(is_passed_over());
  ::rmdir(path.c_str());
  base::write_file(path, "Name: a\n", 0600);
  const base::UniqueFd leased(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (::fcntl(leased.get(), F_SETSIG, SIGURG) == 0 &&
      ::fcntl(leased.get(), F_SETLEASE, F_WRLCK) == 0) {
    CHECK(is_passed_over());
  }
}

}  // namespace
}  // namespace sandbox_run::watch
