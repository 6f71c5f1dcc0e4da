#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plan/plan.h"

namespace sandbox_run::cli {

/// Texts longer than this are not compared, but shown by their size.
inline constexpr std::uint64_t kMaxComparedBytes = 2U << 20;

/// Can a person read it? No NUL byte, and no more than a tenth that is no text.
bool is_text(std::string_view bytes);

/// "ELF program or library", "gzip archive", …, by the first bytes; "data" if it is not known.
std::string_view kind_of(std::string_view bytes);

/// Compares two texts by the host's diff(1).
///
/// Both were written by whom we distrust, and to compare them is a program's worth of code that a
/// library of ours would run in this process. diff(1) is on every system, is bounded for hostile
/// pairs of texts, and runs in a sandbox of its own: no network, no file but the two, ten seconds.
class Comparison {
 public:
  /// Lines of `diff -u` without its head, from the first "@@"; empty: equal. nullopt: there is no
  /// diff(1), or it can't be run here, or took too long; why() says which.
  std::optional<std::vector<std::string>> lines(const std::string& before,
                                                const std::string& after);
  const std::string& why() const { return why_; }

 private:
  std::optional<plan::Plan> plan_;  // but for the texts
  std::string why_;
};

}  // namespace sandbox_run::cli
