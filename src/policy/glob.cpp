#include "policy/glob.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/text.h"

// Two nested matchers of the same greedy kind: one over the bytes of a component ('*'), one over
// the components of a path ('**'). On a mismatch each goes back to its last star only: what an
// earlier star could still swallow, the last one can swallow too. Hence no exponential patterns.

namespace sandbox_run::policy {
namespace {

/// The components of a path one after another, nothing allocated.
class Components {
 public:
  explicit Components(std::string_view text) : rest_(text) { next(); }

  bool at_end() const { return !current_; }
  std::string_view current() const { return *current_; }
  void next() {
    const std::size_t start = rest_.find_first_not_of('/');
    if (start == std::string_view::npos) {
      current_.reset();
      return;
    }
    rest_.remove_prefix(start);
    current_ = rest_.substr(0, rest_.find('/'));
    rest_.remove_prefix(current_->size());
  }

 private:
  std::string_view rest_;
  std::optional<std::string_view> current_;
};

/// Matches `c` with the set at pattern[at] == '['. Sets `after` behind the set. nullopt: no closing
/// bracket, so the '[' is an ordinary byte.
std::optional<bool> match_set(std::string_view pattern, std::size_t at, char c,
                              std::size_t& after) {
  std::size_t i = at + 1;
  const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  if (negated) ++i;
  bool found = false;
  for (bool first = true; i < pattern.size(); first = false) {
    if (pattern[i] == ']' && !first) {
      after = i + 1;
      return found != negated;
    }
    if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
    const auto low = static_cast<unsigned char>(pattern[i]);
    auto high = low;
    if (i + 2 < pattern.size() && pattern[i + 1] == '-' && pattern[i + 2] != ']') {
      i += 2;
      if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
      high = static_cast<unsigned char>(pattern[i]);
    }
    const auto byte = static_cast<unsigned char>(c);
    if (low <= byte && byte <= high) found = true;
    ++i;
  }
  return std::nullopt;
}

/// Does what stands at pattern[at] (not a star) match the byte `c`? Sets `after` behind it.
bool match_one(std::string_view pattern, std::size_t at, char c, std::size_t& after) {
  after = at + 1;
  switch (pattern[at]) {
    case '?':
      return true;
    case '[':
      if (const auto matched = match_set(pattern, at, c, after)) return *matched;
      return c == '[';
    case '\\':
      if (at + 1 < pattern.size()) {
        after = at + 2;
        return pattern[at + 1] == c;
      }
      return c == '\\';
    default:
      return pattern[at] == c;
  }
}

/// One component against one component, or a name against a name.
bool match_bytes(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::optional<std::size_t> star;  // the last '*' seen
  std::size_t star_text = 0;        // and where it stops swallowing
  while (t < text.size()) {
    std::size_t after = 0;
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && match_one(pattern, p, text[t], after)) {
      p = after;
      ++t;
    } else if (star) {
      p = *star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

constexpr std::string_view kAnyDepth = "**";

/// Of "**/NAME/…" a path that holds no NAME at all is told in one look: a profile has hundreds of
/// such patterns, and each change is held against them.
bool lacks_name(std::string_view pattern, std::string_view path) {
  if (!pattern.starts_with("**/")) return false;
  pattern.remove_prefix(kAnyDepth.size() + 1);
  const std::string_view name = pattern.substr(0, pattern.find('/'));
  return name.find_first_of("*?[\\") == std::string_view::npos &&
         path.find(name) == std::string_view::npos;
}

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view path) {
  if (lacks_name(pattern, path)) return false;
  Components p(pattern);
  Components t(path);
  std::optional<Components> star;  // behind the last "**" seen
  Components star_path = t;
  while (!t.at_end()) {
    if (!p.at_end() && p.current() == kAnyDepth) {
      p.next();
      star = p;
      star_path = t;
    } else if (!p.at_end() && match_bytes(p.current(), t.current())) {
      p.next();
      t.next();
    } else if (star) {
      p = *star;
      star_path.next();
      t = star_path;
    } else {
      return false;
    }
  }
  while (!p.at_end() && p.current() == kAnyDepth) p.next();
  return p.at_end();
}

bool glob_covers(std::string_view pattern, std::string_view directory) {
  const bool open_ended = pattern == kAnyDepth || pattern.ends_with("/**");
  return open_ended && glob_matches(pattern, directory);
}

bool glob_reaches_into(std::string_view pattern, std::string_view directory) {
  Components p(pattern);
  for (Components d(directory); !d.at_end(); d.next()) {
    if (p.at_end()) return false;
    if (p.current() == kAnyDepth) return true;  // whatever follows may lie deeper still
    if (!match_bytes(p.current(), d.current())) return false;
    p.next();
  }
  return !p.at_end();
}

std::string quoted_glob(std::string_view path) {
  std::string glob;
  for (const char c : path) {
    if (std::string_view("*?[]\\").find(c) != std::string_view::npos) glob += '\\';
    glob += c;
  }
  return glob;
}

bool name_matches(std::string_view pattern, std::string_view name) {
  return match_bytes(base::to_lower(pattern), base::to_lower(name));
}

bool name_matches_any(const std::vector<std::string>& patterns, std::string_view name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return name_matches(pattern, name); });
}

}  // namespace sandbox_run::policy
