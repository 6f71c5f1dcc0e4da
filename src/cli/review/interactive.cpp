// Plain lines and single keys: nothing is drawn over, so that it works on any terminal, and what
// was answered can be read again above.

#include "cli/review/interactive.h"

#include <unistd.h>

#include <algorithm>

#include "base/format.h"
#include "base/io.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "cli/commands/settle.h"
#include "cli/exit_code.h"
#include "cli/review/decisions.h"
#include "cli/review/keyboard.h"
#include "cli/review/report.h"
#include "cli/state.h"

namespace sandbox_run::cli {
namespace {

using base::printable;
using workspace::HeldChange;

constexpr std::size_t kMaxOpened = 500;  // entries of a directory that is gone through one by one
constexpr ContentLimits kGlance{15, 20, 3};

int screen() { return ::isatty(STDOUT_FILENO) != 0 ? STDOUT_FILENO : STDERR_FILENO; }

const char* to_word(Decision decision) {
  switch (decision) {
    case Decision::commit:
      return "commit";
    case Decision::discard:
      return "discard";
    case Decision::skip:
      return "skip";
  }
  return "skip";
}

class Interview {
 public:
  Interview(const std::string& run_directory, const std::vector<std::string>& paths)
      : in_use_(run_directory), source_(run_directory), style_(Style::for_stream(screen())) {
    for (const HeldChange* change : source_.held_at(paths)) held_.push_back(*change);
    items_ = make_items(held_);
  }

  /// False: nothing is to be done.
  bool decide() {
    say(base::format("{} held of run {}; nothing is done before you have confirmed at the end.\n",
                     counted(held_.size(), "change is", "changes are"), source_.run().id));
    Keyboard keyboard(STDIN_FILENO);
    while (true) {
      while (at_ < items_.size()) {
        if (!ask(keyboard)) return false;
      }
      switch (confirm(keyboard)) {
        case 'y':
          return true;
        case 'b':
          at_ = items_.empty() ? 0 : items_.size() - 1;
          break;
        default:
          return false;
      }
    }
  }

  const std::vector<Item>& items() const { return items_; }
  void say(const std::string& text) const { base::write_full(screen(), text, "printing"); }

 private:
  std::string title(const Item& item) const {
    const std::string name =
        printable(source_.operand(item.change)) + (item.change.change.type == 'd' ? "/" : "");
    if (item.form == Item::Form::group) {
      return base::format("{} {}  {} in it", style_.changed("~"), style_.strong(name),
                          counted(item.count, "change", "changes"));
    }
    return std::string(mark_of(item.change.change.kind)) + " " + style_.strong(name);
  }

  void show(const Item& item, const ContentLimits& limits) {
    say(base::format("\n[{}/{}] {}\n", at_ + 1, items_.size(), title(item)));
    if (item.form != Item::Form::group) {
      say(change_text(source_, item.change, limits, "    ", style_));
      return;
    }
    say("    held: " + reason_words(item.change) + "\n");
    std::size_t shown = 0;
    for (const HeldChange& change : held_) {
      if (!names_change(full_path(item.change), change)) continue;
      if (shown++ == limits.entries) {
        say(base::format("    … {} more\n", item.count - limits.entries));
        break;
      }
      say(base::format("    {} {}\n", mark_of(change.change.kind), printable(change.change.path)));
    }
  }

  /// One key, shown after the question.
  char ask_key(Keyboard& keyboard, const char* question) const {
    keyboard.forget();
    say(question);
    const char key = keyboard.read();
    say(key > ' ' && key <= '~' ? std::string(1, key) + "\n" : "\n");
    return key;
  }

  /// Asks about the item at `at_`, once; false: the person has left.
  bool ask(Keyboard& keyboard) {
    if (shown_ != at_ + 1) show(items_[at_], kGlance);
    shown_ = at_ + 1;
    constexpr const char* kQuestion =
        "    (c)ommit (d)iscard (s)kip sho(w) (o)pen (b)ack (f)inish (q)uit ? ";
    switch (ask_key(keyboard, kQuestion)) {
      case 'c':
        decide_item(Decision::commit);
        break;
      case 'd':
        decide_item(Decision::discard);
        break;
      case 's':
        decide_item(Decision::skip);
        break;
      case 'w':
        show(items_[at_], kInFull);
        break;
      case 'o':
        open();
        break;
      case 'b':
        at_ = at_ == 0 ? 0 : at_ - 1;
        shown_ = 0;
        break;
      case 'f':
        at_ = items_.size();
        break;
      case 'q':
      case Keyboard::kEnd:
        return false;
      case Keyboard::kNothing:
        break;
      default:
        help();
    }
    return true;
  }

