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

}  // namespace

void seal_run(int run_fd, std::string_view layers_record) {
  const std::string doing = "sealing a run";
  if (::mkdirat(run_fd, kSealsOfRun, 0700) != 0 && errno != EEXIST) throw base::SysError(doing);
  const base::UniqueFd seals(base::check_sys(
      ::openat(run_fd, kSealsOfRun, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), doing));
  base::write_file_atomically(
      base::join_path(base::path_of(seals.get()), run_name(base::path_of(run_fd))),
      base::sha256_hex(layers_record), 0600);
}

bool is_sealed(int run_fd, std::string_view layers_record) {
  const base::UniqueFd seals(
      ::openat(run_fd, kSealsOfRun, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  return seals && read_if_present(seals.get(), run_name(base::path_of(run_fd))) ==
                      base::sha256_hex(layers_record);
}

void remove_seal(const std::string& state_directory, const std::string& run) {
  const std::string seal = base::join_path(base::join_path(state_directory, kSeals), run);
  (void)::unlink(seal.c_str());  // left behind, it seals nothing
}

}  // namespace sandbox_run::workspace
