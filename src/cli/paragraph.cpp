#include "cli/paragraph.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace sandbox_run::cli {
namespace {

constexpr char kJoint = '\x1f';  // a blank that is no place to break; printable text has none
constexpr std::size_t kUsual = 80;
constexpr std::size_t kNarrowest = 40;
constexpr std::string_view kFirstIndent = "  ";
constexpr std::string_view kIndent = "    ";
constexpr std::string_view kGoesOn = " \\";
constexpr std::string_view kEllipsis = "…";

struct Range {
  char32_t first;
  char32_t last;
};
/// Wide and fullwidth characters, by and large: Unicode's East Asian Width (UAX 11).
constexpr std::array kWide{Range{0x1100, 0x115F}, Range{0x2E80, 0xA4CF},   Range{0xAC00, 0xD7A3},
                           Range{0xF900, 0xFAFF}, Range{0xFE30, 0xFE6F},   Range{0xFF00, 0xFF60},
                           Range{0xFFE0, 0xFFE6}, Range{0x1F300, 0x1FAFF}, Range{0x20000, 0x3FFFD}};

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

/// The character at the head of valid UTF-8, and its length.
std::pair<char32_t, std::size_t> first_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  std::size_t length = 1;
  while (length < text.size() && is_continuation(text[length])) ++length;
  if (length == 1) return {lead, 1};
  char32_t value = lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    value = (value << 6U) | (static_cast<unsigned char>(text[i]) & 0x3FU);
  }
  return {value, length};
}

std::size_t columns_of(char32_t character) {
  const bool is_wide = std::any_of(kWide.begin(), kWide.end(), [&](const Range& range) {
    return character >= range.first && character <= range.last;
  });
  return is_wide ? 2 : 1;
}

std::string_view head_within(std::string_view text, std::size_t limit) {
  std::size_t used = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto [character, length] = first_character(text.substr(at));
    used += columns_of(character);
    if (used > limit) break;
    at += length;
  }
  return text.substr(0, at);
}

std::string_view tail_within(std::string_view text, std::size_t limit) {
  std::size_t at = text.size();
  while (at > 0) {
    std::size_t before = at - 1;
    while (before > 0 && is_continuation(text[before])) --before;
    if (columns(text.substr(before)) > limit) break;
    at = before;
  }
  return text.substr(at);
}

/// Both ends of a path or a host say more than its middle.
std::string cut_in_the_middle(const std::string& word, std::size_t limit) {
  if (columns(word) <= limit) return word;
  const std::size_t half = (limit - 1) / 2;
  return std::string(head_within(word, half)) + std::string(kEllipsis) +
         std::string(tail_within(word, half));
}

/// Lines that are filled word by word.
class Lines {
 public:
  Lines(std::string lead, std::size_t width) : width_(width), line_(std::move(lead)) {}

  void add_text(const std::string& text) {
    for (const std::string& word : base::split(text, ' ')) {
      if (!word.empty()) add_word(cut_in_the_middle(word, width_ - kIndent.size()));
    }
  }

  void add_command(const std::vector<std::string>& words) {
    if (words.empty()) return;
    const std::size_t room = width_ - kIndent.size() - kGoesOn.size();
    for (const std::string& word : words) {
      if (columns(word) > room) return add_command({"sandbox-run", "log"});
    }
    const std::string whole = base::join(words, " ");
    line_ += ":";
    if (columns(line_) > width_) return break_before_command(words, whole);
    if (columns(line_) + 1 + columns(whole) <= width_) {
      line_ += " " + whole;
      return;
    }
    break_before_command(words, whole);
  }

  std::string text() {
    end_line();
    return std::move(text_);
  }

 private:
  void end_line() {
    text_ += line_ + "\n";
    line_.clear();
  }

  void add_word(const std::string& word) {
    const bool is_begun = line_.find_first_not_of(' ') != std::string::npos;
    const std::size_t blank = is_begun && line_.back() != ' ' ? 1 : 0;
    if (is_begun && columns(line_) + blank + columns(word) > width_) {
      while (!line_.empty() && line_.back() == ' ') line_.pop_back();
      end_line();
      line_ = kIndent;
      line_ += word;
      return;
    }
    line_ += std::string(blank, ' ') + word;
  }

