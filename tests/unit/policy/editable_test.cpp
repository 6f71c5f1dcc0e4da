#include "policy/editable.h"

#include <doctest/doctest.h>

#include "policy/command_words.h"

using namespace sandbox_run::policy;

TEST_CASE("where a direct_url.json says that an editable install lies") {
  CHECK(editable_directory(R"({"dir_info": {"editable": true}, "url": "file:///a/b%20c"})") ==
        "/a/b c");
  CHECK(editable_directory(R"({"dir_info": {}, "url": "file:///a"})").empty());
  CHECK(editable_directory(R"({"dir_info": {"editable": true}, "url": "https://x.example.com"})")
            .empty());
  CHECK(editable_directory("{").empty());
}

TEST_CASE("the path file of an editable install is known word for word") {
  const std::string module = "__editable___mine_1_0_finder";
  const std::string line = "import " + module + "; " + module + ".install()";
  CHECK(editable_finder_of(line) == module);
  CHECK(editable_finder_of(line + "\n") == module);
  for (const std::string& other : std::vector<std::string>{
           line + "; evil()", line + "\nimport evil", "import os; os.install()",
           "import " + module + "; __editable___other_finder.install()", "import " + module,
           "import __editable__._finder; __editable__._finder.install()", ""}) {
    CAPTURE(other);
    CHECK_FALSE(editable_finder_of(other));
  }
}

TEST_CASE("a finder that is not setuptools' own is none") {
  CHECK_FALSE(editable_finder_paths(""));
  CHECK_FALSE(
      editable_finder_paths("MAPPING = {'a': '/p'}\nNAMESPACES = {}\n"
                            "PATH_PLACEHOLDER = 'x' + \".__path_hook__\"\n"));
}

TEST_CASE("a compiled module is one that the project names") {
  CHECK(names_extension("ext_modules=[Extension('fast', [\"fast.c\"])]", "fast.cpython-311.so"));
  CHECK(names_extension("name = \"pkg._fast\"", "src/pkg/_fast.abi3.so"));
  CHECK_FALSE(names_extension("import json", "json.cpython-311.so"));
  CHECK_FALSE(names_extension("'fast'", "other/fast.so"));
  CHECK_FALSE(names_extension("'fast'", "fast.py"));
}

TEST_CASE("a command is known by its words, not by options") {
  const CommandRule rule{{"npm* run", "npx* create-*"}, {"npm* run deploy"}};
  CHECK(holds_for(rule, {"npm", "-w", "a", "run", "build"}));
  CHECK(holds_for(rule, {"/usr/bin/npm", "--silent", "run"}));
  CHECK(holds_for(rule, {"npx", "--yes", "create-x@5", "app"}));
  CHECK_FALSE(holds_for(rule, {"npm", "run", "deploy"}));
  const CommandRule scripts{{"pn* *"}, {"pn* install"}};
  CHECK(holds_for(scripts, {"pnpm", "build"}));
  CHECK(holds_for(scripts, {"pnpm", "-r", "build"}));
  CHECK_FALSE(holds_for(scripts, {"pnpm", "--filter", "a", "install"}));
  CHECK_FALSE(holds_for(scripts, {"pnpm", "--reporter", "append-only", "install"}));
  CHECK_FALSE(holds_for(scripts, {"pnpm", "--reporter=append-only", "install"}));
  CHECK_FALSE(holds_for(rule, {"npm", "install", "run"}));
  CHECK_FALSE(holds_for(rule, {"npx", "x", "create-x"}));
  CHECK_FALSE(holds_for(rule, {"npm"}));
  CHECK_FALSE(holds_for(rule, {}));
}
