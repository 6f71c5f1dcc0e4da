#include "policy/verdict.h"

#include <doctest/doctest.h>

using namespace sandbox_run::policy;

namespace {

const TargetRules kProject{TargetKind::project,
                           {{Verdict::protect, {".git/**"}, "root", {}, {}},
                            {Verdict::commit, {"**/node_modules/**"}, "", {}, {}},
                            {Verdict::protect, {"**/.git/**", "**/.env*"}, "planted", {}, {}},
                            {Verdict::commit, {"lock.json"}, "", {}, {"ci"}},
                            {Verdict::commit, {"dist/**"}, "", {"wheel", "download"}, {}}}};

Verdict verdict(const std::string& path, const std::vector<std::string>& arguments = {"npm", "i"}) {
  return judge(kProject, path, arguments).verdict;
}

}  // namespace

TEST_CASE("the first rule that matches decides") {
  CHECK(verdict("node_modules/a/.git/config") == Verdict::commit);
  CHECK(verdict("packages/a/.git/config") == Verdict::protect);
  CHECK(verdict(".git/node_modules/x") == Verdict::protect);
  CHECK(judge(kProject, ".git/x", {"npm"}).reason == "root");
  CHECK(judge(kProject, "a/.env", {"npm"}).reason == "planted");
}

TEST_CASE("what no rule expects is held, and dropped in a cache") {
  CHECK(verdict("src/index.js") == Verdict::hold);
  CHECK(judge(kProject, "src/index.js", {"npm"}).reason == "not an expected change");
  CHECK(judge({TargetKind::cache, {}}, "x", {"npm"}).verdict == Verdict::drop);
}

TEST_CASE("a rule may depend on the command's arguments") {
  CHECK(verdict("lock.json", {"npm", "install"}) == Verdict::commit);
  CHECK(verdict("lock.json", {"npm", "ci"}) == Verdict::hold);
  CHECK(verdict("lock.json", {"ci"}) == Verdict::commit);  // the command's own name is no argument
  CHECK(verdict("dist/a.whl", {"pip", "wheel", "."}) == Verdict::commit);
  CHECK(verdict("dist/a.whl", {"pip", "install", "."}) == Verdict::hold);
  CHECK(verdict("lock.json", {}) == Verdict::commit);
}

TEST_CASE("a fresh node_modules is judged as a whole") {
  const auto judgement = judge_subtree(kProject, "node_modules", {"npm", "i"});
  REQUIRE(judgement);
  CHECK(judgement->verdict == Verdict::commit);
  REQUIRE(judge_subtree(kProject, "packages/a/node_modules/b", {"npm", "i"}));
  CHECK(judge_subtree(kProject, ".git", {"npm", "i"})->verdict == Verdict::protect);
}

TEST_CASE("a directory with mixed fates is not judged as a whole") {
  CHECK_FALSE(judge_subtree(kProject, "packages", {"npm", "i"}));
  CHECK_FALSE(judge_subtree(kProject, "", {"npm", "i"}));
  CHECK_FALSE(judge_subtree(kProject, "dist", {"pip", "wheel"}));
}

TEST_CASE("a directory that no rule reaches has the default as a whole") {
  const TargetRules rules{TargetKind::cache, {{Verdict::trusted, {"v[0-9]*/**"}, "", {}, {}}}};
  CHECK(judge_subtree(rules, "other", {"x"})->verdict == Verdict::drop);
  CHECK(judge_subtree(rules, "v10", {"x"})->verdict == Verdict::trusted);
}

TEST_CASE("the whole and its parts agree") {
  for (const std::string directory : {"node_modules", ".git", "a", "a/node_modules", "dist"}) {
    const auto whole = judge_subtree(kProject, directory, {"pip", "wheel"});
    if (!whole) continue;
    for (const std::string beneath :
         {"/x", "/.git/hooks/x", "/.env", "/node_modules/y", "/a/b/c"}) {
      CAPTURE(directory + beneath);
      CHECK(judge(kProject, directory + beneath, {"pip", "wheel"}).verdict == whole->verdict);
    }
  }
}

TEST_CASE("the module of python -m is no argument, nor is a message") {
  CHECK(verdict("dist/a.whl", {"python3", "-m", "wheel", "x"}) == Verdict::hold);
  CHECK(verdict("dist/a.whl", {"python3", "-Im", "wheel", "x"}) == Verdict::hold);
  CHECK(verdict("dist/a.whl", {"python3", "-m", "pip", "wheel"}) == Verdict::commit);
  CHECK(verdict("dist/a.whl", {"pip", "--dream", "wheel"}) == Verdict::commit);
}

TEST_CASE("a tree with path files is never judged as a whole") {
  const TargetRules rules{TargetKind::environment, {{Verdict::path_file, {"**"}, "r", {}, {}}}};
  CHECK(judge(rules, "a/x.pth", {"pip"}).verdict == Verdict::path_file);
  CHECK_FALSE(judge_subtree(rules, "a", {"pip"}));
}

TEST_CASE("a path file of plain paths and comments is inert") {
  using Paths = std::vector<std::string>;
  CHECK(path_file_paths("") == Paths{});
  CHECK(path_file_paths("/srv/project/src") == Paths{"/srv/project/src"});
  CHECK(path_file_paths("# import os\r\n./a.egg\r\n\r\n  b c  \n") == Paths{"./a.egg", "b c"});
  CHECK(path_file_paths("importlib_x\nfrom_here\n") == Paths{"importlib_x", "from_here"});
  CHECK(path_file_paths("\n\n#\n").has_value());
}

TEST_CASE("setuptools' own line is known, and no other") {
  const std::string line =
      "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == "
      "'local'; enabled and __import__('_distutils_hack').add_shim(); \n";
  CHECK(path_file_paths(line) == std::vector<std::string>{});
  CHECK_FALSE(path_file_paths("import evil\n" + line).has_value());
  CHECK_FALSE(path_file_paths(line + "import evil\n").has_value());
  CHECK_FALSE(path_file_paths(line.substr(0, line.size() - 2) + " evil()\n").has_value());
}

TEST_CASE("a path file that Python would execute, or might, is not inert") {
  for (const std::string text :
       {"import os", "import\tos", "/a\nimport os\n", "/a\rimport os", "/a\r\nimport os",
        "/a\x0cimport os", "/a\x0bimport os", "/a\x1cimport os", "/a\x85import os",
        "/a\xc2\x85import os", "/a\xe2\x80\xa8import os", "\xef\xbb\xbfimport os", " import os",
        "import __editable___a_finder; __editable___a_finder.install()", "/a\x7f"}) {
    CAPTURE(text);
    CHECK_FALSE(path_file_paths(text).has_value());
  }
  CHECK_FALSE(path_file_paths(std::string("/a\0import os", 12)).has_value());
  CHECK_FALSE(path_file_paths(std::string("i\0m\0p\0", 6)).has_value());
}
