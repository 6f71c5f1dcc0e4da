#pragma once

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/sys_error.h"

// The form of the run directory's own files: fields with their length before them, so that a name
// may hold any byte, and a digest at the end, so that a file cut short is never taken for a whole.

namespace sandbox_run::workspace {

class RecordWriter {
 public:
  /// `kind` names the file's content and version: "journal 1".
  explicit RecordWriter(std::string_view kind) { text(kind); }
  void text(std::string_view bytes);
  void number(std::uint64_t value);
  /// All that was put, with its digest.
  std::string finish() const;

 private:
  std::string bytes_;
};

/// EBADMSG: damaged, or of another version of sandbox-run.
class UnreadableRecord : public base::SysError {
 public:
  UnreadableRecord();

 protected:
  explicit UnreadableRecord(const std::string& doing) : SysError(EBADMSG, doing) {}
};

/// Reads what RecordWriter made. Every member throws UnreadableRecord.
class RecordReader {
 public:
  RecordReader(std::string bytes, std::string_view kind);
  std::string text();
  std::uint64_t number();
  /// Of an enumeration whose greatest value is `last`.
  template <typename Enumeration>
  Enumeration one_of(Enumeration last) {
    return static_cast<Enumeration>(number_up_to(static_cast<std::uint64_t>(last)));
  }
  std::uint64_t number_up_to(std::uint64_t most);
  bool at_end() const { return position_ == bytes_.size(); }

 private:
  std::string bytes_;
  std::size_t position_ = 0;
};

/// Writes `bytes` to `name` beneath `dir_fd` whole or not at all: temporary file, fsync, rename,
/// fsync of the directory. Throws SysError.
void write_durably(int dir_fd, const std::string& name, std::string_view bytes);

/// The file's bytes, or "" if there is none. Throws SysError; UnreadableRecord on what is no
/// regular file.
std::string read_if_present(int dir_fd, const std::string& name);

}  // namespace sandbox_run::workspace
