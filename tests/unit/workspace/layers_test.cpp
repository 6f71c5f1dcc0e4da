#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/sys_error.h"
#include "support.h"
#include "workspace/layer_record.h"

namespace sandbox_run::workspace::test {

TEST_CASE("a layer's root looks as its target does") {
  Fixture f;
  make_dir(f.host(), 02750);
  f.begin();
  CHECK(mode(f.layers[0].upper) == 02750);
  CHECK(f.layers[0].upper == f.run + "/layers/0/upper");
  CHECK(mode(f.run) == 0700);
}

TEST_CASE("a layer's record outlives the process that made it") {
  Fixture f;
  f.begin();
  const base::UniqueFd run(::open(f.run.c_str(), O_RDONLY | O_DIRECTORY));
  const std::vector<LayerRecord> records = load_layers(run.get());
  REQUIRE(records.size() == 1);
  CHECK(records[0].directory.target.path == f.host());
  CHECK(records[0].target_inode == inode(f.host()));
  CHECK(records[0].changed_since > 0);
}

TEST_CASE("a state directory may be reached by a link of the user's own") {
  Fixture f;
  make_dir(f.state);
  const std::string link = f.state + "-link";
  CHECK(::symlink(f.state.c_str(), link.c_str()) == 0);
  f.run = link + "/runs/run-1";
  f.begin();
  put(f.upper("node_modules/x"), "x");
  put(f.upper("held"), "h");
  f.commit();
  CHECK(content(f.host("node_modules/x")) == "x");
  RecordingSink sink;
  commit_held(f.run, {}, sink);
  CHECK(content(f.host("held")) == "h");
}

TEST_CASE("a target that is a link is refused") {
  Fixture f;
  const std::string link = f.host() + "-link";
  CHECK(::symlink(f.host().c_str(), link.c_str()) == 0);
  CHECK_THROWS_AS(make_layers(f.run, {{link, policy::TargetKind::project, false}}), base::SysError);
}

}  // namespace sandbox_run::workspace::test