  void break_before_command(const std::vector<std::string>& words, const std::string& whole) {
    // The colon may be the one column too much.
    if (columns(line_) > width_) line_.pop_back();
    end_line();
    line_ = kIndent;
    if (columns(whole) + kIndent.size() <= width_) {
      line_ += whole;
      return;
    }
    for (const std::string& word : words) {
      const bool is_begun = line_.size() > kIndent.size();
      if (is_begun && columns(line_) + 1 + columns(word) + kGoesOn.size() > width_) {
        line_ += kGoesOn;
        end_line();
        line_ = kIndent;
        line_ += word;
        continue;
      }
      line_ += (is_begun ? " " : "") + word;
    }
  }

  std::size_t width_;
  std::string line_;
  std::string text_;
};

std::string in_tone(const Style& style, Paragraph::Tone tone, const std::string& text) {
  switch (tone) {
    case Paragraph::Tone::alert:
      return style.alert(text);
    case Paragraph::Tone::warning:
      return style.changed(text);
    case Paragraph::Tone::faint:
      return style.faint(text);
    case Paragraph::Tone::plain:
      return style.strong(text);
  }
  return text;
}

std::string lay_out(const std::string& lead, const Paragraph& paragraph, const Layout& layout) {
  const std::string label = paragraph.label.empty() ? "" : paragraph.label + ":";
  Lines lines(lead + label + (label.empty() ? "" : " "), std::max(layout.width, kNarrowest));
  lines.add_text(paragraph.text);
  lines.add_command(paragraph.command);
  std::string text = plain(lines.text());
  for (const std::string& line : paragraph.verbatim) text += std::string(kIndent) + line + "\n";
  if (label.empty()) return text;
  return text.substr(0, lead.size()) + in_tone(layout.style, paragraph.tone, label) +
         text.substr(lead.size() + label.size());
}

}  // namespace

Layout Layout::for_standard_error() {
  Layout layout{kUsual, Style::for_stream(STDERR_FILENO)};
  winsize size{};
  if (::isatty(STDERR_FILENO) != 0 && ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 &&
      size.ws_col > 0) {
    layout.width = std::max<std::size_t>(size.ws_col, kNarrowest);
  }
  return layout;
}

std::size_t columns(std::string_view text) {
  std::size_t used = 0;
  while (!text.empty()) {
    const auto [character, length] = first_character(text);
    used += columns_of(character);
    text.remove_prefix(length);
  }
  return used;
}

std::string in_one_piece(std::string text) {
  std::replace(text.begin(), text.end(), ' ', kJoint);
  return text;
}

std::string plain(std::string text) {
  std::replace(text.begin(), text.end(), kJoint, ' ');
  return text;
}

std::string laid_out(const Paragraph& paragraph, const Layout& layout) {
  return lay_out(std::string(kFirstIndent), paragraph, layout);
}

std::string headline(const std::string& lead, const Paragraph& paragraph, const Layout& layout) {
  return lay_out(lead, paragraph, layout);
}

Paragraph note_paragraph(const std::string& note) {
  constexpr std::string_view kCommand = ": sandbox-run ";
  Paragraph paragraph{"note", Paragraph::Tone::plain, note};
  const std::size_t at = note.rfind(kCommand);
  if (at == std::string::npos) return paragraph;
  // Quoted words hold blanks of their own.
  bool in_quotes = false;
  std::string word;
  for (const char c : note.substr(at + 2)) {
    if (c == '\'') in_quotes = !in_quotes;
    if (c != ' ' || in_quotes) {
      word += c;
      continue;
    }
    paragraph.command.push_back(std::exchange(word, {}));
  }
  paragraph.command.push_back(word);
  paragraph.text.resize(at);
  return paragraph;
}

}  // namespace sandbox_run::cli
