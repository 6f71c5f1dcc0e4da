#include "workspace/seal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/digest.h"
#include "base/io.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/unique_fd.h"
#include "workspace/layer_record.h"
#include "workspace/record.h"
#include "workspace/tree.h"

namespace sandbox_run::workspace {
namespace {

constexpr const char* kSeals = "seals";
/// From <state>/runs/<run>.
constexpr const char* kSealsOfRun = "../../seals";
constexpr std::string_view kSealKind = "sandbox-run seal 1";

struct Seal {
  std::string digest;
  std::string project;
};

/// Throws UnreadableRecord.
Seal read_seal(int run_fd) {
  const base::UniqueFd seals(
      ::openat(run_fd, kSealsOfRun, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!seals) throw UnreadableRecord();
  RecordReader reader(read_if_present(seals.get(), run_name(base::path_of(run_fd))), kSealKind);
  Seal seal;
  seal.digest = reader.text();
  seal.project = reader.text();
  return seal;
}

}  // namespace

void seal_run(int run_fd, std::string_view layers_record, const std::string& project) {
  const std::string doing = "sealing a run";
  if (::mkdirat(run_fd, kSealsOfRun, 0700) != 0 && errno != EEXIST) throw base::SysError(doing);
  const base::UniqueFd seals(base::check_sys(
      ::openat(run_fd, kSealsOfRun, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), doing));
  RecordWriter writer(kSealKind);
  writer.text(base::sha256_hex(layers_record));
  writer.text(project);
  base::write_file_atomically(
      base::join_path(base::path_of(seals.get()), run_name(base::path_of(run_fd))), writer.finish(),
      0600);
}

bool is_sealed(int run_fd, std::string_view layers_record) {
  try {
    return read_seal(run_fd).digest == base::sha256_hex(layers_record);
  } catch (const UnreadableRecord&) {
    return false;
  }
}

std::string sealed_project(const std::string& run_directory) {
  try {
    return read_seal(open_run(run_directory).fd.get()).project;
  } catch (const UnreadableRecord&) {
    return "";
  }
}

void sync_seal(int run_fd) {
  const std::string doing = "writing a seal to the disk";
  const base::UniqueFd seals(base::check_sys(
      ::openat(run_fd, kSealsOfRun, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), doing));
  const std::string name = run_name(base::path_of(run_fd));
  const base::UniqueFd seal(base::check_sys(
      ::openat(seals.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC), doing));
  base::check_sys(::fsync(seal.get()), doing);
  base::check_sys(::fsync(seals.get()), doing);
}

void remove_seal(const std::string& state_directory, const std::string& run) {
  const std::string seal = base::join_path(base::join_path(state_directory, kSeals), run);
  (void)::unlink(seal.c_str());  // left behind, it seals nothing
}

}  // namespace sandbox_run::workspace
