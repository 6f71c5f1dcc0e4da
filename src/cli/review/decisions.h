#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "workspace/workspace.h"

// What a person has decided so far: pure, so that every key's effect can be tested.

namespace sandbox_run::cli {

enum class Decision { skip, commit, discard };

/// What one question is about: a change, or several beneath one directory that are held for the
/// same reason.
struct Item {
  workspace::HeldChange change;  // of a group: its directory, and the common reason
  std::size_t count = 1;         // of changes
  enum class Form {
    change,     // one change and all beneath it
    directory,  // a directory's own change (its mode), without what is in it
    group       // of `count` changes
  } form = Form::change;
  Decision decision = Decision::skip;
  /// As commit_held() and discard_held() take it.
  std::string path() const;
};

/// The questions to ask, in order: groups where possible, but nothing that is protected in a group
/// with what is not. `held` sorted as by comes_before().
std::vector<Item> make_items(const std::vector<workspace::HeldChange>& held);
/// A group, one level further down.
std::vector<Item> open_group(const std::vector<workspace::HeldChange>& held, const Item& group);

struct Totals {
  std::size_t commit = 0;  // changes
  std::size_t discard = 0;
  std::size_t skip = 0;
};
Totals total(const std::vector<Item>& items);
/// The paths of those with that decision.
std::vector<std::string> paths_of(const std::vector<Item>& items, Decision decision);

}  // namespace sandbox_run::cli
