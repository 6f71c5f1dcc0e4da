#include "cli/large_trees.h"

#include <sys/stat.h>

#include <charconv>
#include <chrono>
#include <ctime>
#include <exception>

#include "base/format.h"
#include "base/io.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"

namespace sandbox_run::cli {
namespace {

constexpr std::string_view kKind = "sandbox-run large trees 2";
constexpr std::size_t kMaxList = 1U << 20;
constexpr std::chrono::hours kKnownFor{24};

std::string list_of(const std::string& state) { return base::join_path(state, "large-trees"); }

bool is_recent(std::int64_t found) {
  const auto age = std::chrono::seconds(std::time(nullptr) - found);
  return age > -kKnownFor && age < kKnownFor;
}

/// Nothing of a list that is none, of whatever kind.
std::string read_list(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return "";
  try {
    return base::read_file_if_readable(path, kMaxList).value_or("");
  } catch (const base::SysError&) {
    return "";
  }
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
  const std::vector<std::string> lines = base::split(read_list(list_of(state)), '\n');
  if (lines.front() != kKind) return trees;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    std::string_view line = lines[i];
    plan::LargeTree tree;
    const bool is_one =
        take(line, tree.found) && take(line, tree.inode) && take(line, tree.modified);
    if (is_one && is_recent(tree.found)) trees.emplace(line, tree);
  }
  return trees;
}

void write_large_trees(const std::string& state, const plan::LargeTrees& trees) noexcept {
  try {
    std::string text = std::string(kKind) + "\n";
    for (const auto& [path, tree] : trees) {
      if (path.find('\n') != std::string::npos) continue;
      text += base::format("{} {} {} {}\n", tree.found, tree.inode, tree.modified, path);
    }
    base::make_directories(state, 0700);
    base::write_file_atomically(list_of(state), text, 0600);
  } catch (const std::exception&) {
    return;
  }
}

}  // namespace sandbox_run::cli
