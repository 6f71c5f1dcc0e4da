// What is kept for `undo` has a bound: an old node_modules of some gigabytes is nothing that one
// wants to keep unasked.

#include <sys/stat.h>

#include <algorithm>

#include "base/path.h"
#include "workspace/record.h"
#include "workspace/removal.h"
#include "workspace/store.h"
#include "workspace/transaction.h"
#include "workspace/tree_walk.h"
#include "workspace/undo.h"

namespace sandbox_run::workspace {
namespace {

constexpr const char* kNote = "undo.too-large";
constexpr std::string_view kTooLargeKind = "sandbox-run undo too large 1";
constexpr std::uint64_t kBlock = 512;  // of st_blocks, whatever the file system's

/// On the disk, of all that lies in `directory` of the run, as far as it matters.
class Size {
 public:
  explicit Size(std::uint64_t limit) : limit_(limit) {}

  void add(int run_fd, const std::string& directory) {
    const base::UniqueFd root(try_open_directory(run_fd, directory));
    if (!root) return;
    PassableScope scope(root.get(), Access::where_allowed);
    TreeVisitor visitor;
    visitor.entry = [&](int fd, const std::string&, const char* name, unsigned char) {
      struct stat status {};
      if (is_too_large() || !stat_entry(fd, name, status)) return Next::skip;
      // What has several names is freed by the last of them.
      const auto blocks = static_cast<std::uint64_t>(status.st_blocks);
      bytes_ += blocks * kBlock /
                std::max<std::uint64_t>(S_ISDIR(status.st_mode) ? 1 : status.st_nlink, 1);
      return Next::descend;
    };
    walk_tree("", scope, visitor);
  }

  bool is_too_large() const { return bytes_ > limit_; }

 private:
  std::uint64_t limit_;
  std::uint64_t bytes_ = 0;
};

void write_note(int run_fd, std::uint64_t limit) {
  RecordWriter writer(kTooLargeKind);
  writer.number(limit);
  for (const LayerRecord& layer : load_layers(run_fd)) {
    if (layer.directory.target.kind != policy::TargetKind::cache) {
      writer.text(layer.directory.target.path);
    }
  }
  write_durably(run_fd, kNote, writer.finish());
}

}  // namespace

void limit_replaced(const std::string& run_directory, std::uint64_t limit) {
  const RunDirectory run = open_run(run_directory);
  if (!has_undo(run.fd.get())) return;
  Size size(limit);
  // Old entries are in the trash, or have taken the new ones' places in the layers.
  for (const char* directory : {kTrash, "layers"}) size.add(run.fd.get(), directory);
  if (!size.is_too_large()) return;
  try {
    UnfinishedMark mark(run.fd.get());
    if (has_undo(run.fd.get())) {
      write_note(run.fd.get(), limit);
      drop_undo(run.fd.get());
    }
    mark.remove();
  } catch (const base::UserError&) {
    return;  // another process is at it
  }
}

std::optional<TooLarge> too_large_to_undo(const std::string& run_directory) {
  const RunDirectory run = open_run(run_directory);
  const std::string bytes = read_if_present(run.fd.get(), kNote);
  if (bytes.empty()) return std::nullopt;
  RecordReader reader(bytes, kTooLargeKind);
  TooLarge found{reader.number(), {}};
  while (!reader.at_end()) found.targets.push_back(reader.text());
  return found;
}

std::string words_of(const TooLarge& what) {
  constexpr std::uint64_t kMebi = 1U << 20;
  return "it took more than " + std::to_string(what.limit / kMebi) +
         " MiB (undo_mb in the configuration's [limits])";
}

}  // namespace sandbox_run::workspace
