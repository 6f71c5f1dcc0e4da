#include "cli/review/describe.h"

#include <algorithm>

#include "base/format.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/review/style.h"

namespace sandbox_run::cli {
namespace {

using workspace::ChangeKind;
using workspace::HeldChange;
using workspace::HeldEntries;
using workspace::HeldEntry;
using workspace::HeldSide;
using workspace::HeldView;
using ContentLines = std::vector<ContentLine>;

constexpr std::size_t kMaxLineBytes = 400;
constexpr std::uint64_t kMagicBytes = 4U << 20;  // of a file whose kind is looked at

std::string_view noun(char type) {
  switch (type) {
    case 'd':
      return "directory";
    case 'l':
      return "link";
    case 'p':
      return "FIFO";
    case 's':
      return "socket";
    case 'b':
    case 'c':
      return "device";
    default:
      return "file";
  }
}

std::string shown_line(std::string_view line) {
  if (line.size() <= kMaxLineBytes) return base::printable_line(line);
  return base::printable_line(line.substr(0, kMaxLineBytes)) +
         base::format("… ({} more)", size_words(line.size() - kMaxLineBytes));
}

void note(ContentLines& lines, std::string text) {
  lines.push_back({ContentLine::Kind::note, std::move(text)});
}

/// A whole text, each line with `kind`.
void append_text(ContentLines& lines, const std::string& text, ContentLine::Kind kind,
                 std::size_t max_lines) {
  std::vector<std::string> all = base::split(text, '\n');
  if (!all.empty() && all.back().empty()) all.pop_back();
  for (std::size_t i = 0; i < all.size() && i < max_lines; ++i) {
    lines.push_back({kind, shown_line(all[i])});
  }
  if (all.size() > max_lines) note(lines, base::format("… {} more lines", all.size() - max_lines));
}

void append_diff(ContentLines& lines, const std::vector<std::string>& diff, std::size_t max_lines) {
  for (std::size_t i = 0; i < diff.size() && i < max_lines; ++i) {
    const std::string& line = diff[i];
    const char mark = line.empty() ? ' ' : line.front();
    const std::string text = shown_line(line.empty() ? "" : std::string_view(line).substr(1));
    switch (mark) {
      case '+':
        lines.push_back({ContentLine::Kind::added, text});
        break;
      case '-':
        lines.push_back({ContentLine::Kind::removed, text});
        break;
      case '@':
        lines.push_back({ContentLine::Kind::place, shown_line(line)});
        break;
      case '\\':
        note(lines, "(no newline at the end)");
        break;
      default:
        lines.push_back({ContentLine::Kind::context, text});
    }
  }
  if (diff.size() > max_lines) {
    note(lines, base::format("… {} more lines of the diff", diff.size() - max_lines));
  }
}

std::string kind_words(const std::optional<std::string>& content, const HeldSide& side) {
  std::string kind = content ? std::string(kind_of(*content)) : "not looked into";
  if (content && is_text(*content)) kind = "text";
  return base::format("{}, {}", kind, size_words(side.size));
}

/// A new or changed regular file.
void append_file(ContentLines& lines, ReviewSource& source, const std::string& target,
                 const std::string& path, const ContentLimits& limits) {
  const HeldView& view = source.view();
  const HeldSide after = view.look(HeldView::From::layer, target, path);
  const HeldSide before = view.look(HeldView::From::host, target, path);
  const auto read = [&](HeldView::From from) { return view.read(from, target, path, kMagicBytes); };
  const auto ours = read(HeldView::From::layer);
  const bool was_file = before.exists && before.type == 'f';
  const auto theirs = was_file ? read(HeldView::From::host) : std::optional<std::string>("");
  const auto comparable = [](const std::optional<std::string>& text) {
    return text && text->size() <= kMaxComparedBytes && is_text(*text);
  };
  if (!comparable(ours) || !comparable(theirs)) {
    std::string text = kind_words(ours, after);
    if (was_file) text += " (before: " + kind_words(theirs, before) + ")";
    note(lines, ours && theirs && *ours == *theirs ? "content as before" : text);
    return;
  }
  if (!was_file) return append_text(lines, *ours, ContentLine::Kind::added, limits.lines);
  if (*ours == *theirs) return note(lines, "content as before");
  const auto diff = source.comparison().lines(*theirs, *ours);
  if (diff) return append_diff(lines, *diff, limits.lines);
  const std::string& why = source.comparison().why();
  note(lines, "no diff: " + (why.empty() ? "comparing took too long" : why));
}

/// The entries of a directory that is held as a whole.
void append_directory(ContentLines& lines, ReviewSource& source, const HeldChange& change,
                      const ContentLimits& limits) {
  const std::string& path = change.change.path;
  const HeldEntries found = source.view().list(change.target, path, limits.entries);
  const std::string entries = counted(found.count, "entry", "entries");
  note(lines, base::format("{}{}, {}", found.complete ? "" : "more than ", entries,
                           size_words(found.bytes)));
  if (found.count > limits.entries) return;
  const std::size_t skip = path == "." ? 0 : path.size() + 1;
  std::size_t shown = 0;
  for (const HeldEntry& entry : found.entries) {
    const HeldSide& side = entry.side;
    std::string text = "+ " + base::printable(std::string_view(entry.path).substr(skip));
    if (side.type == 'd') text += "/";
    if (side.type == 'l') text += " → " + base::printable(side.link);
    if (side.type == 'f') text += base::format("  {}, mode {:o}", size_words(side.size), side.mode);
    lines.push_back({ContentLine::Kind::place, text});
    if (side.type == 'f' && shown++ < limits.files) {
      append_file(lines, source, change.target, entry.path, limits);
    }
  }
}

std::string link_words(const HeldSide& side) {
  return side.type == 'l' ? " to " + base::printable(side.link) : "";
}

}  // namespace

std::string_view mark_of(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::added:
      return "+";
    case ChangeKind::changed:
    case ChangeKind::replaced:
      return "~";
    case ChangeKind::removed:
      return "-";
  }
  return "~";
}

