#include "cli/review/decisions.h"

#include <algorithm>

#include "base/path.h"
#include "cli/review/source.h"

namespace sandbox_run::cli {
namespace {

using workspace::ChangeKind;
using workspace::HeldChange;
using HeldChanges = std::vector<const HeldChange*>;

bool have_one_reason(const HeldChanges& changes) {
  return std::all_of(changes.begin(), changes.end(), [&](const HeldChange* change) {
    return change->verdict == changes.front()->verdict && change->reason == changes.front()->reason;
  });
}

/// The component of `path` that follows directory `above` ("": the target).
std::string component_after(const std::string& path, const std::string& above) {
  const std::size_t begin = above.empty() ? 0 : above.size() + 1;
  return path.substr(0, path.find('/', begin));
}

/// The changes beneath directory `above` of one target, each by what stands one level below it.
class Level {
 public:
  explicit Level(std::vector<Item>& items) : items_(items) {}

  void add(const HeldChanges& changes, const std::string& above) {
    for (std::size_t begin = 0; begin < changes.size();) {
      const std::string top = component_after(changes[begin]->change.path, above);
      std::size_t end = begin;
      while (end < changes.size() && component_after(changes[end]->change.path, above) == top) {
        ++end;
      }
      add_one({changes.begin() + static_cast<std::ptrdiff_t>(begin),
               changes.begin() + static_cast<std::ptrdiff_t>(end)},
              top);
      begin = end;
    }
  }

 private:
  /// All changes at or beneath `path`; depth is bounded by what the layer's walk accepts.
  void add_one(HeldChanges changes, const std::string& path) {
    const HeldChange& first = *changes.front();
    if (changes.size() == 1) {
      add_change(first);
    } else if (have_one_reason(changes)) {
      Item group;
      group.form = Item::Form::group;
      group.count = changes.size();
      group.change = first;
      group.change.change = {path, ChangeKind::changed, 'd', 0, 0};
      items_.push_back(std::move(group));
    } else {
      if (first.change.path == path) {
        add_change(first);
        changes.erase(changes.begin());
      }
      add(changes, path);
    }
  }

  void add_change(const HeldChange& change) {
    Item item;
    item.change = change;
    const bool is_own = change.change.type == 'd' && !covers_subtree(change.change) &&
                        change.change.kind != ChangeKind::removed;
    if (is_own) item.form = Item::Form::directory;
    items_.push_back(std::move(item));
  }

  std::vector<Item>& items_;
};

}  // namespace

std::string Item::path() const {
  const std::string full = full_path(change);
  return form == Form::directory ? full + "/." : full;
}

std::vector<Item> make_items(const std::vector<HeldChange>& held) {
  std::vector<Item> items;
  for (std::size_t begin = 0; begin < held.size();) {
    HeldChanges changes;
    const std::string& target = held[begin].target;
    for (; begin < held.size() && held[begin].target == target; ++begin) {
      changes.push_back(&held[begin]);
    }
    Level(items).add(changes, "");
  }
  return items;
}

std::vector<Item> open_group(const std::vector<HeldChange>& held, const Item& group) {
  const std::string& directory = group.change.change.path;
  HeldChanges changes;
  std::vector<Item> items;
  for (const HeldChange& change : held) {
    if (change.target != group.change.target) continue;
    const std::string& path = change.change.path;
    if (path == directory) {
      Item own;
      own.change = change;
      own.form = covers_subtree(change.change) ? Item::Form::change : Item::Form::directory;
      items.push_back(std::move(own));
    } else if (path.starts_with(directory + "/")) {
      changes.push_back(&change);
    }
  }
  Level(items).add(changes, directory);
  return items;
}

Totals total(const std::vector<Item>& items) {
  Totals totals;
  for (const Item& item : items) {
    switch (item.decision) {
      case Decision::commit:
        totals.commit += item.count;
        break;
      case Decision::discard:
        totals.discard += item.count;
        break;
      case Decision::skip:
        totals.skip += item.count;
        break;
    }
  }
  return totals;
}

std::vector<std::string> paths_of(const std::vector<Item>& items, Decision decision) {
  std::vector<std::string> paths;
  for (const Item& item : items) {
    if (item.decision == decision) paths.push_back(item.path());
  }
  return paths;
}

}  // namespace sandbox_run::cli
