#include "watch/copied_python.h"

#include <doctest/doctest.h>

#include <string>

#include "root_directory.h"

namespace sandbox_run::watch {
namespace {

struct CopiedEnvironment {
  RootDirectory place;

  CopiedEnvironment() {
    place.file("/usr/bin/python3.11", "an interpreter");
    place.link("/usr/bin/python3", "python3.11");
    place.file("/app/.venv/pyvenv.cfg", "version = 3.11\n home =  /usr/bin \n");
    place.file("/app/.venv/bin/python3", "an interpreter");
  }

  std::string original(const std::string& path = "/app/.venv/bin/python3") const {
    const ProcessRoot root = place.process_in("/app");
    return CopiedPython().original(root, root.look_up(path)).real_path;
  }
};

TEST_CASE("a copy of the system's Python in an environment is that Python") {
  const CopiedEnvironment environment;
  CHECK(environment.original() == "/usr/bin/python3.11");
  environment.place.file("/app/.venv/bin/python", "an interpreter");  // a name that /usr/bin lacks
  CHECK(environment.original("/app/.venv/bin/python") == "/usr/bin/python3.11");
}

TEST_CASE("a copy with one other byte is not, nor one of another length") {
  const CopiedEnvironment environment;
  environment.place.file("/app/.venv/bin/python3", "an Interpreter");
  CHECK(environment.original() == "/app/.venv/bin/python3");
  environment.place.file("/app/.venv/bin/python3", "an interpreter ");
  CHECK(environment.original() == "/app/.venv/bin/python3");
}

TEST_CASE("what was a copy is looked at again once it has changed") {
  const CopiedEnvironment environment;
  const ProcessRoot root = environment.place.process_in("/app");
  CopiedPython copies;
  const std::string path = "/app/.venv/bin/python3";
  CHECK(copies.original(root, root.look_up(path)).real_path == "/usr/bin/python3.11");
  CHECK(copies.original(root, root.look_up(path)).real_path == "/usr/bin/python3.11");
  environment.place.file(path, "an Interpreter");
  CHECK(copies.original(root, root.look_up(path)).real_path == path);
}

TEST_CASE("nothing else is: without pyvenv.cfg, of another name, of an environment's own Python") {
  const CopiedEnvironment environment;
  environment.place.file("/app/bin/python3", "an interpreter");
  CHECK(environment.original("/app/bin/python3") == "/app/bin/python3");
  environment.place.file("/app/.venv/bin/ruby", "an interpreter");
  CHECK(environment.original("/app/.venv/bin/ruby") == "/app/.venv/bin/ruby");
  environment.place.file("/other/pyvenv.cfg", "home = /usr/bin\n");
  environment.place.file("/other/bin/python3", "an interpreter");
  environment.place.file("/app/.venv/pyvenv.cfg", "home = /other/bin\n");
  CHECK(environment.original() == "/app/.venv/bin/python3");
  environment.place.file("/app/.venv/pyvenv.cfg", "home = usr/bin\nhome\n\n=\n");
  CHECK(environment.original() == "/app/.venv/bin/python3");
}

}  // namespace
}  // namespace sandbox_run::watch
