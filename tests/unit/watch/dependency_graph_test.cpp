#include "watch/dependency_graph.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "base/io.h"
#include "base/path.h"
#include "scratch_directory.h"
#include "watch/dependency_notes.h"

using namespace sandbox_run;
using Path = std::vector<std::string>;

namespace {

constexpr const char* kPackageLock = R"({
  "name": "app", "lockfileVersion": 3, "packages": {
    "": {"name": "app", "dependencies": {"qr-tools": "^2"}, "devDependencies": {"old": "1"}},
    "node_modules/qr-tools": {"version": "2.0.1", "dependencies": {"easy-qr-gen": "^1", "shared": "1"}},
    "node_modules/easy-qr-gen": {"version": "9.0.0"},
    "node_modules/qr-tools/node_modules/easy-qr-gen": {"version": "1.4.2", "dependencies": {"deep": "*"}},
    "node_modules/deep": {"version": "1.0.0", "dependencies": {"qr-tools": "*"}},
    "node_modules/old": {"version": "1.0.0", "dependencies": {"easy-qr-gen": "^9"}},
    "node_modules/shared": {"version": "1.0.0"},
    "node_modules/web": {"resolved": "packages/web", "link": true},
    "packages/web": {"name": "@app/web", "version": "1.0.0", "dependencies": {"@s/scoped": "1"}},
    "node_modules/@s/scoped": {"version": "1.0.0"},
    "node_modules/stray": {"version": "1.0.0"}
  }})";

constexpr const char* kPnpm9 = R"(lockfileVersion: '9.0'

importers:

  .:
    dependencies:
      qr-tools:
        specifier: ^2.0.0
        version: 2.0.1(peer@1.0.0)

packages:

  easy-qr-gen@1.4.2:
    resolution: {integrity: sha512-x}
    hasInstallScript: true

snapshots:

  qr-tools@2.0.1(peer@1.0.0):
    dependencies:
      '@s/scoped': 1.0.0
      easy-qr-gen: 1.4.2

  easy-qr-gen@1.4.2: {}

  '@s/scoped@1.0.0': {}
)";

constexpr const char* kYarn1 = R"(# yarn lockfile v1


"@s/scoped@1", "@s/scoped@^1.0.0":
  version "1.0.0"
  resolved "https://registry.example.com/x.tgz#abc"

easy-qr-gen@^1.0.0, easy-qr-gen@^1.4.0:
  version "1.4.2"
  dependencies:
    "@s/scoped" "^1.0.0"

qr-tools@^2.0.0:
  version "2.0.1"
  dependencies:
    easy-qr-gen "^1.4.0"
)";

constexpr const char* kYarn4 = R"(__metadata:
  version: 8

"app@workspace:.":
  version: 0.0.0-use.local
  resolution: "app@workspace:."
  dependencies:
    qr-tools: "npm:^2.0.0"
  languageName: unknown

"easy-qr-gen@npm:^1.0.0, easy-qr-gen@npm:^1.4.0":
  version: 1.4.2
  resolution: "easy-qr-gen@npm:1.4.2"

"qr-tools@npm:^2.0.0":
  version: 2.0.1
  dependencies:
    easy-qr-gen: "npm:^1.4.0"
)";

constexpr const char* kManifest = R"({"name": "app", "dependencies": {"qr-tools": "^2.0.0"}})";

struct Directory {
  void write(const std::string& name, const std::string& text) const {
    base::make_directories(base::parent_path(base::join_path(path, name)), 0755);
    base::write_file(base::join_path(path, name), text, 0644);
  }
  base::UniqueFd open() const {
    return base::UniqueFd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  test::ScratchDirectory scratch;
  std::string path = scratch.path();
};

}  // namespace

TEST_CASE("npm's lockfile says who asked for a package, the shortest way") {
  const auto graph = watch::parse_package_lock(kPackageLock);
  CHECK(graph.path_to("easy-qr-gen", "1.4.2") == Path{"app", "qr-tools", "easy-qr-gen"});
  CHECK(graph.path_to("easy-qr-gen", "9.0.0") == Path{"app", "old", "easy-qr-gen"});
  CHECK(graph.path_to("deep", "1.0.0") == Path{"app", "qr-tools", "easy-qr-gen", "deep"});
  CHECK(graph.path_to("@s/scoped", "") == Path{"@app/web", "@s/scoped"});
  CHECK(graph.path_to("stray", "1.0.0").empty());
  CHECK(graph.path_to("easy-qr-gen", "7.7.7").empty());
}

