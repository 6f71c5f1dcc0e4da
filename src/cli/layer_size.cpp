#include "cli/layer_size.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <utility>

#include "base/unique_fd.h"
#include "workspace/tree.h"

namespace sandbox_run::cli {
namespace {

constexpr std::uint64_t kBlock = 512;  // of st_blocks

class Measure {
 public:
  explicit Measure(LayerSize& size) : size_(size) {}

  void walk(const std::string& upper) {
    const base::UniqueFd root(::open(upper.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root) return;  // nothing is kept there
    std::vector<std::string> pending{""};
    while (!pending.empty()) {
      const std::string path = std::move(pending.back());
      pending.pop_back();
      const base::UniqueFd directory(workspace::try_open_directory(root.get(), path));
      if (directory) {
        look_in(directory.get(), path, pending);
      } else if (errno == EACCES) {
        size_.complete = false;
      }
    }
  }

 private:
  void look_in(int fd, const std::string& path, std::vector<std::string>& pending) {
    workspace::for_each_entry(fd, buffer_, [&](const char* name, unsigned char) {
      struct stat status {};
      if (::fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return;
      ++size_.files;
      if (S_ISDIR(status.st_mode)) pending.push_back(workspace::child_path(path, name));
      // Each name of it will be counted.
      size_.bytes += static_cast<std::uint64_t>(status.st_blocks) * kBlock / status.st_nlink;
    });
  }

  LayerSize& size_;
  std::vector<char> buffer_;
};

}  // namespace

LayerSize measure_layers(const std::vector<std::string>& uppers) {
  LayerSize size;
  for (const std::string& upper : uppers) Measure(size).walk(upper);
  return size;
}

}  // namespace sandbox_run::cli
