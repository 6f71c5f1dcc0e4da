#include "policy/manifest.h"

#include <algorithm>
#include <set>

#include "base/json.h"

namespace sandbox_run::policy {
namespace {

using base::json::object;
using base::json::value;

/// Of two members of one name the last one counts, for JavaScript as for Boost.JSON. npm takes a
/// byte order mark off, too.
std::optional<value> parse(std::string_view text) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  if (text.starts_with(kMark)) text.remove_prefix(kMark.size());
  if (text.empty()) return value(object());
  std::optional<value> parsed = base::parse_json(text);
  if (parsed && !parsed->is_object()) parsed.reset();
  return parsed;
}

/// The keys of all objects in order, as they stand in `node`.
void append_order(const value& node, std::string& order) {
  if (const object* members = node.if_object()) {
    for (const auto& member : *members) {
      order.append(member.key().data(), member.key().size()).append("\n");
      append_order(member.value(), order);
    }
  } else if (const auto* list = node.if_array()) {
    for (const value& item : *list) append_order(item, order);
  }
}

std::string order_of(const value& node) {
  std::string order;
  append_order(node, order);
  return order;
}

/// Of these node takes the first condition that holds.
bool is_ordered(std::string_view name) { return name == "exports" || name == "imports"; }

std::size_t count_members(const value& node) {
  std::size_t count = 0;
  if (const object* members = node.if_object()) {
    for (const auto& member : *members) count += 1 + count_members(member.value());
  } else if (const auto* list = node.if_array()) {
    for (const value& item : *list) count += count_members(item);
  }
  return count;
}

/// Each member has one colon outside of strings.
std::size_t count_colons(std::string_view text) {
  std::size_t count = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (in_string && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      in_string = !in_string;
    } else if (text[i] == ':' && !in_string) {
      ++count;
    }
  }
  return count;
}

std::string_view without_dot(std::string_view path) {
  while (path.starts_with("./")) path.remove_prefix(2);
  return path;
}

}  // namespace

bool same_manifest(std::string_view before, std::string_view after) {
  const std::optional<value> old_value = parse(before);
  const std::optional<value> new_value = parse(after);
  if (!old_value || !new_value) return false;
  const auto is_unambiguous = [](std::string_view text, const value& parsed) {
    return count_colons(text) == count_members(parsed);
  };
  const auto changed = changed_members(before, after, {});
  return changed && changed->empty() && is_unambiguous(before, *old_value) &&
         is_unambiguous(after, *new_value);
}

namespace {

/// "^1.2.0", ">=1 <3", "workspace:^": no tag, no address, no other name.
bool is_plain_range(const value& node) {
  const auto* text = node.if_string();
  if (text == nullptr) return false;
  std::string_view range(text->data(), text->size());
  constexpr std::string_view kWorkspace = "workspace:";
  if (range.starts_with(kWorkspace)) range.remove_prefix(kWorkspace.size());
  constexpr std::string_view kFirst = "^~<>=*0123456789";
  constexpr std::string_view kOthers = ".-+ |ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  return !range.empty() && kFirst.find(range.front()) != std::string_view::npos &&
         std::all_of(range.begin(), range.end(), [&](char letter) {
           return kFirst.find(letter) != std::string_view::npos ||
                  kOthers.find(letter) != std::string_view::npos;
         });
}

/// Two objects with the same members in which `may_differ` is asked of those that differ.
template <typename MayDiffer>
bool same_but(const value& before, const value& after, MayDiffer may_differ) {
  const object* old_members = before.if_object();
  const object* new_members = after.if_object();
  if (old_members == nullptr || new_members == nullptr ||
      old_members->size() != new_members->size()) {
    return false;
  }
  return std::all_of(old_members->begin(), old_members->end(), [&](const auto& member) {
    const value* other = new_members->if_contains(member.key());
    if (other == nullptr) return false;
    return (*other == member.value() && order_of(*other) == order_of(member.value())) ||
           may_differ(std::string_view(member.key().data(), member.key().size()), member.value(),
                      *other);
  });
}

bool same_but_versions(const value& before, const value& after, const std::set<std::string>& own) {
  const auto is_own_range = [&](std::string_view name, const value& old_range, const value& range) {
    return own.contains(std::string(name)) && is_plain_range(old_range) && is_plain_range(range);
  };
  return same_but(before, after, [&](std::string_view key, const value& from, const value& to) {
    if (key == "version") return is_plain_range(from) && is_plain_range(to);
    const bool is_list = key.ends_with("ependencies");
    return is_list && same_but(from, to, is_own_range);
  });
}

}  // namespace

