#pragma once

#include <string>
#include <vector>

#include "cli/review/source.h"

// One held change, put into words and lines. What it says is safe for a terminal.

namespace sandbox_run::cli {

/// A line of a change's content.
struct ContentLine {
  enum class Kind { context, added, removed, place /* "@@ …" */, note };
  Kind kind = Kind::context;
  std::string text;
};

/// How much is shown.
struct ContentLimits {
  std::size_t lines = 40;    // of a file, after which comes a note
  std::size_t entries = 30;  // of a new directory; with more it is told by count and size
  std::size_t files = 10;    // of a new directory, whose content is shown
};
inline constexpr ContentLimits kOverview{};
inline constexpr ContentLimits kInFull{5000, 2000, 100};

/// "+", "~" or "-".
std::string_view mark_of(workspace::ChangeKind kind);

/// "new file, 80 bytes, mode 755", "213 → 260 bytes", "link to ../x", … Pure.
std::string what_changed(const workspace::HeldChange& change, const workspace::HeldSide& before,
                         const workspace::HeldSide& after);

/// The content: a unified diff of texts, kind and size of all else, the entries of a new directory.
std::vector<ContentLine> content_of(ReviewSource& source, const workspace::HeldChange& change,
                                    const ContentLimits& limits);

/// Who may have made it: see Suspects.
std::string suspicion(const ReviewSource& source, const workspace::HeldChange& change);

}  // namespace sandbox_run::cli
