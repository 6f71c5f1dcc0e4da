// pnpm's node_modules: every package lies in node_modules/.pnpm/NAME@VERSION/node_modules/NAME, and
// what it asked for are links beside it, "../../OTHER@VERSION/node_modules/OTHER"; deno's likewise,
// in node_modules/.deno. Only the links' texts are read.

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <functional>
#include <memory>

#include "base/path.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "watch/dependency_notes.h"

namespace sandbox_run::watch {
namespace {

constexpr std::size_t kMaxStoreEntries = 20'000;  // in all

/// How many more entries may be looked at.
using Budget = std::size_t;

void for_each_entry(int directory_fd, const std::string& path, Budget& budget,
                    const std::function<void(const std::string& name, unsigned char type)>& use) {
  base::UniqueFd fd(base::try_open_beneath(directory_fd, path, O_RDONLY | O_DIRECTORY));
  if (!fd) return;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(fd.get()), &::closedir);
  if (!directory) return;
  [[maybe_unused]] const int owned = fd.release();
  while (const dirent* entry = ::readdir(directory.get())) {
    if (entry->d_name[0] == '.') continue;
    if (budget == 0) return;
    --budget;
    use(entry->d_name, entry->d_type);
  }
}

/// "../../qr-tools@2.0.1/node_modules/qr-tools" → "qr-tools@2.0.1"; "" if it is none of pnpm's.
std::string store_entry_of_link(int directory_fd, const std::string& path) {
  const base::UniqueFd parent(
      base::try_open_beneath(directory_fd, base::parent_path(path), O_PATH | O_DIRECTORY));
  std::array<char, PATH_MAX> target;
  const ssize_t length = parent ? ::readlinkat(parent.get(), base::file_name(path).c_str(),
                                               target.data(), target.size())
                                : -1;
  if (length <= 0) return {};
  const std::vector<std::string> parts =
      base::split({target.data(), static_cast<std::size_t>(length)}, '/');
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (parts[i] == "node_modules" && parts[i - 1].find('@') != std::string::npos) {
      return parts[i - 1];
    }
  }
  return {};
}

class Store {
 public:
  explicit Store(int directory_fd) : directory_fd_(directory_fd) {}

  DependencyGraph read(const std::string& project) {
    const std::size_t root = graph_.add(project, "");
    graph_.mark_root(root);
    for (const char* place : {"node_modules/.pnpm", "node_modules/.deno"}) {
      for_each_entry(directory_fd_, place, budget_,
                     [&](const std::string& name, unsigned char) { add(name); });
      for (const auto& [name, index] : indices_) {
        read_modules(base::join_path(place, name) + "/node_modules", index);
      }
    }
    read_modules("node_modules", root);
    return std::move(graph_);
  }

 private:
  /// "@s+b@1.0.0_peer@2.0.0" is @s/b, 1.0.0.
  void add(const std::string& entry) {
    const std::size_t at = entry.find('@', 1);
    if (at == std::string::npos) return;
    const std::string version = entry.substr(at + 1, entry.find_first_of("_(", at) - at - 1);
    const std::size_t index = graph_.add(base::replace_all(entry.substr(0, at), "+", "/"), version);
    if (index != DependencyGraph::npos) indices_.emplace(entry, index);
  }

  void read_modules(const std::string& path, std::size_t from) {
    for_each_entry(directory_fd_, path, budget_, [&](const std::string& name, unsigned char type) {
      const std::string entry = path + "/" + name;
      if (type == DT_LNK) connect(from, entry);
      if (type != DT_DIR || name[0] != '@') return;
      for_each_entry(directory_fd_, entry, budget_, [&](const std::string& scoped, unsigned char) {
        connect(from, entry + "/" + scoped);
      });
    });
  }

  void connect(std::size_t from, const std::string& link) {
    const auto to = indices_.find(store_entry_of_link(directory_fd_, link));
    if (to != indices_.end()) graph_.connect(from, to->second);
  }

  int directory_fd_;
  Budget budget_ = kMaxStoreEntries;
  DependencyGraph graph_;
  std::map<std::string, std::size_t> indices_;
};

}  // namespace

DependencyGraph read_pnpm_store(int directory_fd, const std::string& project) {
  return Store(directory_fd).read(project);
}

}  // namespace sandbox_run::watch
