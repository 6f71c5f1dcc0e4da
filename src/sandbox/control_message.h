#pragma once

#include <cstdint>
#include <string_view>

namespace sandbox_run::sandbox {

/// The supervisor's word that the id maps are written.
inline constexpr std::string_view kGo = "go";
/// What init's message with the decoys' descriptors says.
inline constexpr std::string_view kDecoys = "decoys";

/// What comes with a descriptor of the new root: init is ready.
inline constexpr std::string_view kRoot = "root";
/// The same, where limit_kernel_objects() could not set all.
inline constexpr std::string_view kRootUnlimited = "root, kernel objects unlimited";

/// Supervisor → keeper, one a message.
struct ControlCommand {
  enum class Kind : std::uint8_t { signal_process, signal_group, give_foreground };
  Kind kind{};
  std::int32_t value = 0;
};

}  // namespace sandbox_run::sandbox
