// libFuzzer: a host's project and the upper directory of an overlay as lines of text, committed.
// Whatever lies in the layer: the commit is made or refused in words, nothing but the project
// changes, and nothing on the host is a device, setuid, or marked by overlayfs.
//
//     D PATH MODE   F PATH MODE TEXT   L PATH TARGET            on the host, before
//     d PATH MODE   f PATH MODE TEXT   l PATH TARGET            in the layer
//     w PATH (whiteout)   o PATH (opaque)   p PATH (FIFO)   s PATH (socket)   h PATH OLD (hard
//     link) x PATH NAME VALUE (attribute)
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <charconv>
#include <sstream>

#include "../unit/scratch_directory.h"
#include "base/io.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "events/event.h"
#include "fuzz.h"
#include "policy/profile.h"
#include "workspace/overlay_marks.h"
#include "workspace/tree.h"
#include "workspace/workspace.h"

namespace {

using namespace sandbox_run;
using base::UniqueFd;
using fuzz::require;

class Ignored : public events::EventSink {
 public:
  void record(const events::Event&) override {}
};

constexpr mode_t kSpecialBits = S_ISUID | S_ISGID;

mode_t mode_of(const std::string& word) {
  unsigned mode = 0;
  constexpr int kOctal = 8;
  (void)std::from_chars(word.data(), word.data() + word.size(), mode, kOctal);
  return mode & 07777U;
}

/// Directory and name of an entry, its directories made; nothing for what leads elsewhere.
struct Place {
  UniqueFd directory;
  std::string name;
};
Place make_place(const std::string& root, const std::string& path) {
  Place place;
  if (!fuzz::stays_beneath(path)) return place;
  place.directory.reset(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::istringstream names(path);
  for (std::string name; std::getline(names, name, '/');) {
    if (name.empty() || name == ".") continue;
    if (!place.name.empty()) {
      (void)::mkdirat(place.directory.get(), place.name.c_str(), 0755);
      place.directory.reset(::openat(place.directory.get(), place.name.c_str(),
                                     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!place.directory) return {};
    }
    place.name = name;
  }
  if (place.name.empty()) return {};
  return place;
}

void put_entry(char kind, const Place& place, const std::string& word, const std::string& rest) {
  const int dir = place.directory.get();
  const char* name = place.name.c_str();
  switch (kind) {
    case 'd':
      (void)::mkdirat(dir, name, 0755);
      (void)::fchmodat(dir, name, mode_of(word), 0);
      break;
    case 'f': {
      const UniqueFd file(::openat(
          dir, name, O_WRONLY | O_NONBLOCK | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644));
      if (!file) break;
      (void)!::write(file.get(), rest.data(), rest.size());
      (void)::fchmod(file.get(), mode_of(word));
      break;
    }
    case 'l':
      (void)::symlinkat(word.c_str(), dir, name);
      break;
    case 'w':
      (void)::mknodat(dir, name, S_IFCHR, makedev(0, 0));
      break;
    case 'p':
      (void)::mknodat(dir, name, S_IFIFO | 0644, 0);
      break;
    case 's':
      (void)::mknodat(dir, name, S_IFSOCK | 0644, 0);
      break;
    case 'h':
      (void)::linkat(dir, word.c_str(), dir, name, 0);
      break;
    default:
      break;
  }
}

void put_attribute(const Place& place, const std::string& name, const std::string& value) {
  const UniqueFd file(::openat(place.directory.get(), place.name.c_str(),
                               O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file) (void)::fsetxattr(file.get(), name.c_str(), value.data(), value.size(), 0);
}

void do_line(const std::string& line, const std::string& root, bool on_host) {
  std::istringstream words(line);
  char kind = 0;
  std::string path;
  std::string word;
  std::string rest;
  words >> kind >> path >> word >> rest;
  const bool is_host = kind == 'D' || kind == 'F' || kind == 'L';
  if (is_host != on_host) return;
  if (on_host) {
    kind = static_cast<char>(kind - 'A' + 'a');
    if (kind != 'l' && (mode_of(word) & kSpecialBits) != 0) return;
  }
  const Place place = make_place(root, path);
  if (!place.directory) return;
  if (kind == 'o') {
    put_attribute(place, "user.overlay.opaque", "y");
  } else if (kind == 'x') {
    put_attribute(place, word, rest);
  } else {
    put_entry(kind, place, word, rest);
  }
}

/// Of all that the host's project holds now.
void check_host(const std::string& path) {
  const UniqueFd root(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  workspace::PassableScope passable(root.get());
  std::vector<std::string> directories{""};
  while (!directories.empty()) {
    const std::string directory = directories.back();
    directories.pop_back();
    const UniqueFd fd = passable.open_directory(directory);
    require(!workspace::look_at_attributes(fd.get()).marks);
    for (const base::DirectoryEntry& entry : base::list_directory(fd.get())) {
      struct stat status {};
      require(workspace::stat_entry(fd.get(), entry.name.c_str(), status));
      require(S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) || S_ISLNK(status.st_mode));
      require((status.st_mode & kSpecialBits) == 0);
      if (S_ISDIR(status.st_mode)) {
        directories.push_back(workspace::child_path(directory, entry.name));
      }
    }
  }
}

}  // namespace

FUZZ_TARGET(layer, data, size) {
  constexpr std::size_t kLongest = 4096;
  constexpr std::size_t kMostLines = 60;
  static const policy::FilesystemPolicy rules = policy::ProfileSet::built_in().select("npm").files;
  const std::vector<std::string> lines = fuzz::lines_of(fuzz::text_of(data, size));
  if (size > kLongest || lines.size() > kMostLines) return 0;
  const test::ScratchDirectory scratch;
  const std::string host = scratch.make("project");
  const std::string run = scratch.make("state/runs/run-1");
  base::write_file(scratch.file("neighbour"), "as it was", 0644);
  for (const std::string& line : lines) do_line(line, host, true);
  workspace::CommitRequest request;
  request.run_directory = run;
  request.policy = &rules;
  request.arguments = {"npm", "install"};
  Ignored sink;
  try {
    request.layers = workspace::make_layers(run, {{host, policy::TargetKind::project}});
    for (const std::string& line : lines) do_line(line, request.layers.at(0).upper, false);
    (void)workspace::commit_changes(request, sink);
    for (const workspace::HeldChange& held : workspace::read_held(run)) {
      require(held.change.path == "." || fuzz::stays_beneath(held.change.path));
    }
    workspace::discard_held(run, {}, sink);
  } catch (const base::SysError&) {
  } catch (const base::UserError&) {
  } catch (const workspace::TooDeep&) {
  }
  check_host(host);
  require(base::read_file(scratch.file("neighbour")) == "as it was");
  return 0;
}
