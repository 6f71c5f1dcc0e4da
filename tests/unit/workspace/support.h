#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "events/event.h"
#include "workspace/transaction.h"
#include "workspace/workspace.h"

namespace sandbox_run::workspace::test {

/// A new directory, removed with all in it at the end.
class TemporaryDirectory {
 public:
  /// `parent` "": wherever the layer may lie.
  explicit TemporaryDirectory(const std::string& parent = "");
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Path → "f 644 content", "d 755", "l target", …; a directory that can't be read has "?" at its
/// end. Names hold any byte.
using Snapshot = std::map<std::string, std::string>;
Snapshot snapshot(const std::string& root);

void put(const std::string& path, const std::string& content, mode_t mode = 0644);
void make_dir(const std::string& path, mode_t mode = 0755);
std::string content(const std::string& path);
ino_t inode(const std::string& path);
mode_t mode(const std::string& path);
std::vector<std::string> attributes(const std::string& path);

class RecordingSink : public events::EventSink {
 public:
  void record(const events::Event& event) override { events.push_back(event); }
  std::size_t count(const std::string& type) const;
  const events::Event* find(const std::string& type) const;
  std::vector<events::Event> events;
};

/// A project with its state directory, and a run's layer to be filled by hand as overlayfs would.
class Fixture {
 public:
  /// `target_parent` "": beside the state directory, on the same file system.
  explicit Fixture(const std::string& target_parent = "");

  std::string host(const std::string& path = "") const;
  std::string upper(const std::string& path = "") const;
  /// Host files are there; the run begins.
  void begin(policy::TargetKind kind = policy::TargetKind::project, bool lower_is_empty = false);
  void whiteout(const std::string& path) const;
  /// Marks as overlayfs sets them.
  void mark_opaque(const std::string& path) const;
  void mark_copied_up(const std::string& path) const;

  CommitRequest request() const;
  CommitSummary commit();
  void recover();
  bool is_run_clean() const;  // nothing left in the run's directory

  std::string state;
  std::string run;
  std::vector<Target> targets;
  std::vector<LayerDirectory> layers;
  policy::FilesystemPolicy policy;
  bool commit_project = true;
  bool only_package_manager_ran = false;
  RecordingSink sink;

 private:
  TemporaryDirectory base_;
  std::unique_ptr<TemporaryDirectory> other_;
  std::string host_;
};

/// Edits a host file so that its ctime is one of the run's time.
void edit_during_run(const Fixture& fixture, const std::string& path, const std::string& content);

/// Runs `act` in a child, in a user namespace where `layer` is mounted over its target with
/// overlayfs, with the mount as working directory. False: the machine allows no such mount.
bool in_overlay(const LayerDirectory& layer, const std::function<void()>& act);
/// Runs `act` in a child in new user and mount namespaces as their root; its return value is the
/// exit code, -1: not allowed here.
int in_namespace(const std::function<int()>& act);

/// A directory on another file system than TemporaryDirectory's default, or "".
std::string other_file_system();

/// Another soft limit of this process, for a while.
class Limited {
 public:
  /// setrlimit(2)
  Limited(__rlimit_resource resource, rlim_t soft);
  Limited(const Limited&) = delete;
  Limited& operator=(const Limited&) = delete;
  ~Limited();

 private:
  __rlimit_resource resource_;
  rlimit before_{};
};

bool is_root();

/// The machine can't do what a test needs: a message, or a failure with SANDBOX_RUN_MUST_WORK.
void skip(const char* reason);

}  // namespace sandbox_run::workspace::test
