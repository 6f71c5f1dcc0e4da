#include "workspace/record.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "base/digest.h"
#include "base/io.h"
#include "base/unique_fd.h"

namespace sandbox_run::workspace {
namespace {

constexpr std::size_t kNumberSize = 8;
constexpr std::size_t kDigestSize = 64;
constexpr std::size_t kMaxRecordSize = std::size_t{1} << 28U;

}  // namespace

UnreadableRecord::UnreadableRecord()
    : SysError(EBADMSG, "reading a run's record (damaged, or of another version of sandbox-run)") {}

void RecordWriter::number(std::uint64_t value) {
  for (std::size_t i = 0; i < kNumberSize; ++i) {
    bytes_ += static_cast<char>(value & 0xFFU);
    value >>= 8U;
  }
}

void RecordWriter::text(std::string_view bytes) {
  number(bytes.size());
  bytes_ += bytes;
}

std::string RecordWriter::finish() const { return bytes_ + base::sha256_hex(bytes_); }

RecordReader::RecordReader(std::string bytes, std::string_view kind) : bytes_(std::move(bytes)) {
  if (bytes_.size() < kDigestSize) throw UnreadableRecord();
  const std::string digest = bytes_.substr(bytes_.size() - kDigestSize);
  bytes_.resize(bytes_.size() - kDigestSize);
  if (base::sha256_hex(bytes_) != digest || text() != kind) throw UnreadableRecord();
}

std::uint64_t RecordReader::number() {
  if (bytes_.size() - position_ < kNumberSize) throw UnreadableRecord();
  std::uint64_t value = 0;
  for (std::size_t i = kNumberSize; i-- > 0;) {
    value = value << 8U | static_cast<unsigned char>(bytes_[position_ + i]);
  }
  position_ += kNumberSize;
  return value;
}

std::uint64_t RecordReader::number_up_to(std::uint64_t most) {
  const std::uint64_t value = number();
  if (value > most) throw UnreadableRecord();
  return value;
}

std::string RecordReader::text() {
  const std::uint64_t size = number();
  if (size > bytes_.size() - position_) throw UnreadableRecord();
  std::string result = bytes_.substr(position_, size);
  position_ += size;
  return result;
}

void write_durably(int dir_fd, const std::string& name, std::string_view bytes) {
  const std::string doing = "writing " + name;
  const std::string temporary = name + ".new";
  (void)::unlinkat(dir_fd, temporary.c_str(), 0);  // of a run that died here
  base::UniqueFd file(
      base::check_sys(::openat(dir_fd, temporary.c_str(),
                               O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600),
                      doing));
  base::write_full(file.get(), bytes, doing);
  base::check_sys(::fsync(file.get()), doing);
  base::check_sys(::renameat(dir_fd, temporary.c_str(), dir_fd, name.c_str()), doing);
  base::check_sys(::fsync(dir_fd), doing);
}

std::string read_if_present(int dir_fd, const std::string& name) {
  // A link, or a pipe that would be waited for, is no record.
  const base::UniqueFd file(
      ::openat(dir_fd, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) {
    if (errno == ENOENT) return "";
    if (errno == ELOOP || errno == ENXIO) throw UnreadableRecord();
    throw base::SysError("reading " + name);
  }
  struct stat status {};
  base::check_sys(::fstat(file.get(), &status), "reading " + name);
  if (!S_ISREG(status.st_mode)) throw UnreadableRecord();
  return base::read_all(file.get(), kMaxRecordSize, "reading " + name);
}

}  // namespace sandbox_run::workspace
