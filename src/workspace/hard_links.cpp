#include "workspace/hard_links.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "workspace/copy_tree.h"
#include "workspace/overlay_marks.h"
#include "workspace/tree.h"

namespace sandbox_run::workspace {
namespace {

using base::check_sys;
using base::UniqueFd;

constexpr mode_t kAnyExecutes = 0111;
constexpr mode_t kAllBits = 07777;

/// The x bits of the first copy that the command has left in a layer; 0: none.
mode_t bits_of_copies(const std::vector<LayerDirectory>& layers,
                      const policy::LinkedProgram& program) {
  for (const std::string& copy : program.copies) {
    for (const LayerDirectory& layer : layers) {
      if (!base::is_beneath(copy, layer.target.path) || copy == layer.target.path) continue;
      const UniqueFd upper = open_real_directory(layer.upper);
      const UniqueFd file(
          base::try_open_inside(upper.get(), base::relative_to(copy, layer.target.path), O_PATH));
      struct stat status {};
      if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
      return status.st_mode & kAnyExecutes;
    }
  }
  return 0;
}

/// One program, on its way from the host into the layer of its directory.
class Transfer {
 public:
  Transfer(const LayerDirectory& layer, const std::string& path)
      : parts_(base::split(path, '/')),
        lower_(open_real_directory(layer.lower)),
        upper_(open_real_directory(layer.upper)) {}

  /// Goes down to the directory that holds it. False: there is no such file to be made executable,
  /// or the command has done something there itself.
  bool find(mode_t bits) {
    for (std::size_t i = 0; i + 1 < parts_.size(); ++i) {
      if (!descend(parts_[i])) return false;
    }
    struct stat status {};
    if (!stat_entry(lower_.get(), name(), status) || !S_ISREG(status.st_mode)) return false;
    mode_ = (status.st_mode & kAllBits) | bits;
    return mode_ != (status.st_mode & kAllBits) && !is_changed();
  }

  void make() {
    for (const auto& [directory, status] : missing_) {
      check_sys(::mkdirat(upper_.get(), directory.c_str(), S_IRWXU), "making " + directory);
      UniqueFd inner = open_directory(upper_.get(), directory);
      // As overlayfs does it: the entry stays what it was.
      if (::geteuid() == 0) {
        check_sys(::fchown(inner.get(), status.st_uid, status.st_gid), "giving away " + directory);
      }
      check_sys(::fchmod(inner.get(), status.st_mode & kAllBits), "changing mode of " + directory);
      upper_ = std::move(inner);
    }
    copy_entry(lower_.get(), name(), upper_.get(), name(), Access::as_it_is);
    set_entry_mode(upper_.get(), name(), mode_);
  }

 private:
  const char* name() const { return parts_.back().c_str(); }

  bool is_changed() const {
    struct stat status {};
    return missing_.empty() && stat_entry(upper_.get(), name(), status);
  }

  bool descend(const std::string& part) {
    if (part.empty() || part == "." || part == "..") return false;
    struct stat status {};
    UniqueFd lower(try_open_directory(lower_.get(), part));
    if (!lower || ::fstat(lower.get(), &status) != 0) return false;
    lower_ = std::move(lower);
    if (missing_.empty()) {
      UniqueFd upper(try_open_directory(upper_.get(), part));
      if (upper) {
        upper_ = std::move(upper);
        return !read_marks(upper_.get()).opaque;
      }
      if (errno != ENOENT) return false;
    }
    missing_.emplace_back(part, status);
    return true;
  }

  std::vector<std::string> parts_;
  UniqueFd lower_;
  UniqueFd upper_;
  std::vector<std::pair<std::string, struct stat>> missing_;  // in the layer, topmost first
  mode_t mode_ = 0;
};

}  // namespace

void make_executable_at_home(const std::vector<LayerDirectory>& layers,
                             const std::vector<policy::LinkedProgram>& programs) {
  for (const policy::LinkedProgram& program : programs) {
    const auto home = std::find_if(layers.begin(), layers.end(), [&](const LayerDirectory& layer) {
      return layer.target.path == program.directory && !layer.lower.empty();
    });
    if (home == layers.end()) continue;
    const mode_t bits = bits_of_copies(layers, program);
    if (bits == 0) continue;
    Transfer transfer(*home, program.path);
    if (transfer.find(bits)) transfer.make();
  }
}

}  // namespace sandbox_run::workspace
