#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/path.h"
#include "support.h"
#include "workspace/verify.h"

namespace sandbox_run::workspace::test {
namespace {

std::string content_path(const std::string& content) {
  const std::string hex = base::sha256_hex(content);
  return "_cacache/content-v2/sha256/" + hex.substr(0, 2) + "/" + hex.substr(2, 2) + "/" +
         hex.substr(4);
}

}  // namespace

TEST_CASE("a content-addressed file is kept if it is what its name says, else dropped") {
  Fixture f;
  make_dir(f.host("_cacache"));
  f.begin(policy::TargetKind::cache);
  put(f.upper(content_path("good")), "good");
  put(f.upper(content_path("claimed")), "poison");
  put(f.upper("_cacache/content-v2/sha256/aa/bb/short"), "x");
  put(f.upper("_cacache/tmp/x"), "x");
  f.only_package_manager_ran = true;
  const CommitSummary summary = f.commit();
  CHECK(content(f.host(content_path("good"))) == "good");
  CHECK_FALSE(base::exists(f.host(content_path("claimed"))));
  CHECK_FALSE(base::exists(f.host("_cacache/tmp")));
  CHECK(summary.dropped == 3);
  CHECK(summary.held.empty());
  CHECK(summary.committed_roots.empty());
  CHECK(f.is_run_clean());
}

TEST_CASE("a verified file never replaces one of the host's, nor a link its content") {
  Fixture f;
  put(f.host(content_path("a")), "a, as the host has it");
  f.begin(policy::TargetKind::cache);
  put(f.upper(content_path("a")), "a");
  make_dir(base::parent_path(f.upper(content_path("b"))));
  put(f.upper("elsewhere"), "b");
  CHECK(::symlink(f.upper("elsewhere").c_str(), f.upper(content_path("b")).c_str()) == 0);
  f.commit();
  CHECK(content(f.host(content_path("a"))) == "a, as the host has it");
  CHECK_FALSE(base::exists(f.host(content_path("b"))));
}

TEST_CASE("what only the package manager may write is kept only if no script ran") {
  for (const bool only_package_manager : {true, false}) {
    Fixture f;
    put(f.host("_cacache/index-v5/aa/one"), "old");
    f.begin(policy::TargetKind::cache);
    put(f.upper("_cacache/index-v5/aa/one"), "new");
    put(f.upper("_cacache/index-v5/bb/two"), "new");
    f.only_package_manager_ran = only_package_manager;
    f.commit();
    CHECK(content(f.host("_cacache/index-v5/aa/one")) == (only_package_manager ? "new" : "old"));
    CHECK(base::exists(f.host("_cacache/index-v5/bb/two")) == only_package_manager);
    CHECK(f.is_run_clean());
  }
}

TEST_CASE("a cache only grows") {
  Fixture f;
  put(f.host("_cacache/index-v5/aa/one"), "1");
  put(f.host("_cacache/index-v5/bb/two"), "2");
  f.begin(policy::TargetKind::cache);
  f.whiteout("_cacache/index-v5/aa");
  put(f.upper("_cacache/index-v5/bb/three"), "3");
  f.mark_opaque("_cacache/index-v5/bb");
  f.only_package_manager_ran = true;
  f.commit();
  CHECK(base::exists(f.host("_cacache/index-v5/aa/one")));
  CHECK(base::exists(f.host("_cacache/index-v5/bb/two")));
  CHECK(base::exists(f.host("_cacache/index-v5/bb/three")));
}

TEST_CASE("a cache is kept though the command failed, and made if there was none") {
  Fixture f;
  const std::string cache = f.host("not/yet/cache");
  f.targets = {{f.host(), policy::TargetKind::project, false},
               {cache, policy::TargetKind::cache, true}};
  f.layers = make_layers(f.run, f.targets);
  put(f.layers[0].upper + "/node_modules/x", "x");
  put(f.layers[1].upper + "/" + content_path("good"), "good");
  f.commit_project = false;
  f.commit();
  CHECK_FALSE(base::exists(f.host("node_modules")));
  CHECK(content(cache + "/" + content_path("good")) == "good");
  CHECK(f.is_run_clean());
}

TEST_CASE("a project and a cache are committed by one run") {
  Fixture f;
  const std::string cache = f.host("cache");
  make_dir(cache);
  put(f.host("package-lock.json"), "old");
  f.targets = {{f.host(), policy::TargetKind::project, false},
               {cache, policy::TargetKind::cache, false}};
  f.layers = make_layers(f.run, f.targets);
  f.whiteout("package-lock.json");
  put(f.layers[0].upper + "/.git/hooks/x", "x");
  put(f.layers[1].upper + "/" + content_path("good"), "good");
  const CommitSummary summary = f.commit();
  CHECK_FALSE(base::exists(f.host("package-lock.json")));
  CHECK(content(cache + "/" + content_path("good")) == "good");
  CHECK(summary.held.size() == 1);
  CHECK(read_held(f.run).size() == 1);
}

TEST_CASE("a digest is read from a content-addressed path alone") {
  const std::string hex(128, 'a');
  const auto digest = digest_in_path("_cacache/content-v2/sha512/aa/aa/" + hex.substr(4));
  REQUIRE(digest);
  CHECK(digest->algorithm == "sha512");
  CHECK(digest->hex == hex);
  CHECK_FALSE(digest_in_path("_cacache/content-v2/sha512/aa/aa/" + hex.substr(5)));
  CHECK_FALSE(digest_in_path("_cacache/content-v2/md5/aa/aa/" + std::string(28, 'a')));
  CHECK_FALSE(digest_in_path("content-v3/sha512/aa/aa/" + hex.substr(4)));
  CHECK_FALSE(digest_in_path("_cacache/content-v2/sha512/aA/aa/" + hex.substr(4)));
  CHECK_FALSE(digest_in_path("aa"));
}

}  // namespace sandbox_run::workspace::test
