#pragma once

#include <linux/seccomp.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace sandbox_run::watch {

/// The three ioctls of a seccomp listener (seccomp_unotify(2)), with buffers as long as the running
/// kernel wants them.
class NotificationChannel {
 public:
  /// `listener` stays the caller's.
  explicit NotificationChannel(int listener);

  enum class State { pending, idle, dead };
  /// Without waiting. Dead: every filtered process is gone.
  State state() const;
  /// The next notification. nullopt: its process died, or was interrupted, before it was received.
  std::optional<seccomp_notif> receive();
  /// Does the thread still wait? Only then do its pid and memory belong to the notification.
  bool is_valid(std::uint64_t id) const;
  /// Lets the system call happen. It is no error if the thread has died meanwhile.
  void let_go_on(std::uint64_t id);
  /// Lets it fail with `error`, an errno, instead. Likewise.
  void refuse(std::uint64_t id, int error);

 private:
  void answer(const seccomp_notif_resp& response);

  int listener_;
  std::vector<std::uint64_t> request_;  // words, for the alignment
  std::vector<std::uint64_t> response_;
};

}  // namespace sandbox_run::watch
