// Runs of another version of sandbox-run, or with damaged records, beside a new one.

#include <doctest/doctest.h>

#include "base/path.h"
#include "support.h"
#include "workspace/record.h"

namespace sandbox_run::workspace::test {
namespace {

/// A run's record as another version would have written it.
std::string other_version(const char* kind) {
  RecordWriter writer(kind);
  writer.text("fields of another time");
  return writer.finish();
}

std::string other_run(const Fixture& f) { return f.state + "/runs/20200101T120000.123-4711"; }

/// As both versions do.
void note_other_run(const Fixture& f) { put(f.state + "/runs/.open/20200101T120000.123-4711", ""); }

std::vector<std::string> recover(Fixture& f) {
  return recover_interrupted(f.state, f.targets, f.sink);
}

}  // namespace

TEST_CASE("a run of another version is left as it is, with a word, and the new one goes on") {
  Fixture f;
  f.begin();
  note_other_run(f);
  put(other_run(f) + "/layers.list", other_version("sandbox-run layers 1"));
  put(other_run(f) + "/layers/0/upper/file", "left");
  const Snapshot before = snapshot(other_run(f));
  const std::vector<std::string> words = recover(f);
  REQUIRE(words.size() == 1);
  CHECK(words[0].find("another version of sandbox-run") != std::string::npos);
  CHECK(words[0].find("whole") == std::string::npos);
  CHECK(words[0].find(other_run(f)) != std::string::npos);
  CHECK(snapshot(other_run(f)) == before);
  REQUIRE(f.sink.count("commit.recovered") == 1);
  CHECK(f.sink.find("commit.recovered")->details.at("outcome").as_string() == "skipped");
}

TEST_CASE("so is one that was interrupted in its commit, with a word about the project") {
  Fixture f;
  f.begin();
  note_other_run(f);
  put(other_run(f) + "/layers.list", other_version("sandbox-run layers 1"));
  put(other_run(f) + "/journal", other_version("sandbox-run journal 0"));
  put(other_run(f) + "/unfinished", "");
  const Snapshot before = snapshot(other_run(f));
  const std::vector<std::string> words = recover(f);
  REQUIRE(words.size() == 1);
  CHECK(words[0].find("check that its project is whole") != std::string::npos);
  CHECK(snapshot(other_run(f)) == before);
}

TEST_CASE("a record cut short by a power loss keeps no new run from being made") {
  Fixture f;
  f.begin();
  note_other_run(f);
  put(other_run(f) + "/layers.list", "");
  put(other_run(f) + "/unfinished", "");
  CHECK(recover(f).size() == 1);
  CHECK(base::exists(other_run(f) + "/unfinished"));
}

TEST_CASE(
    "where no run has been noted yet, all are looked at; one that is over or gone is forgotten") {
  Fixture f;
  put(other_run(f) + "/unfinished", "");
  CHECK_FALSE(base::exists(f.state + "/runs/.open"));
  recover(f);
  CHECK_FALSE(base::exists(other_run(f) + "/unfinished"));
  put(f.state + "/runs/.open/20200101T120000.123-1", "");
  note_other_run(f);
  recover(f);
  CHECK_FALSE(base::exists(f.state + "/runs/.open/20200101T120000.123-1"));
  CHECK_FALSE(base::exists(f.state + "/runs/.open/20200101T120000.123-4711"));
}

TEST_CASE("a journal that can't be read of a commit to this very project stops the new run") {
  Fixture f;
  f.begin();
  put(f.run + "/journal", other_version("sandbox-run journal 0"));
  CHECK_THROWS_WITH_AS(recover(f), doctest::Contains("can be neither finished nor undone"),
                       base::UserError);
  CHECK(base::exists(f.run + "/journal"));
}

}  // namespace sandbox_run::workspace::test
