#include "cli/review/report.h"

#include <algorithm>
#include <chrono>

#include "base/format.h"
#include "base/json.h"
#include "base/path.h"
#include "base/text.h"
#include "cli/runs_view.h"
#include "cli/state.h"
#include "workspace/notices.h"

namespace sandbox_run::cli {
namespace {

namespace json = base::json;
using base::printable;
using workspace::HeldChange;
using workspace::HeldSide;
using workspace::HeldView;

constexpr std::size_t kMaxShown = 1000;    // changes in the text
constexpr std::size_t kMaxContents = 100;  // of which the content is shown, too
constexpr std::size_t kMaxJson = 100'000;  // changes in the JSON form

std::string content_text(const std::vector<ContentLine>& lines, const std::string& indent,
                         const Style& style) {
  std::string text;
  for (const ContentLine& line : lines) {
    text += indent;
    switch (line.kind) {
      case ContentLine::Kind::added:
        text += style.added("+" + line.text);
        break;
      case ContentLine::Kind::removed:
        text += style.removed("-" + line.text);
        break;
      case ContentLine::Kind::place:
        text += style.strong(line.text);
        break;
      case ContentLine::Kind::context:
        text += " " + line.text;
        break;
      case ContentLine::Kind::note:
        text += style.faint(line.text);
        break;
    }
    text += "\n";
  }
  return text;
}

std::string mark_text(const HeldChange& change, const Style& style) {
  const std::string_view mark = mark_of(change.change.kind);
  if (mark == "+") return style.added(mark);
  return mark == "-" ? style.removed(mark) : style.changed(mark);
}

/// Prints the directories on the way to each change once.
class TreePrinter {
 public:
  explicit TreePrinter(const Style& style) : style_(style) {}

  /// The line that names the change, and the indentation of what belongs to it.
  std::string name_line(const HeldChange& change, std::string& indent) {
    std::vector<std::string> parts = base::split(change.change.path, '/');
    std::string text;
    if (change.target != target_) {
      target_ = change.target;
      above_.clear();
      text += style_.strong(printable(target_)) + "\n";
    }
    const std::string name = parts.back();
    parts.pop_back();
    const auto shared = static_cast<std::size_t>(
        std::mismatch(above_.begin(), above_.end(), parts.begin(), parts.end()).first -
        above_.begin());
    for (std::size_t i = shared; i < parts.size(); ++i) {
      text += std::string(2 * i + 4, ' ') + printable(parts[i]) + "/\n";
    }
    const bool is_directory = change.change.type == 'd';
    text += std::string(2 * parts.size() + 2, ' ') + mark_text(change, style_) + " " +
            style_.strong(printable(name) + (is_directory && name != "." ? "/" : "")) + "\n";
    indent = std::string(2 * parts.size() + 6, ' ');
    if (is_directory) parts.push_back(name);
    above_ = std::move(parts);
    return text;
  }

