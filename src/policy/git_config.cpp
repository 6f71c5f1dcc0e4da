#include "policy/git_config.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "base/path.h"
#include "base/text.h"
#include "policy/glob.h"

namespace sandbox_run::policy {
namespace {

constexpr const char* kHooksPath = "core.hookspath";

/// Settings of looks and habits. Not among them: whatever names a program, a file to read, a remote
/// or a protocol.
constexpr std::array<std::string_view, 22> kSettings = {
    "core.autocrlf",        "core.eol",       "core.safecrlf",       "core.ignorecase",
    "core.filemode",        "core.longpaths", "core.quotepath",      "core.precomposeunicode",
    "pull.rebase",          "pull.ff",        "push.default",        "push.followtags",
    "push.autosetupremote", "merge.ff",       "merge.conflictstyle", "rebase.autosquash",
    "rebase.autostash",     "fetch.prune",    "diff.algorithm",      "blame.ignorerevsfile",
    "commit.verbose",       "commit.template"};

char small(char letter) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
}

bool is_name_letter(char letter) {
  return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '-';
}

/// One pass over the text, as git's own parser does it. What git would refuse is refused.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::optional<GitConfig> parse() {
    while (at_ < text_.size()) {
      const char letter = text_[at_];
      if (std::isspace(static_cast<unsigned char>(letter)) != 0) {
        ++at_;
      } else if (letter == '#' || letter == ';') {
        skip_line();
      } else if (letter == '[') {
        if (!read_section()) return std::nullopt;
      } else if (!read_key()) {
        return std::nullopt;
      }
    }
    return std::move(config_);
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\n'; }
  void skip_line() { at_ = std::min(text_.find('\n', at_), text_.size()); }
  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }

  bool read_section() {
    section_.clear();
    for (++at_; is_name_letter(peek()) || peek() == '.'; ++at_) section_ += small(text_[at_]);
    skip_blanks();
    if (section_.empty()) return false;
    if (peek() == '"') {
      section_ += '.';
      for (++at_; peek() != '"'; ++at_) {
        if (peek() == '\\') ++at_;
        if (peek() == '\n') return false;
        section_ += text_[at_];
      }
      ++at_;
    }
    if (peek() != ']') return false;
    ++at_;
    return true;
  }

  bool read_key() {
    std::string name;
    for (; is_name_letter(peek()); ++at_) name += small(text_[at_]);
    if (name.empty() || section_.empty()) return false;
    skip_blanks();
    std::string value = "true";  // a name alone
    if (peek() == '=') {
      ++at_;
      if (!read_value(value)) return false;
    } else if (peek() != '\n' && peek() != '\r' && peek() != '#' && peek() != ';') {
      return false;
    } else {
      skip_line();
    }
    config_[section_ + "." + name].push_back(std::move(value));
    return true;
  }

  bool read_value(std::string& value) {
    value.clear();
    std::size_t solid = 0;  // blanks at the end count only if they are quoted
    bool quoted = false;
    for (skip_blanks();; ++at_) {
      const char letter = peek();
      if (letter == '\n') break;
      if (!quoted && (letter == '#' || letter == ';')) {
        skip_line();
        break;
      }
      if (letter == '"') {
        quoted = !quoted;
      } else if (letter == '\\') {
        ++at_;
        if (!read_escape(value)) return false;
      } else {
        value += letter;
        if (!quoted && std::isspace(static_cast<unsigned char>(letter)) != 0) continue;
      }
      solid = value.size();
    }
    value.resize(solid);
    return !quoted;
  }

  bool read_escape(std::string& value) {
    switch (peek()) {
      case '\n':
        return at_ < text_.size();  // the line goes on
      case 't':
        value += '\t';
        return true;
      case 'n':
        value += '\n';
        return true;
      case 'b':
        value += '\b';
        return true;
      case '"':
      case '\\':
        value += text_[at_];
        return true;
      default:
        return false;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string section_;
  GitConfig config_;
};

bool is_setting(const std::string& key) {
  return std::find(kSettings.begin(), kSettings.end(), key) != kSettings.end() ||
         glob_matches("color.*", key) || glob_matches("status.*", key);
}

}  // namespace

std::optional<GitConfig> parse_git_config(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  return Parser(text).parse();
}

std::vector<std::string> included_files(const GitConfig& config) {
  std::vector<std::string> paths;
  for (const auto& [key, values] : config) {
    const bool includes =
        key == "include.path" || (key.starts_with("includeif.") && key.ends_with(".path"));
    if (includes) paths.insert(paths.end(), values.begin(), values.end());
  }
  return paths;
}

std::string hook_directory(const GitConfig& config, std::string_view project) {
  const auto found = config.find(kHooksPath);
  if (found == config.end()) return "";
  // Of several git takes the last; who writes several has something in mind.
  if (found->second.size() != 1) return "";
  std::string path = found->second.front();
  if (path.starts_with('/')) {
    if (!base::is_beneath(path, project)) return "";
    path = base::relative_to(path, project);
  }
  while (path.starts_with("./")) path.erase(0, 2);
  const std::vector<std::string> parts = base::split(path, '/');
  const bool leaves = std::any_of(parts.begin(), parts.end(), [](const std::string& part) {
    return part == ".." || part == "node_modules" || part.starts_with('~');
  });
  return leaves ? "" : path;
}

GitConfigChange compare_git_config(std::string_view before, std::string_view after,
                                   std::string_view project) {
  const std::optional<GitConfig> old_config = parse_git_config(before);
  const std::optional<GitConfig> new_config = parse_git_config(after);
  if (!old_config || !new_config) return {GitConfigChange::Kind::starters, {"it can't be read"}};
  std::set<std::string> changed;
  const auto collect = [&](const GitConfig& one, const GitConfig& other) {
    for (const auto& [key, values] : one) {
      const auto same = other.find(key);
      if (same == other.end() || same->second != values) changed.insert(key);
    }
  };
  collect(*old_config, *new_config);
  collect(*new_config, *old_config);
  GitConfigChange change{GitConfigChange::Kind::settings, {changed.begin(), changed.end()}};
  for (const std::string& key : changed) {
    if (is_setting(key)) continue;
    const bool hooks = key == kHooksPath && !hook_directory(*new_config, project).empty();
    if (!hooks) return {GitConfigChange::Kind::starters, change.keys};
    change.kind = GitConfigChange::Kind::hooks;
  }
  return change;
}

}  // namespace sandbox_run::policy
