#include "workspace/hard_links.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "support.h"

namespace sandbox_run::workspace::test {
namespace {

/// A project with a copy of ../lib/bin/cli.js in its layer, and the layer of ../lib.
struct Scene {
  Scene() {
    layers = {{{app}, app, root.path() + "/upper-app", ""}, {{lib}, lib, upper_lib, ""}};
    for (const LayerDirectory& layer : layers) {
      make_dir(layer.target.path);
      make_dir(layer.upper);
    }
    make_dir(lib + "/bin", 0750);
    put(lib + "/bin/cli.js", "program", 0640);
    make_dir(layers[0].upper + "/node_modules");
    make_dir(layers[0].upper + "/node_modules/store");
    REQUIRE(::symlink("store", (layers[0].upper + "/node_modules/lib").c_str()) == 0);
    put(copy, "another text", 0755);
  }

  void act() const {
    make_executable_at_home(
        layers, {{lib,
                  "bin/cli.js",
                  {app + "/packages/node_modules/lib/cli.js", app + "/node_modules/lib/cli.js"}}});
  }

  TemporaryDirectory root;
  std::string app = root.path() + "/app";
  std::string lib = root.path() + "/lib";
  std::string upper_lib = root.path() + "/upper-lib";
  std::string copy = root.path() + "/upper-app/node_modules/store/cli.js";
  std::vector<LayerDirectory> layers;
};

bool is_untouched(const Scene& scene) { return snapshot(scene.upper_lib).size() <= 1; }

}  // namespace

TEST_CASE("a program whose copy became executable is so in its own layer, as it was else") {
  const Scene scene;
  scene.act();
  CHECK(snapshot(scene.upper_lib) ==
        Snapshot{{"", "d 755"}, {"bin", "d 750"}, {"bin/cli.js", "f 751 program"}});
  CHECK(mode(scene.lib + "/bin/cli.js") == 0640);
}

TEST_CASE("of a copy that is not executable, is no file, or lies outside nothing comes") {
  const Scene scene;
  put(scene.copy, "", 0644);
  SUBCASE("not executable") { ::chmod(scene.copy.c_str(), 0644); }
  SUBCASE("a directory") {
    ::unlink(scene.copy.c_str());
    make_dir(scene.copy);
  }
  SUBCASE("a link that leads out") {
    ::unlink(scene.copy.c_str());
    REQUIRE(::symlink("/bin/sh", scene.copy.c_str()) == 0);
  }
  scene.act();
  CHECK(is_untouched(scene));
}

TEST_CASE("of the copy's mode nothing counts but that it is executable") {
  const Scene scene;
  REQUIRE(::chmod(scene.copy.c_str(), 06777) == 0);
  scene.act();
  CHECK(mode(scene.upper_lib + "/bin/cli.js") == 0751);
}

TEST_CASE("what the command did itself in that directory stays as it is") {
  const Scene scene;
  SUBCASE("wrote the program") {
    make_dir(scene.upper_lib + "/bin");
    put(scene.upper_lib + "/bin/cli.js", "by a script");
  }
  SUBCASE("put a file in the directory's place") { put(scene.upper_lib + "/bin", "by a script"); }
  SUBCASE("put a link in the directory's place") {
    REQUIRE(::symlink("/tmp", (scene.upper_lib + "/bin").c_str()) == 0);
  }
  const Snapshot before = snapshot(scene.upper_lib);
  scene.act();
  CHECK(snapshot(scene.upper_lib) == before);
}

TEST_CASE("a file of the host that is no program to be is left alone") {
  const Scene scene;
  const std::string program = scene.lib + "/bin/cli.js";
  SUBCASE("executable already") { ::chmod(program.c_str(), 0755); }
  SUBCASE("not there") { ::unlink(program.c_str()); }
  SUBCASE("a link") {
    ::unlink(program.c_str());
    REQUIRE(::symlink("other", program.c_str()) == 0);
  }
  scene.act();
  CHECK(is_untouched(scene));
}

}  // namespace sandbox_run::workspace::test
