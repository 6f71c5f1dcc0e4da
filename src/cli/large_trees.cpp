#include "cli/large_trees.h"

#include <sys/stat.h>

#include <charconv>
#include <chrono>
#include <exception>

#include "base/format.h"
#include "base/io.h"
#include "base/path.h"
#include "base/text.h"

namespace sandbox_run::cli {
namespace {

constexpr std::string_view kKind = "sandbox-run large trees 1";
constexpr std::size_t kMaxList = 1U << 20;
constexpr std::chrono::hours kKnownFor{24};

std::string list_of(const std::string& state) { return base::join_path(state, "large-trees"); }

bool is_recent(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return false;
  const auto age = std::chrono::system_clock::now() -
                   std::chrono::system_clock::from_time_t(status.st_mtim.tv_sec);
  return age > -kKnownFor && age < kKnownFor;
}

/// The number before the next blank, which is taken off `line` with it.
template <typename Number>
bool take(std::string_view& line, Number& number) {
  const std::size_t blank = line.find(' ');
  if (blank == std::string_view::npos) return false;
  const auto [end, error] = std::from_chars(line.data(), line.data() + blank, number);
  if (error != std::errc() || end != line.data() + blank) return false;
  line.remove_prefix(blank + 1);
  return true;
}

}  // namespace

plan::LargeTrees read_large_trees(const std::string& state) {
  plan::LargeTrees trees;
  const std::string path = list_of(state);
  if (!is_recent(path)) return trees;
  const auto text = base::read_file_if_readable(path, kMaxList);
  if (!text) return trees;
  const std::vector<std::string> lines = base::split(*text, '\n');
  if (lines.front() != kKind) return trees;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    std::string_view line = lines[i];
    plan::LargeTree tree;
    if (take(line, tree.inode) && take(line, tree.modified)) trees.emplace(line, tree);
  }
  return trees;
}

void write_large_trees(const std::string& state, const plan::LargeTrees& trees) noexcept {
  try {
    std::string text = std::string(kKind) + "\n";
    for (const auto& [path, tree] : trees) {
      if (path.find('\n') != std::string::npos) continue;
      text += base::format("{} {} {}\n", tree.inode, tree.modified, path);
    }
    base::make_directories(state, 0700);
    base::write_file_atomically(list_of(state), text, 0600);
  } catch (const std::exception&) {
    return;
  }
}

}  // namespace sandbox_run::cli