TEST_CASE("pnpm's lockfile likewise") {
  const auto graph = watch::parse_pnpm_lock(kPnpm9, "app");
  CHECK(graph.path_to("easy-qr-gen", "1.4.2") == Path{"app", "qr-tools", "easy-qr-gen"});
  CHECK(graph.path_to("@s/scoped", "1.0.0") == Path{"app", "qr-tools", "@s/scoped"});
}

TEST_CASE("yarn's lockfiles likewise; classic's with the project's own wishes") {
  const auto classic = watch::parse_yarn_lock(kYarn1, kManifest);
  CHECK(classic.path_to("easy-qr-gen", "1.4.2") == Path{"app", "qr-tools", "easy-qr-gen"});
  CHECK(classic.path_to("@s/scoped", "1.0.0") ==
        Path{"app", "qr-tools", "easy-qr-gen", "@s/scoped"});
  const auto berry = watch::parse_yarn_lock(kYarn4, kManifest);
  CHECK(berry.path_to("easy-qr-gen", "1.4.2") == Path{"app", "qr-tools", "easy-qr-gen"});
}

TEST_CASE("bun's and deno's lockfiles likewise") {
  const auto bun = watch::parse_bun_lock(
      R"({"workspaces": {"": {"name": "app", "dependencies": {"qr-tools": "^2",},},
                         "packages/web": {"name": "web", "devDependencies": {"@s/own": "1"}}},
          "packages": {
            "qr-tools": ["qr-tools@2.0.1", "", { "dependencies": { "easy-qr-gen": "1", "note": ",}" } }, "sha"],
            "easy-qr-gen": ["easy-qr-gen@2.0.0", "", {}, "sha"],
            "@s/own": ["@s/own@1.0.0", "", {}, "sha"],
            "qr-tools/easy-qr-gen": ["easy-qr-gen@1.4.2", "", {}, "sha"],
          },})",
      "other");
  CHECK(bun.path_to("easy-qr-gen", "1.4.2") == Path{"app", "qr-tools", "easy-qr-gen"});
  CHECK(bun.path_to("easy-qr-gen", "2.0.0").empty());
  CHECK(bun.path_to("@s/own", "1.0.0") == Path{"web", "@s/own"});
  const auto deno = watch::parse_deno_lock(
      R"({"version": "5", "specifiers": {"npm:qr-tools@^2": "2.0.1", "jsr:@s/m@1": "1.0.0"},
          "jsr": {"@s/m@1.0.0": {"dependencies": ["npm:qr-tools@^2"]}},
          "npm": {"qr-tools@2.0.1": {"dependencies": ["easy-qr-gen", "peer@1.0.0"]},
                  "easy-qr-gen@1.4.2_peer@1.0.0": {}, "peer@1.0.0": {}, "peer@2.0.0": {}},
          "workspace": {"packageJson": {"dependencies": ["npm:qr-tools@^2"]},
                        "members": {"web": {"dependencies": ["jsr:@s/m@1"]}}}})",
      "app");
  CHECK(deno.path_to("easy-qr-gen", "1.4.2") == Path{"app", "qr-tools", "easy-qr-gen"});
  CHECK(deno.path_to("peer", "1.0.0") == Path{"app", "qr-tools", "peer"});
  CHECK(deno.path_to("peer", "2.0.0").empty());
  CHECK(deno.path_to("@s/m", "1.0.0") == Path{"app", "@s/m"});
}

