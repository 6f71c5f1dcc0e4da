#include "workspace/recorded.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <optional>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/io.h"
#include "base/path.h"
#include "policy/verdict.h"
#include "workspace/tree.h"

namespace sandbox_run::workspace {
namespace {

constexpr std::string_view kDistInfo = ".dist-info";
/// The longest known are of some 2 MB.
constexpr off_t kMaxRecord = 16 << 20;

base::UniqueFd open_file(int dir_fd, const char* name) {
  base::UniqueFd file(
      ::openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  return file;
}

std::optional<std::string> read_record(int site_fd, const std::string& dist_info) {
  const base::UniqueFd directory(try_open_directory(site_fd, dist_info));
  if (!directory) return std::nullopt;
  const base::UniqueFd file = open_file(directory.get(), "RECORD");
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0 || status.st_size > kMaxRecord)
    return std::nullopt;
  return base::read_all(file.get(), static_cast<std::size_t>(kMaxRecord), "reading a RECORD");
}

/// `site` holds .dist-info directories; `path` is relative to it.
bool is_listed_in(int root, const std::string& site, const std::string& path,
                  const std::string& sha256) {
  const base::UniqueFd directory(root < 0 ? -1 : try_open_directory(root, site));
  if (!directory) return false;
  std::vector<std::string> names;
  std::vector<char> buffer;
  for_each_entry(directory.get(), buffer, [&](const char* name, unsigned char type) {
    if (type == DT_DIR && std::string_view(name).ends_with(kDistInfo)) names.emplace_back(name);
  });
  for (const std::string& name : names) {
    const auto record = read_record(directory.get(), name);
    if (record && policy::record_lists(*record, path, sha256)) return true;
  }
  return false;
}

}  // namespace

bool is_recorded(int layer_root, int host_root, int dir_fd, const std::string& dir_path,
                 const char* name) {
  const base::UniqueFd file = open_file(dir_fd, name);
  if (!file) return false;
  const std::string sha256 = base::file_digest_hex(file.get(), "sha256");
  std::string site = dir_path;
  std::string path = name;
  while (true) {
    for (const int root : {layer_root, host_root}) {
      if (is_listed_in(root, site, path, sha256)) return true;
    }
    if (site.empty()) return false;
    const std::size_t slash = site.rfind('/');
    const std::size_t start = slash == std::string::npos ? 0 : slash + 1;
    path = site.substr(start) + "/" + path;
    site.resize(start == 0 ? 0 : slash);
  }
}

bool is_recorded_in(int layer_root, int host_root, int dir_fd, const char* name,
                    const std::string& site, const std::string& path) {
  const base::UniqueFd file = open_file(dir_fd, name);
  if (!file) return false;
  const std::string sha256 = base::file_digest_hex(file.get(), "sha256");
  return is_listed_in(layer_root, site, path, sha256) ||
         is_listed_in(host_root, site, path, sha256);
}

}  // namespace sandbox_run::workspace
