#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "events/actor.h"
#include "events/event_sink.h"
#include "policy/decoys.h"

namespace sandbox_run::watch {

/// A decoy as it stands in the sandbox.
struct PlacedDecoy {
  std::string path;  // inside
  policy::DecoyReaders readers = policy::DecoyReaders::nobody;
  base::UniqueFd fd;  // read-only, and the only descriptor of the file anywhere
};

/// The two processes of a sandbox that are ours: whatever runs in it is below one of them.
struct SandboxRoots {
  int init = 0;
  int keeper = 0;  // sandbox/keeper.h
};

/// Sees each open of a decoy, by a lease on the file (fcntl(2), F_SETLEASE): the opener waits in
/// the kernel until it was found and recorded, then goes on and gets the false content.
///
/// Must:     let every opener go on, found or not, within milliseconds.
/// Must not: be told apart from an ordinary file by those inside: no mount, no lock that they see
///           (/proc/locks shows none of another pid namespace), no refusal.
///
/// Construct it after the sandbox was launched and before its first exec is let go on: SIGIO is
/// blocked in this thread, and those that it starts, as long as the watch lives.
class DecoyWatch {
 public:
  using ActorOf = std::function<events::Actor(int pid)>;
  /// Does the host have the program, and can nobody inside have changed it?
  using IsHosts = std::function<bool(const std::string& program)>;

  /// `sink` and what the functions need outlive the watch. Throws SysError if this kernel gives no
  /// lease.
  DecoyWatch(std::vector<PlacedDecoy> decoys, SandboxRoots roots, events::EventSink& sink,
             ActorOf actor_of, IsHosts is_hosts);
  ~DecoyWatch();
  DecoyWatch(const DecoyWatch&) = delete;
  DecoyWatch& operator=(const DecoyWatch&) = delete;

  /// Readable when a decoy is being opened: call on_lease().
  int lease_fd() const;
  /// Readable when one was opened or closed: call on_change(). An inotify instance, whose last
  /// close(2) waits: see base/deferred_close.h. -1: the host gives no more inotify
  /// instances (fs.inotify.max_user_instances); then a second open is seen only if it comes after
  /// the next exec.
  int change_fd() const;
  bool on_lease();
  bool on_change();
  /// Takes leases again that openers have broken, where nobody has the file open any more. Cheap.
  void renew();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// How bad an open is, by who did it and with which program (the path of its binary). Pure. The
/// attack: `cat` copied to where one may write, under the name `curl`.
events::Severity decoy_severity(policy::DecoyReaders readers, const events::Actor& actor,
                                std::string_view program, bool is_hosts);

}  // namespace sandbox_run::watch