bool only_own_versions_changed(std::string_view before, std::string_view after,
                               const std::set<std::string>& own) {
  const std::optional<value> old_value = parse(before);
  const std::optional<value> new_value = parse(after);
  if (!old_value || !new_value || count_colons(before) != count_members(*old_value) ||
      count_colons(after) != count_members(*new_value)) {
    return false;
  }
  if (same_but_versions(*old_value, *new_value, own)) return true;
  // A lockfile: what is installed stays as it was.
  const auto is_own_place = [&](std::string_view path, const value& from, const value& to) {
    return path.find("node_modules/") == std::string_view::npos && same_but_versions(from, to, own);
  };
  return same_but(*old_value, *new_value,
                  [&](std::string_view key, const value& from, const value& to) {
                    if (key == "version") return is_plain_range(from) && is_plain_range(to);
                    return key == "packages" && same_but(from, to, is_own_place);
                  });
}

bool names_program(std::string_view manifest, std::string_view path) {
  const std::vector<std::string> named = named_programs(manifest);
  return std::find(named.begin(), named.end(), path) != named.end();
}

std::vector<std::string> named_programs(std::string_view manifest) {
  const std::optional<value> parsed = parse(manifest);
  const value* bin = parsed ? parsed->get_object().if_contains("bin") : nullptr;
  std::vector<std::string> paths;
  const auto add = [&](const value& named) {
    const auto* text = named.if_string();
    if (text != nullptr) paths.emplace_back(without_dot({text->data(), text->size()}));
  };
  if (bin == nullptr) return paths;
  if (const object* members = bin->if_object()) {
    for (const auto& member : *members) add(member.value());
  } else {
    add(*bin);
  }
  return paths;
}

/// The strings in a value of any shape, to this depth.
static void add_texts(const value& from, int depth, std::vector<std::string>& paths) {
  if (const auto* text = from.if_string()) {
    paths.emplace_back(without_dot({text->data(), text->size()}));
  } else if (depth == 0) {
    return;
  } else if (const auto* members = from.if_object()) {
    for (const auto& member : *members) add_texts(member.value(), depth - 1, paths);
  } else if (const auto* list = from.if_array()) {
    for (const value& item : *list) add_texts(item, depth - 1, paths);
  }
}

std::vector<std::string> offered_paths(std::string_view manifest) {
  constexpr int kDeepestExports = 8;
  const std::optional<value> parsed = parse(manifest);
  std::vector<std::string> paths;
  if (!parsed) return paths;
  for (const char* name : {"main", "module", "types", "typings", "exports", "bin", "files"}) {
    const value* member = parsed->get_object().if_contains(name);
    if (member != nullptr) add_texts(*member, kDeepestExports, paths);
  }
  return paths;
}

bool has_script(std::string_view manifest, const std::vector<std::string>& names) {
  const std::optional<value> parsed = parse(manifest);
  const value* scripts = parsed ? parsed->get_object().if_contains("scripts") : nullptr;
  if (scripts == nullptr || !scripts->is_object()) return false;
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return scripts->get_object().contains(name); });
}

bool names_program_as(std::string_view manifest, std::string_view path, std::string_view program) {
  const std::optional<value> parsed = parse(manifest);
  if (!parsed) return false;
  const object& members = parsed->get_object();
  const auto text_of = [](const value* named) -> std::string_view {
    const auto* text = named == nullptr ? nullptr : named->if_string();
    return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
  };
  const auto last_part = [](std::string_view word) { return word.substr(word.rfind('/') + 1); };
  const value* bin = members.if_contains("bin");
  if (bin == nullptr) {
    const value* directories = members.if_contains("directories");
    if (directories == nullptr || !directories->is_object()) return false;
    const std::string_view inside =
        without_dot(text_of(directories->get_object().if_contains("bin")));
    return !inside.empty() && path.starts_with(inside) && last_part(path) == program;
  }
  const auto is_path = [&](const value& named) { return without_dot(text_of(&named)) == path; };
  if (const object* programs = bin->if_object()) {
    return std::any_of(programs->begin(), programs->end(), [&](const auto& member) {
      return last_part({member.key().data(), member.key().size()}) == program &&
             is_path(member.value());
    });
  }
  return last_part(text_of(members.if_contains("name"))) == program && is_path(*bin);
}

std::optional<std::vector<std::string>> changed_members(std::string_view before,
                                                        std::string_view after,
                                                        const std::vector<std::string>& allowed) {
  const std::optional<value> old_value = parse(before);
  const std::optional<value> new_value = parse(after);
  if (!old_value || !new_value) return std::nullopt;
  std::set<std::string> changed;
  const auto collect = [&](const object& members, const object& others) {
    for (const auto& member : members) {
      const value* other = others.if_contains(member.key());
      const bool same = other != nullptr && *other == member.value();
      if (same && (!is_ordered(member.key()) || order_of(*other) == order_of(member.value()))) {
        continue;
      }
      std::string name(member.key().data(), member.key().size());
      if (std::find(allowed.begin(), allowed.end(), name) == allowed.end()) {
        changed.insert(std::move(name));
      }
    }
  };
  collect(old_value->get_object(), new_value->get_object());
  collect(new_value->get_object(), old_value->get_object());
  return std::vector<std::string>(changed.begin(), changed.end());
}

}  // namespace sandbox_run::policy
