#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "workspace/layer_record.h"
#include "workspace/workspace.h"

// What a commit is about to do, written down before the first step, so that whoever finds it can
// finish or undo it.
//
// Must: hold everything needed: the process that wrote it may be gone.
// Must not: contain a step that cannot be undone, or whose being done cannot be seen.

namespace sandbox_run::workspace {

/// A path beneath one of the journal's roots.
struct Place {
  std::uint32_t root = 0;
  std::string path;
};

enum class OperationKind : std::uint8_t {
  make_directory,  // `to`, with new_mode
  move,            // `from` → `to`, which does not exist
  exchange,        // `from` ↔ `to`
  set_mode,        // `to`: old_mode → new_mode
  clear_marks      // `to`: overlay's attributes off; was_opaque: put the opaque mark back on undo
};

struct Operation {
  OperationKind kind = OperationKind::move;
  Place from;
  Place to;
  std::uint64_t inode = 0;        // of the entry that moves, or whose mode changes (0: any)
  std::uint64_t other_inode = 0;  // exchange: of the one that `to` has before
  std::int64_t other_mtime = 0;   // ns; of the host's entry that is replaced or removed
  std::uint32_t old_mode = 0;
  std::uint32_t new_mode = 0;
  bool was_opaque = false;
};

struct Root {
  std::string path;         // absolute, no component a link
  std::uint64_t inode = 0;  // 0: made by this very journal
};

struct Journal {
  std::vector<Root> roots;
  std::vector<std::string> targets;  // paths of the targets concerned
  std::vector<Operation> operations;
  /// What is held when the commit succeeds; and when it is undone.
  std::vector<HeldChange> held_when_done;
  std::vector<HeldChange> held_when_undone;
};

inline constexpr const char* kJournal = "journal";

/// Throw SysError. read_journal: EBADMSG if damaged.
void write_journal(int run_fd, const Journal& journal);
Journal read_journal(int run_fd, const char* name = kJournal);
bool has_journal(int run_fd);
void remove_journal(int run_fd);

/// Called before each step with its name, for tests that stop a commit at every one.
using StepHook = std::function<void(const char* step)>;

/// The host's tree is not as it was when the commit was planned.
class HostChanged : public std::runtime_error {
 public:
  explicit HostChanged(const std::string& path)
      : std::runtime_error(path + " changed on the host meanwhile") {}
};

/// Does what a journal says. Each operation is done only if it isn't done yet, so the executor may
/// be stopped and started anywhere.
class Executor {
 public:
  Executor(const Journal& journal, const StepHook& hook);
  /// Throws SysError, HostChanged; call undo() then.
  void finish();
  /// Throws SysError if the tree could not be brought back. Returns what of the host went there
  /// and back.
  Touched undo();
  /// fsync(2) of every directory that an operation changed.
  void sync();

 private:
  int root(std::uint32_t index);
  /// The directory that holds `place`; kept open until another one is asked for.
  struct Opened {
    std::uint32_t root = 0;
    std::string parent;
    base::UniqueFd directory;
    std::string name;
  };
  Opened& open(Opened& slot, const Place& place);
  void forward(const Operation& operation);
  void backward(const Operation& operation);
  void note_touched(const Opened& host, const Operation& operation);
  void change_mode(const Operation& operation, std::uint32_t mode);
  void move(const Operation& operation);
  void exchange(const Operation& operation);

  const Journal& journal_;
  const StepHook& hook_;
  std::vector<base::UniqueFd> roots_;
  Opened from_;
  Opened to_;
  Touched touched_;
};

}  // namespace sandbox_run::workspace