  void decide_item(Decision decision) {
    items_[at_].decision = decision;
    say(std::string("    → ") + to_word(decision) + "\n");
    ++at_;
  }

  void help() const {
    say("    c  commit: take it over into the project\n"
        "    d  discard it\n"
        "    s  skip: it stays held\n"
        "    w  show it in full\n"
        "    o  open: go through what is in the directory one by one\n"
        "    b  back to the one before\n"
        "    f  finish: skip all that follow\n"
        "    q  quit: nothing is done\n");
  }

  void open() {
    std::vector<Item> inner = opened(items_[at_]);
    if (inner.empty()) return;
    const auto place = items_.begin() + static_cast<std::ptrdiff_t>(at_);
    const auto after = items_.erase(place);
    items_.insert(after, inner.begin(), inner.end());
    shown_ = 0;
  }

  std::vector<Item> opened(const Item& item) {
    if (item.form == Item::Form::group) return open_group(held_, item);
    if (item.change.change.type != 'd' || item.change.change.kind != workspace::ChangeKind::added) {
      say("    nothing in it can be decided on its own\n");
      return {};
    }
    const auto found = source_.view().list(item.change.target, item.change.change.path, kMaxOpened);
    if (!found.complete || found.count > kMaxOpened) {
      say(base::format("    {} are too many at once; name some: sandbox-run commit {} PATH…\n",
                       counted(found.count, "entry", "entries"), source_.run().id));
      return {};
    }
    return leaves(item, found.entries);
  }

  /// The files in a new directory; its directories come with them, empty ones on their own.
  static std::vector<Item> leaves(const Item& item,
                                  const std::vector<workspace::HeldEntry>& entries) {
    std::vector<Item> items;
    for (const workspace::HeldEntry& entry : entries) {
      const bool holds_something =
          std::any_of(entries.begin(), entries.end(), [&](const workspace::HeldEntry& other) {
            return other.path.starts_with(entry.path + "/");
          });
      if (holds_something) continue;
      Item leaf = item;
      leaf.change.change = {entry.path, workspace::ChangeKind::added, entry.side.type,
                            entry.side.mode, entry.side.size};
      items.push_back(std::move(leaf));
    }
    return items;
  }

  char confirm(Keyboard& keyboard) {
    const Totals totals = total(items_);
    if (totals.commit == 0 && totals.discard == 0) {
      say("\nNothing to commit or discard: everything stays held.\n");
      return 'q';
    }
    std::string text = base::format("\nCommit {}, discard {}, leave {} held.\n", totals.commit,
                                    totals.discard, totals.skip);
    for (const Item& item : items_) {
      if (item.decision != Decision::commit || item.change.verdict != policy::Verdict::protect) {
        continue;
      }
      text += style_.alert("PROTECTED, to be committed: ") +
              printable(source_.operand(item.change)) + "\n";
    }
    say(text);
    while (true) {
      const char key = ask_key(keyboard, "Do it? (y)es (b)ack (q)uit, nothing is done ? ");
      if (key == 'y' || key == 'b' || key == 'q' || key == Keyboard::kEnd) return key;
    }
  }

  RunInUse in_use_;
  ReviewSource source_;
  std::vector<HeldChange> held_;
  std::vector<Item> items_;
  Style style_;
  std::size_t at_ = 0;
  std::size_t shown_ = 0;  // 1 + the item that stands on the screen; 0: none
};

}  // namespace

bool can_ask() {
  return ::isatty(STDIN_FILENO) != 0 &&
         (::isatty(STDOUT_FILENO) != 0 || ::isatty(STDERR_FILENO) != 0);
}

int review_interactively(const std::string& state, const std::string& run_directory,
                         const std::vector<std::string>& paths) {
  Interview interview(run_directory, paths);
  if (!interview.decide()) {
    interview.say("Nothing was done; everything is still held.\n");
    return kOk;
  }
  int code = kOk;
  // What is to be kept first: should that fail, nothing is lost either.
  for (const auto& [decision, settlement] : {std::pair{Decision::commit, Settlement::commit},
                                             {Decision::discard, Settlement::discard}}) {
    const std::vector<std::string> chosen = paths_of(interview.items(), decision);
    if (chosen.empty()) continue;
    const Settled settled = settle(state, run_directory, settlement, chosen);
    interview.say(settled_text(settled, settlement, base::file_name(run_directory)));
    if (!settled.refused.empty()) code = kSetupFailed;
  }
  return code;
}

}  // namespace sandbox_run::cli