TEST_CASE("a hostile lockfile is no more than an empty or a bounded graph") {
  std::string deep;
  for (int i = 0; i < 5000; ++i) deep += "[";
  std::string wide = R"({"packages": {"": {"dependencies": {"x": "1"}})";
  for (int i = 0; i < 60'000; ++i) {
    wide += ", \"node_modules/p" + std::to_string(i) + "\": {\"dependencies\": {\"x\": \"1\"}}";
  }
  wide += "}}";
  std::string place = "x";
  for (int i = 0; i < 3000; ++i) place += "/node_modules/x";
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[]"), std::string("{\"packages\": 7}"),
        std::string("{\"packages\": {\"\": 7, \"a\": {\"dependencies\": []}}}"), deep, wide,
        "{\"packages\": {\"\": {\"dependencies\": {\"x\": 1}}, \"" + place +
            "\": {\"dependencies\": {\"y\": \"1\"}}}}"}) {
    CHECK(watch::parse_package_lock(text).path_to("nobody", "").empty());
  }
  std::string blanks;
  for (int i = 0; i < 2000; ++i)
    blanks += std::string(static_cast<std::size_t>(i % 64), ' ') + "a:\n";
  for (const std::string& text :
       {std::string(":"), std::string("'"), std::string("\"\n"), std::string(" :\n  :\n    : :\n"),
        std::string("importers:\n  .:\n    dependencies:\n"), std::string(100'000, '"'), blanks,
        std::string("a@1, , ,:\n  version\n  dependencies:\n    x\n"), std::string(1, '\0'),
        std::string("importers:\n\t\n")}) {
    CHECK(watch::parse_pnpm_lock(text, "app").path_to("nobody", "").empty());
    CHECK(watch::parse_yarn_lock(text, "{").path_to("nobody", "").empty());
    CHECK(watch::parse_bun_lock(text, "app").path_to("nobody", "").empty());
    CHECK(watch::parse_deno_lock(text, "app").path_to("nobody", "").empty());
  }
}

TEST_CASE("where there is no lockfile, what is installed says it") {
  const Directory project;
  project.write("package.json", kManifest);
  project.write(
      "node_modules/qr-tools/package.json",
      R"({"name": "qr-tools", "version": "2.0.1", "dependencies": {"easy-qr-gen": "1"}})");
  project.write(
      "node_modules/qr-tools/node_modules/easy-qr-gen/package.json",
      R"({"name": "easy-qr-gen", "version": "1.4.2", "dependencies": {"qr-tools": "*"}})");
  project.write("node_modules/stray/package.json", R"({"name": "stray", "version": "1.0.0"})");
  const auto graph = watch::read_installed(project.open().get());
  CHECK(graph.path_to("easy-qr-gen", "1.4.2") == Path{"app", "qr-tools", "easy-qr-gen"});
  CHECK(graph.path_to("stray", "1.0.0").empty());
}

TEST_CASE("pnpm's links say it, too") {
  const Directory project;
  const std::string store = "/node_modules/.pnpm/";
  for (const char* package :
       {"qr-tools@2.0.1_peer@1.0.0/node_modules/qr-tools", "@s+gen@1.4.2/node_modules/@s/gen",
        "stray@1.0.0/node_modules/stray", "qr-tools@2.0.1_peer@1.0.0/node_modules/@s"}) {
    base::make_directories(project.path + store + package, 0755);
  }
  const auto link = [&](const char* to, const std::string& at) {
    REQUIRE(::symlink(to, (project.path + at).c_str()) == 0);
  };
  link(".pnpm/qr-tools@2.0.1_peer@1.0.0/node_modules/qr-tools", "/node_modules/qr-tools");
  link("../../../@s+gen@1.4.2/node_modules/@s/gen",
       store + "qr-tools@2.0.1_peer@1.0.0/node_modules/@s/gen");
  link("/etc/passwd", "/node_modules/other");
  const auto graph = watch::read_pnpm_store(project.open().get(), "app");
  CHECK(graph.path_to("@s/gen", "1.4.2") == Path{"app", "qr-tools", "@s/gen"});
  CHECK(graph.path_to("qr-tools", "2.0.1") == Path{"app", "qr-tools"});
  CHECK(graph.path_to("stray", "1.0.0").empty());
}

TEST_CASE(
    "links and pipes in the place of lockfiles and manifests are not followed, nor waited for") {
  const Directory elsewhere;
  elsewhere.write("package-lock.json", kPackageLock);
  const Directory project;
  project.write("package.json", kManifest);
  base::make_directories(project.path + "/node_modules/qr-tools", 0755);
  REQUIRE(::symlink((elsewhere.path + "/package-lock.json").c_str(),
                    (project.path + "/package-lock.json").c_str()) == 0);
  REQUIRE(::mkfifo((project.path + "/yarn.lock").c_str(), 0644) == 0);
  REQUIRE(::mkfifo((project.path + "/node_modules/qr-tools/package.json").c_str(), 0644) == 0);
  CHECK(watch::read_lockfiles(project.open().get()).empty());
  CHECK(watch::read_installed(project.open().get()).path_to("qr-tools", "").empty());
}
