#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "cli/review/style.h"

namespace sandbox_run::cli {

/// One thing that a person is told: what happened, and what to type about it.
struct Paragraph {
  enum class Tone { plain, alert, warning, faint };
  std::string label;  // "ALERT", "blocked", "note"
  Tone tone = Tone::plain;
  std::string text;                        // printable
  std::vector<std::string> command = {};   // its words, quoted as a shell reads them back
  std::vector<std::string> verbatim = {};  // lines of a file, each to be copied as it is
};

/// How what is said is laid out.
struct Layout {
  std::size_t width = 80;  // columns
  Style style{Style::Colours::off};
  /// For standard error: the terminal's own width, else 80 columns; colours as Style has them.
  static Layout for_standard_error();
};

/// How many columns a terminal needs for it (UTF-8; East Asian wide characters two).
std::size_t columns(std::string_view text);
/// `text` as one piece: no line is broken at its blanks. For what packages have named, so that the
/// rest of a name can't stand at the beginning of a line as if it were our own words.
std::string in_one_piece(std::string text);
/// The same with its blanks back.
std::string plain(std::string text);

/// Two columns indented, what does not fit in a line four; no line is wider than the layout. What
/// is too long for any line is cut in its middle. A command stands at the end of the text or on
/// lines of its own, which a shell reads as one ("\" at the end); where even a single word of it
/// does not fit, `sandbox-run log` stands for it.
std::string laid_out(const Paragraph& paragraph, const Layout& layout);
/// As that, without indent at the first line: "sandbox-run: " and what comes first.
std::string headline(const std::string& lead, const Paragraph& paragraph, const Layout& layout);

/// "…: sandbox-run commit 'a b'" as a text and the command at its end.
Paragraph note_paragraph(const std::string& note);

}  // namespace sandbox_run::cli
