#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "events/sink_address.h"
#include "policy/profile.h"

namespace sandbox_run::cli {

enum class Action {
  run,
  plan,
  review,
  commit,
  discard,
  undo,
  runs,
  prune,
  log,
  explain,
  lock,
  help,
  version
};
enum class Output { words, json, quiet };

/// What becomes of what a run changes.
enum class Changes {
  by_profile,  // expected ones are committed, the others held
  review,      // --review: all are held, until a person has looked
  discard      // --discard: none are kept
};
/// What a run does with the behaviour lock.
enum class LockUse {
  compare,  // what it does not know is an alert; without a lock there is nothing to compare with
  frozen,   // --frozen: and makes the run fail; there must be a lock
  learn     // --learn: what it does not know is added to it
};
enum class ReviewMode { report, interactive };
/// Of `commit` without a path: does it take what wants to be named, too?
enum class Confirmation { none, given };

/// plan --timings
enum class TimingsShown { no, yes };

struct PruneRule {
  std::chrono::seconds older_than{0};
  enum class Held { keep, remove } held = Held::keep;
  enum class Act { remove, only_say } act = Act::remove;
};

struct LogOptions {
  enum class Form { tree, json, verify } form = Form::tree;
  enum class Which { all, alerts } which = Which::all;
  enum class Follow { no, yes } follow = Follow::no;
  std::string actor;  // "": all of them
};

struct Options {
  Action action = Action::run;
  Output output = Output::words;
  std::string profile;  // "": found from the command
  /// Further places for events; the state directory's file is always written.
  std::vector<events::SinkAddress> events;
  policy::CommandLineRules rules;
  Changes changes = Changes::by_profile;
  LockUse lock = LockUse::compare;
  ReviewMode review = ReviewMode::report;
  Confirmation confirmation = Confirmation::none;
  std::string topic;  // of help; "": the general one
  TimingsShown timings = TimingsShown::no;
  PruneRule prune;
  LogOptions log;
  std::vector<std::string> command;    // what is run
  std::vector<std::string> own_words;  // what stood before it: to be typed again
  std::vector<std::string> operands;   // of a sub-command: [RUN] [PATHS…]
};

/// argv without the program's own name; `cwd` makes relative --ro and --rw paths absolute.
/// Everything from the first word that is no option, or after "--", is the command's own; a
/// sub-command's own options follow its name. Throws UserError.
Options parse_options(const std::vector<std::string>& arguments, const std::string& cwd);

std::string help_text();

}  // namespace sandbox_run::cli
