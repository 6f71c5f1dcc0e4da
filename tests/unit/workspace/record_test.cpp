#include "workspace/record.h"

#include <doctest/doctest.h>

#include <string>

#include "base/sys_error.h"

namespace sandbox_run::workspace {

TEST_CASE("a record gives back what was put, whatever its bytes") {
  RecordWriter writer("test 1");
  const std::string odd("a\0b\n\xff", 5);
  writer.text(odd);
  writer.number(~0ULL);
  writer.text("");
  RecordReader reader(writer.finish(), "test 1");
  CHECK(reader.text() == odd);
  CHECK(reader.number() == ~0ULL);
  CHECK(reader.text().empty());
  CHECK(reader.at_end());
}

TEST_CASE("a record that was cut short or altered is refused") {
  RecordWriter writer("test 1");
  writer.text("content");
  const std::string whole = writer.finish();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CHECK_THROWS_AS(RecordReader(whole.substr(0, size), "test 1"), base::SysError);
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string altered = whole;
    altered[at] = static_cast<char>(altered[at] ^ 1);
    CHECK_THROWS_AS(RecordReader(altered, "test 1"), base::SysError);
  }
  CHECK_THROWS_AS(RecordReader(whole, "test 2"), base::SysError);
}

TEST_CASE("a length that goes beyond the record is refused") {
  RecordWriter writer("test 1");
  writer.number(1000);
  RecordReader reader(writer.finish(), "test 1");
  CHECK_THROWS_AS(reader.text(), base::SysError);
}

TEST_CASE("a number that names no value of its enumeration is refused") {
  enum class Three : std::uint8_t { a, b, c };
  RecordWriter writer("test 1");
  for (const std::uint64_t value : {2, 3, 256}) writer.number(value);
  RecordReader reader(writer.finish(), "test 1");
  CHECK(reader.one_of(Three::c) == Three::c);
  CHECK_THROWS_AS((void)reader.one_of(Three::c), UnreadableRecord);
  CHECK_THROWS_AS((void)reader.one_of(Three::c), UnreadableRecord);
}

}  // namespace sandbox_run::workspace
