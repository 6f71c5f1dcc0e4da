#include "workspace/cleaner.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>

#include "base/sys_error.h"
#include "workspace/copy_tree.h"

namespace sandbox_run::workspace {
namespace {

using base::check_sys;

constexpr std::size_t kMaxNoted = 100;
constexpr const char* kForeignRefusal = "has security attributes that can't be removed";

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

const char* special_name(unsigned char type) {
  switch (type) {
    case DT_FIFO:
      return "FIFO";
    case DT_SOCK:
      return "socket";
    default:
      return "device node";
  }
}

/// One that no package foresees.
std::string unused_name(int dir_fd) {
  while (true) {
    std::uint64_t number = 0;
    check_sys(::getrandom(&number, sizeof number, 0), "making up a name");
    std::string name = ".sandbox-run-" + std::to_string(number);
    struct stat status {};
    if (!stat_entry(dir_fd, name.c_str(), status)) return name;
  }
}

}  // namespace

void Cleaner::note(const std::string& path, const char* what) {
  ++stripped_count_;
  if (stripped_.size() < kMaxNoted) stripped_.push_back({path, what});
}

void Cleaner::clean_mode(int dir_fd, const std::string& name, const Finding& finding, mode_t kept) {
  struct stat status {};
  if (!stat_entry(dir_fd, name.c_str(), status)) return;
  const bool is_directory = finding.kind == Finding::Kind::directory_mode;
  const mode_t unwanted = unwanted_mode_bits() & ~kept & status.st_mode;
  if (unwanted == 0) return;
  set_entry_mode(dir_fd, name.c_str(), status.st_mode & 07777U & ~unwanted);
  note(finding.path, (unwanted & (S_ISUID | S_ISGID)) == 0 ? "write permission of everybody"
                     : is_directory                        ? "setgid or setuid bit of a directory"
                     : (unwanted & S_ISUID) != 0           ? "setuid bit"
                                                           : "setgid bit");
}

void Cleaner::remove_special(int dir_fd, const std::string& name, const Finding& finding) {
  struct stat status {};
  if (!stat_entry(dir_fd, name.c_str(), status)) return;
  check_sys(::unlinkat(dir_fd, name.c_str(), 0), "removing " + name);
  // A whiteout in a new directory hides nothing: gone without a word.
  if (!is_whiteout(status)) note(finding.path, special_name(finding.type));
}

void Cleaner::clean_attributes_of(int dir_fd, const std::string& name, const Finding& finding,
                                  OverlayMarks marks, OpenLists lists, Cleaned& cleaned) {
  CleanedAttributes attributes;
  if (finding.kind == Finding::Kind::file_attributes) {
    attributes = clean_file_attributes(dir_fd, name);
  } else {
    attributes = clean_attributes(PassableScope(dir_fd).open_directory(name).get(), marks, lists);
  }
  if (attributes.foreign != 0) note(finding.path, "security attribute");
  if (attributes.refused) cleaned.refusal = kForeignRefusal;
}

Cleaned Cleaner::clean(const std::string& path, const Inspection& inspection, const Host& host) {
  Cleaned cleaned{inspection.entries, inspection.packages, inspection.is_gone, inspection.refusal};
  PassableScope passable(layer_fd_);
  for (const Finding& finding : inspection.findings) {
    const base::UniqueFd directory = passable.open_with_parents(directory_of(finding.path));
    const std::string name = finding.path.substr(finding.path.rfind('/') + 1);
    switch (finding.kind) {
      case Finding::Kind::special:
        remove_special(directory.get(), name, finding);
        cleaned.gone = cleaned.gone || finding.path == path;
        break;
      case Finding::Kind::file_mode:
      case Finding::Kind::directory_mode: {
        // What everybody may write already (a mounted disk of Windows) stays so.
        mode_t kept = finding.path == path ? host.mode & S_IWOTH : 0;
        if (host.everybody_may_write) kept |= S_IWOTH;
        const bool is_directory = finding.kind == Finding::Kind::directory_mode;
        if (is_directory && host.hands_group_on) kept |= S_ISGID;
        clean_mode(directory.get(), name, finding, kept);
        break;
      }
      case Finding::Kind::file_attributes:
      case Finding::Kind::directory_attributes:
        // The entry's own marks stay until it has been moved: an undone commit needs them.
        clean_attributes_of(directory.get(), name, finding,
                            finding.path == path ? OverlayMarks::keep : OverlayMarks::remove,
                            host.everybody_may_write ? OpenLists::keep : OpenLists::remove,
                            cleaned);
        break;
    }
  }
  links_.insert(links_.end(), inspection.links.begin(), inspection.links.end());
  return cleaned;
}

void Cleaner::separate_shared_files() {
  std::map<std::uint64_t, std::uint64_t> seen;
  for (const Inspection::Link& link : links_) ++seen[link.inode];
  // One copy of each: a large file under thousands of names would fill the disk.
  std::map<std::uint64_t, std::string> copied;
  PassableScope passable(layer_fd_);
  for (const Inspection::Link& link : links_) {
    if (seen[link.inode] >= link.count) continue;
    passable.open_with_parents(directory_of(link.path));
    const Located at = locate(layer_fd_, link.path);
    const std::string copy = unused_name(at.directory.get());
    const auto [first, is_first] = copied.emplace(link.inode, link.path);
    if (is_first) {
      copy_entry(at.directory.get(), at.name, at.directory.get(), copy);
    } else {
      passable.open_with_parents(directory_of(first->second));
      const Located from = locate(layer_fd_, first->second);
      check_sys(
          ::linkat(from.directory.get(), from.name.c_str(), at.directory.get(), copy.c_str(), 0),
          "separating " + link.path);
    }
    check_sys(::renameat(at.directory.get(), copy.c_str(), at.directory.get(), at.name.c_str()),
              "separating " + link.path);
    note(link.path, "hard link shared with a change that is not committed");
  }
  links_.clear();
}

}  // namespace sandbox_run::workspace
