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

}  // namespace

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
      if (other != nullptr && *other == member.value()) continue;
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
