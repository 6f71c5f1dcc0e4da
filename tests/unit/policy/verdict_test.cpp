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

Verdict verdict_of(const std::string& path,
                   const std::vector<std::string>& arguments = {"npm", "i"}) {
  return judge(kProject, path, arguments).verdict;
}

}  // namespace

TEST_CASE("the first rule that matches decides") {
  CHECK(verdict_of("node_modules/a/.git/config") == Verdict::commit);
  CHECK(verdict_of("packages/a/.git/config") == Verdict::protect);
  CHECK(verdict_of(".git/node_modules/x") == Verdict::protect);
  CHECK(judge(kProject, ".git/x", {"npm"}).reason == "root");
  CHECK(judge(kProject, "a/.env", {"npm"}).reason == "planted");
}

TEST_CASE("what no rule expects is held, and dropped in a cache") {
  CHECK(verdict_of("src/index.js") == Verdict::hold);
  CHECK(judge(kProject, "src/index.js", {"npm"}).reason == "not an expected change");
  CHECK(judge({TargetKind::cache, {}}, "x", {"npm"}).verdict == Verdict::drop);
}

TEST_CASE("a rule may depend on the command's arguments") {
  CHECK(verdict_of("lock.json", {"npm", "install"}) == Verdict::commit);
  CHECK(verdict_of("lock.json", {"npm", "ci"}) == Verdict::hold);
  CHECK(verdict_of("lock.json", {"ci"}) ==
        Verdict::commit);  // the command's own name is no argument
  CHECK(verdict_of("dist/a.whl", {"pip", "wheel", "."}) == Verdict::commit);
  CHECK(verdict_of("dist/a.whl", {"pip", "install", "."}) == Verdict::hold);
  CHECK(verdict_of("lock.json", {}) == Verdict::commit);
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
  CHECK(verdict_of("dist/a.whl", {"python3", "-m", "wheel", "x"}) == Verdict::hold);
  CHECK(verdict_of("dist/a.whl", {"python3", "-Im", "wheel", "x"}) == Verdict::hold);
  CHECK(verdict_of("dist/a.whl", {"python3", "-m", "pip", "wheel"}) == Verdict::commit);
  CHECK(verdict_of("dist/a.whl", {"pip", "--dream", "wheel"}) == Verdict::commit);
}

TEST_CASE("a tree with path files is never judged as a whole") {
  const TargetRules rules{TargetKind::environment, {{Verdict::path_file, {"**"}, "r", {}, {}}}};
  CHECK(judge(rules, "a/x.pth", {"pip"}).verdict == Verdict::path_file);
  CHECK_FALSE(judge_subtree(rules, "a", {"pip"}));
}

TEST_CASE("what no RECORD lists is protected, whatever the rules after that say") {
  const TargetRules rules{TargetKind::environment,
                          {{Verdict::recorded, {"**/*.pth"}, "unlisted", {}, {}},
                           {Verdict::path_file, {"a/*.pth"}, "r", {}, {}},
                           {Verdict::commit, {"b/*"}, "", {}, {}}}};
  CHECK(judge(rules, "a/x.pth", {"pip"}).verdict == Verdict::path_file);
  CHECK(judge(rules, "a/x.pth", {"pip"}).unless_recorded == "unlisted");
  CHECK(judge(rules, "b/x.pth", {"pip"}).verdict == Verdict::commit);
  CHECK(judge(rules, "c/x.pth", {"pip"}).verdict == Verdict::hold);
  CHECK(judge(rules, "c/x.pth", {"pip"}).unless_recorded == "unlisted");
  CHECK(judge(rules, "b/x.py", {"pip"}).unless_recorded.empty());
  CHECK_FALSE(judge_subtree(rules, "b", {"pip"}));
}

TEST_CASE("a RECORD lists a file with its digest") {
  // sha256 of "x"; both of the characters that base64 has of its own are in that of "d".
  const std::string x = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
  const std::string d = "18ac3e7343f016890c510e93f935261169d9e3f565436429830faf0934f4f8e4";
  const std::string record =
      "a/x.py,sha256=LXEWQrcmsEQBYnyp-6wy9chTD7GQPMTbAiWHF5IaSIE,1\r\n"
      "d.pth,sha256=GKw-c0PwFokMUQ6T-TUmEWnZ4_VlQ2Qpgw-vCTT0-OQ,1\n"
      "no.pth,,\n"
      "last.pth,sha256=LXEWQrcmsEQBYnyp-6wy9chTD7GQPMTbAiWHF5IaSIE,";
  CHECK(record_lists(record, "a/x.py", x));
  CHECK(record_lists(record, "d.pth", d));
  CHECK(record_lists(record, "last.pth", x));
  CHECK_FALSE(record_lists(record, "a/x.py", d));
  CHECK_FALSE(record_lists(record, "x.py", x));
  CHECK_FALSE(record_lists(record, "a/x", x));
  CHECK_FALSE(record_lists(record, "no.pth", x));
  CHECK_FALSE(record_lists("", "a/x.py", x));
}

TEST_CASE("what a .pth file imports") {
  using Names = std::set<std::string, std::less<>>;
  CHECK(path_file_imports("") == Names{});
  CHECK(path_file_imports("/srv/project/src\n# import os\n importx\n") == Names{});
  CHECK(path_file_imports("import a.b, c\r\nimport\td") == Names{"import", "a", "c", "d"});
  CHECK(path_file_imports("import os; exec('from cover.embed import init')").contains("cover"));
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