std::string what_changed(const HeldChange& change, const HeldSide& before, const HeldSide& after) {
  const char type = change.change.type;
  const std::string mode = base::format("mode {:o}", change.change.mode & 07777U);
  if (change.change.kind == ChangeKind::removed) {
    std::string text = base::format("{} removed", noun(type));
    if (before.exists && before.type == 'f') text += ", it has " + size_words(before.size);
    if (!before.exists) text += " (gone on the host, too)";
    return text;
  }
  std::vector<std::string> parts;
  if (!before.exists || change.change.kind == ChangeKind::added) {
    parts.push_back(base::format("new {}{}", noun(type), link_words(after)));
    if (type == 'f') parts.push_back(size_words(after.size));
    if (type != 'l') parts.push_back(mode);
    if (before.exists) parts.emplace_back("on the host there is one by now");
    return base::join(parts, ", ");
  }
  if (before.type != type) {
    parts.push_back(base::format("{} instead of a {}", std::string(noun(type)) + link_words(after),
                                 std::string(noun(before.type)) + link_words(before)));
  } else if (type == 'l') {
    parts.push_back(base::format("link{}, before{}", link_words(after), link_words(before)));
  } else if (type == 'd' && change.change.kind == ChangeKind::replaced) {
    parts.emplace_back("directory replaced by a new one");
  } else if (type == 'f' && before.size != after.size) {
    parts.push_back(base::format("{} → {}", size_words(before.size), size_words(after.size)));
  } else if (type == 'f') {
    parts.push_back(size_words(after.size));
  }
  if (type != 'l' && before.mode != after.mode) {
    parts.push_back(base::format("mode {:o} → {:o}", before.mode, after.mode));
  }
  return parts.empty() ? "changed" : base::join(parts, ", ");
}

std::vector<ContentLine> content_of(ReviewSource& source, const HeldChange& change,
                                    const ContentLimits& limits) {
  ContentLines lines;
  try {
    if (change.change.kind != ChangeKind::removed) {
      if (change.change.type == 'f') {
        append_file(lines, source, change.target, change.change.path, limits);
      } else if (covers_subtree(change.change)) {
        append_directory(lines, source, change, limits);
      }
    } else if (change.change.type == 'f') {
      const auto text = source.view().read(HeldView::From::host, change.target, change.change.path,
                                           kMaxComparedBytes);
      if (text && is_text(*text))
        append_text(lines, *text, ContentLine::Kind::removed, limits.lines);
    }
  } catch (const std::exception& error) {
    note(lines, "can't be shown: " + base::printable(error.what()));
  }
  return lines;
}

std::string suspicion(const ReviewSource& source, const HeldChange& change) {
  return source.suspects().words(change.target, change.change.path,
                                 change_time(source.view(), change.target, change.change.path));
}

}  // namespace sandbox_run::cli
