#include "workspace/held_view.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/io.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "workspace/layer_record.h"
#include "workspace/overlay_marks.h"
#include "workspace/tree_walk.h"

namespace sandbox_run::workspace {
namespace {

using base::UniqueFd;

HeldSide describe(int dir_fd, const char* name, const struct stat& status) {
  HeldSide side;
  side.exists = true;
  side.type = type_letter(status.st_mode);
  side.mode = status.st_mode & 07777U;
  side.size = static_cast<std::uint64_t>(status.st_size);
  side.ctime = to_nanoseconds(status.st_ctim);
  if (side.type == 'l') side.link = base::read_link(dir_fd, name);
  return side;
}

/// "." is the target itself.
std::string inner(const std::string& path) { return path == "." ? "" : path; }

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::string name_of(const std::string& path) {
  if (path.empty()) return ".";
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

/// Not there, or hidden from us by what stands in its place or by its mode.
bool means_absent(int error_number) {
  return error_number == ENOENT || error_number == ENOTDIR || error_number == ELOOP ||
         error_number == EXDEV || error_number == EACCES;
}

/// Links anywhere on the way are not followed. No descriptor if it is not there.
UniqueFd open_if_there(const std::string& path) {
  try {
    return open_real_directory(path);
  } catch (const base::SysError& error) {
    if (!means_absent(error.error_number())) throw;
    return {};
  }
}

}  // namespace

struct HeldView::Layer {
  LayerDirectory directory;
  UniqueFd upper;
  UniqueFd host;  // none: the target does not exist
  mutable PassableScope passable;

  Layer(LayerDirectory record, UniqueFd upper_fd, UniqueFd host_fd)
      : directory(std::move(record)),
        upper(std::move(upper_fd)),
        host(std::move(host_fd)),
        passable(upper.get()) {}

  /// The directory that holds `path` on that side; none: absent.
  UniqueFd parent(From from, const std::string& path) const {
    const std::string directory_path = parent_of(path);
    try {
      if (from == From::layer) return passable.open_with_parents(directory_path);
    } catch (const base::SysError& error) {
      if (means_absent(error.error_number())) return {};
      throw;
    }
    if (!host) return {};
    UniqueFd opened(try_open_directory(host.get(), directory_path));
    if (!opened && !means_absent(errno)) {
      throw base::SysError("opening directory " + directory_path);
    }
    return opened;
  }
};

HeldView::HeldView(HeldView&&) noexcept = default;
HeldView::~HeldView() = default;

HeldView::HeldView(const std::string& run_directory) {
  const RunDirectory run = open_run(run_directory);
  for (LayerRecord& record : load_layers(run.fd.get())) {
    if (record.directory.target.kind == policy::TargetKind::cache) continue;  // nothing is held
    targets_.push_back(record.directory.target.path);
    UniqueFd upper_fd = open_if_there(record.directory.upper);
    if (!upper_fd) continue;  // nothing of this layer is held
    UniqueFd host = open_if_there(record.directory.target.path);
    layers_.push_back(
        std::make_unique<Layer>(std::move(record.directory), std::move(upper_fd), std::move(host)));
  }
}

const HeldView::Layer& HeldView::layer(const std::string& target) const {
  for (const auto& candidate : layers_) {
    if (candidate->directory.target.path == target) return *candidate;
  }
  throw base::SysError(ENOENT, "opening the layer of " + target);
}

std::string HeldView::layer_path(const std::string& target, const std::string& path) const {
  return base::join_path(layer(target).directory.upper, inner(path));
}

HeldSide HeldView::look(From from, const std::string& target, const std::string& path) const {
  const std::string relative = inner(path);
  const UniqueFd directory = layer(target).parent(from, relative);
  const std::string name = name_of(relative);
  struct stat status {};
  if (!directory || !stat_entry(directory.get(), name.c_str(), status)) return {};
  if (from == From::layer && is_whiteout(status)) return {};
  return describe(directory.get(), name.c_str(), status);
}

std::optional<std::string> HeldView::read(From from, const std::string& target,
                                          const std::string& path, std::uint64_t max_bytes) const {
  const UniqueFd directory = layer(target).parent(from, path);
  const std::string name = name_of(path);
  struct stat status {};
  // Looked at first: opening a device may do something.
  if (!directory || !stat_entry(directory.get(), name.c_str(), status) ||
      !S_ISREG(status.st_mode)) {
    return std::nullopt;
  }
  const UniqueFd file(::openat(directory.get(), name.c_str(),
                               O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
      static_cast<std::uint64_t>(status.st_size) > max_bytes) {
    return std::nullopt;
  }
  try {
    return base::read_all(file.get(), max_bytes, "reading " + name);
  } catch (const base::SysError&) {
    return std::nullopt;  // grown meanwhile, or a bad disk: it is shown by its size alone
  }
}

HeldEntries HeldView::list(const std::string& target, const std::string& path,
                           std::size_t max_listed) const {
  HeldEntries found;
  TreeVisitor visitor;
  visitor.entry = [&](int fd, const std::string& dir_path, const char* name, unsigned char) {
    struct stat status {};
    if (!stat_entry(fd, name, status)) return Next::skip;
    ++found.count;
    if (S_ISREG(status.st_mode)) found.bytes += static_cast<std::uint64_t>(status.st_size);
    if (found.entries.size() < max_listed && !is_whiteout(status)) {
      found.entries.push_back({child_path(dir_path, name), describe(fd, name, status)});
    }
    return Next::descend;
  };
  const Layer& of = layer(target);
  try {
    of.passable.open_with_parents(inner(path));
    walk_tree(inner(path), of.passable, visitor);
  } catch (const TooDeep&) {
    found.complete = false;
  }
  std::sort(found.entries.begin(), found.entries.end(),
            [](const HeldEntry& a, const HeldEntry& b) { return a.path < b.path; });
  return found;
}

}  // namespace sandbox_run::workspace
