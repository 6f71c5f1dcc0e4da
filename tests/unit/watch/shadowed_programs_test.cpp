#include "watch/shadowed_programs.h"

#include <doctest/doctest.h>

using namespace sandbox_run;

TEST_CASE("a package's program stands in the place of the system's by its name in .bin alone") {
  const watch::ShadowedPrograms programs({"sh", "git", "no-such-program"});
  const auto package = [&](const char* path, const char* real) {
    watch::Look look;
    look.result = watch::Look::Result::found;
    look.real_path = real;
    return programs.package_of(path, look).value_or("none");
  };
  CHECK(package("/p/node_modules/.bin/sh", "/p/node_modules/evil/x.js") == "evil");
  CHECK(package("/p/node_modules/.bin/sh", "/p/node_modules/@a/b/bin/x.js") == "@a/b");
  CHECK(package("/p/node_modules/.bin/sh", "/p/node_modules/.bin/sh").empty());
  CHECK(package("/tmp/xfs-1a2b3c4d/git", "/tmp/xfs-1a2b3c4d/git").empty());
  CHECK(package("/tmp/xfs-1a2b3c4d/node", "/tmp/xfs-1a2b3c4d/node") == "none");
  CHECK(package("/usr/bin/sh", "/usr/bin/dash") == "none");
  CHECK(package("/p/node_modules/.bin/tsc", "/p/node_modules/typescript/bin/tsc") == "none");
  CHECK(package("/p/node_modules/git/bin/sh", "/p/node_modules/git/bin/sh") == "none");
  CHECK(package("/p/node_modules/.bin/no-such-program", "/p/node_modules/x/y") == "none");
}
