#pragma once

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sandbox_run::sandbox {

/// Every step of the set-up, so that a failure can be named and turned into advice.
enum class SetupStep : std::uint8_t {
  create_namespaces,
  write_id_maps,
  die_with_supervisor,
  await_id_maps,
  private_mounts,
  collect_mounts,
  build_root,
  enter_root,
  raise_loopback,
  hand_over_sockets,
  hand_over_decoys,
  enter_namespaces,
  confine_init,
  start_process_group,
  set_limits,
  drop_capabilities,
  no_new_privileges,
  landlock,
  seccomp,
  execute
};

std::string_view name_of(SetupStep step);

/// What goes down the status pipe. Fixed size, below PIPE_BUF: one atomic write (pipe(7)).
struct SetupFailure {
  SetupStep step{};
  std::int32_t error_number = 0;
  std::array<char, 500> text{};  // what was being done; NUL-terminated
};

/// The sandbox could not be set up. what(): "making the overlay of /home/u/app: Invalid argument".
class SetupError : public std::runtime_error {
 public:
  SetupError(SetupStep step, int error_number, const std::string& text)
      : std::runtime_error(text), step_(step), error_number_(error_number) {}
  SetupStep step() const { return step_; }
  int error_number() const { return error_number_; }

 private:
  SetupStep step_;
  int error_number_;
};

}  // namespace sandbox_run::sandbox