 private:
  const Style& style_;
  std::string target_;
  std::vector<std::string> above_;  // directories that stand printed
};

std::string head_text(const ReviewSource& source, std::size_t count) {
  const RunFacts& run = source.run();
  std::string text = "run " + run.id;
  if (!run.log.command.empty()) text += " · " + command_words(run.log);
  if (const auto start = start_of(run.id)) {
    text += " · " + age_words(std::chrono::system_clock::now() - *start) + " ago";
  }
  text += " · " + counted(count, "change", "changes") + " held\n";
  if (run.state == RunState::interrupted) {
    text +=
        "a commit of it was interrupted: sandbox-run commit, discard, or the next run there "
        "finishes or undoes it first\n";
  }
  return text;
}

/// Commands that can be typed as they stand.
std::string next_text(const ReviewSource& source, const std::vector<const HeldChange*>& changes) {
  const std::string& run = source.run().id;
  const auto example = std::find_if(changes.begin(), changes.end(), [](const HeldChange* change) {
    return change->verdict != policy::Verdict::protect;
  });
  const HeldChange& one = example == changes.end() ? *changes.front() : **example;
  std::string text = "\nDecide one by one:  sandbox-run review -i " + run + "\n";
  text += "Commit one:         sandbox-run commit " + run + " " +
          base::typable(source.operand(one)) + "\n";
  text += "Commit all:         sandbox-run commit " + run + "   (protected places: by name)\n";
  text += "Discard all:        sandbox-run discard " + run + "   (or with paths)\n";
  return text;
}

json::object side_json(const HeldSide& side) {
  json::object object{{"exists", side.exists}};
  if (!side.exists) return object;
  object["type"] = std::string(1, side.type);
  object["mode"] = side.mode;
  object["size"] = side.size;
  if (side.type == 'l') object["link"] = printable(side.link);
  return object;
}

json::object change_json(const ReviewSource& source, const HeldChange& change) {
  const auto side = [&](HeldView::From from) {
    try {
      return side_json(source.view().look(from, change.target, change.change.path));
    } catch (const std::exception& error) {
      return json::object{{"error", printable(error.what())}};
    }
  };
  json::array suspects;
  for (const std::string& name :
       source.suspects().names(change.target, change.change.path,
                               change_time(source.view(), change.target, change.change.path))) {
    suspects.emplace_back(name);
  }
  json::object object{{"target", printable(change.target)},
                      {"path", printable(change.change.path)},
                      {"argument", base::typable(full_path(change))},
                      {"change", workspace::to_word(change.change.kind)},
                      {"type", std::string(1, change.change.type)},
                      {"mode", change.change.mode},
                      {"size", change.change.size},
                      {"protected", change.verdict == policy::Verdict::protect},
                      {"reason", printable(change.reason)},
                      {"suspects", std::move(suspects)},
                      {"suspicion", suspicion(source, change)},
                      {"before", side(HeldView::From::host)},
                      {"after", side(HeldView::From::layer)}};
  const std::string other = printable(source.renames().other_path(change));
  if (other.empty()) return object;
  const bool is_new = change.change.kind != workspace::ChangeKind::removed;
  object[is_new ? "renamed_from" : "renamed_to"] = other;
  return object;
}

}  // namespace

std::string reason_words(const HeldChange& change) {
  std::string reason = printable(change.reason);
  if (change.verdict != policy::Verdict::protect) return reason;
  return reason.empty() ? "PROTECTED" : "PROTECTED: " + reason;
}

std::string change_text(ReviewSource& source, const HeldChange& change, const ContentLimits& limits,
                        const std::string& indent, const Style& style) {
  const auto look = [&](HeldView::From from) {
    try {
      return source.view().look(from, change.target, change.change.path);
    } catch (const std::exception&) {
      return HeldSide{};  // content_of() says why
    }
  };
  const bool is_protected = change.verdict == policy::Verdict::protect;
  std::string text =
      indent + what_changed(change, look(HeldView::From::host), look(HeldView::From::layer)) + "\n";
  const std::string reason = reason_words(change);
  const std::string other = printable(source.renames().other_path(change));
  const bool is_new = change.change.kind != workspace::ChangeKind::removed;
  if (!other.empty()) text += indent + (is_new ? "renamed from " : "renamed to ") + other + "\n";
  text += indent + "held: " + (is_protected ? style.alert(reason) : reason) + "\n";
  text += indent + "suspected: " + suspicion(source, change) + "\n";
  if (printable(change.change.path) != change.change.path) {
    text += indent + "to be typed as: " + base::typable(source.operand(change)) + "\n";
  }
  if (!other.empty()) return text;  // the content is the old one
  return text + content_text(content_of(source, change, limits), indent, style);
}

std::string review_text(ReviewSource& source, const std::vector<std::string>& paths,
                        const Style& style) {
  const std::vector<const HeldChange*> changes = source.held_at(paths);
  std::string text = head_text(source, source.held().size());
  if (changes.empty()) return text;
  constexpr ContentLimits kNoContent{0, 0, 0};
  const ContentLimits& wanted = paths.empty() ? kOverview : kInFull;
  TreePrinter tree(style);
  for (std::size_t i = 0; i < changes.size() && i < kMaxShown; ++i) {
    std::string indent;
    text += tree.name_line(*changes[i], indent);
    text += change_text(source, *changes[i], i < kMaxContents ? wanted : kNoContent, indent, style);
  }
  if (changes.size() > kMaxShown) {
    text += base::format("… and {} more: sandbox-run review --json {}\n",
                         changes.size() - kMaxShown, source.run().id);
  }
  return text + next_text(source, changes);
}

std::string review_json(ReviewSource& source, const std::vector<std::string>& paths) {
  const std::vector<const HeldChange*> changes = source.held_at(paths);
  json::object object = run_json(source.run());
  json::array list;
  for (const HeldChange* change : changes) {
    if (list.size() == kMaxJson) break;
    list.push_back(change_json(source, *change));
  }
  object["changes"] = std::move(list);
  object["changes_count"] = changes.size();
  return base::to_json(object) + "\n";
}

}  // namespace sandbox_run::cli
