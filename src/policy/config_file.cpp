#include <algorithm>
#include <optional>

#include "base/text.h"
#include "policy/environment.h"
#include "policy/git_config.h"
#include "policy/glob.h"
#include "policy/secret_value.h"
#include "policy/toml_config.h"
#include "policy/xml_config.h"

// A configuration file's copy without its credentials. Line by line and suspicious: a line is shown
// only if its key is read the same way by everybody. Must: drop what is not understood (escapes in
// keys, flow collections, anchors). Must not: fail on any input.

namespace sandbox_run::policy {
namespace {

using base::trim;

bool is_dropped(const HomeFile& file, std::string_view key) {
  return std::any_of(file.drop_keys.begin(), file.drop_keys.end(),
                     [&](const std::string& glob) { return name_matches(glob, key); });
}

/// The key without its quotes; nullopt if quoted oddly, or with escapes or variables in it, so that
/// it may be another key than it looks. (JavaScript takes off U+FEFF and U+00A0 as blanks, too.)
std::optional<std::string_view> plain_key(std::string_view text) {
  std::string_view key = trim(text);
  if (key.size() >= 2 && (key[0] == '"' || key[0] == '\'') && key.back() == key[0]) {
    key = trim(key.substr(1, key.size() - 2));
  }
  const bool odd = key.empty() || key.find_first_of("\"'\\") != std::string_view::npos ||
                   key.find("${") != std::string_view::npos;
  const bool plain =
      std::all_of(key.begin(), key.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
  if (odd || !plain) return std::nullopt;
  return key;
}

/// `line` up to a comment that ends it: a blank and one of `marks`, not within quotes.
std::string_view without_comment(std::string_view line, std::string_view marks) {
  bool in_double = false;
  bool in_single = false;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const char c = line[at];
    if (c == '"') in_double = !in_double;
    if (c == '\'') in_single = !in_single;
    const bool after_blank = at > 0 && (line[at - 1] == ' ' || line[at - 1] == '\t');
    if (after_blank && !in_double && !in_single && marks.find(c) != marks.npos) {
      return line.substr(0, at);
    }
  }
  return line;
}

/// npmrc and ini. A section counts for each key below it: "[//host/]" as well as "//host/:key".
class IniFilter {
 public:
  explicit IniFilter(const HomeFile& file)
      : file_(file), ini_(file.format == HomeFile::Format::ini) {}

  std::optional<std::string_view> shown(std::string_view line) {
    if (!ini_) line = without_comment(line, "#;");
    const std::string_view content = trim(line);
    if (content.empty()) return content;
    if (content[0] == '#' || content[0] == ';') return std::nullopt;
    const std::size_t indent = line.find(content[0]);
    if (ini_ && key_indent_ && indent > *key_indent_) {  // belongs to the value above
      return value_shown_ && !names_dropped_key(content) ? std::optional(line) : std::nullopt;
    }
    if (content[0] == '[') {
      const auto name =
          content.back() == ']' ? plain_key(content.substr(1, content.size() - 2)) : std::nullopt;
      section_shown_ = name && !is_dropped(file_, *name);
      key_indent_.reset();
      return section_shown_ ? std::optional(line) : std::nullopt;
    }
    key_indent_ = indent;
    const auto key = key_of(content);
    value_shown_ = section_shown_ && key && !is_dropped(file_, *key);
    return value_shown_ ? std::optional(line) : std::nullopt;
  }

 private:
  std::optional<std::string_view> key_of(std::string_view content) const {
    const std::size_t end = content.find_first_of(ini_ ? "=:" : "=");
    if (end == std::string_view::npos) return std::nullopt;
    std::string_view name = trim(content.substr(0, end));
    if (name.ends_with("[]")) name.remove_suffix(2);  // npm's lists
    return plain_key(name);
  }

  bool names_dropped_key(std::string_view content) const {
    const auto key = key_of(content);
    return key && is_dropped(file_, *key);
  }

  const HomeFile& file_;
  const bool ini_;
  bool section_shown_ = true;
  bool value_shown_ = false;
  std::optional<std::size_t> key_indent_;  // of the last key in this section
};

/// Block mappings and lists of plain or quoted one-line scalars; all other YAML is dropped, with
/// what is indented below it.
class YamlFilter {
 public:
  explicit YamlFilter(const HomeFile& file) : file_(file) {}

  std::optional<std::string_view> shown(std::string_view line) {
    line = without_comment(line, "#");
    const std::string_view content = trim(line);
    if (content.empty()) return content;
    const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
    if (content[0] == '#' || line[indent] == '\t') return std::nullopt;
    if (dropped_indent_) {
      // A list may stand at its key's own indentation.
      const bool item_of_key = indent == *dropped_indent_ && content[0] == '-';
      if (indent > *dropped_indent_ || item_of_key) return std::nullopt;
      dropped_indent_.reset();
    }
    if (shows_content(content)) return line;
    dropped_indent_ = indent;
    return std::nullopt;
  }

 private:
  bool shows_content(std::string_view content) const {
    bool item = false;
    while (content.starts_with("- ")) {
      item = true;
      content = trim(content.substr(2));
    }
    const bool quoted = content.starts_with('"') || content.starts_with('\'');
    const std::size_t key_end = quoted ? content.find(content[0], 1) : 0;
    if (key_end == std::string_view::npos) return false;
    const std::size_t colon = content.find(':', key_end);
    const bool mapping = colon != std::string_view::npos &&
                         (colon + 1 == content.size() || content[colon + 1] == ' ');
    if (!mapping) return item && is_scalar(content);
    const std::string_view written = trim(content.substr(0, colon));
    if (!quoted && !is_plain_word(written)) return false;
    const auto key = plain_key(written);
    return key && !is_dropped(file_, *key) && is_scalar(trim(content.substr(colon + 1)));
  }

  /// "!!str key", "&anchor key", "? key", "{key" are other ways to write `key`.
  static bool is_plain_word(std::string_view key) {
    return std::all_of(key.begin(), key.end(), [](unsigned char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '_' || c == '.' || c == '-' || c == '/';
    });
  }

  /// Nothing, or a scalar that ends on its line.
  static bool is_scalar(std::string_view value) {
    if (value.empty()) return true;
    if (value[0] == '"' || value[0] == '\'') {
      return value.size() >= 2 && value.find(value[0], 1) == value.size() - 1;
    }
    constexpr std::string_view kIndicators = "{[&*!|>?%@`,#-";
    const bool plain = kIndicators.find(value[0]) == std::string_view::npos;
    return plain && value.find(": ") == std::string_view::npos && value.back() != ':';
  }

  const HomeFile& file_;
  std::optional<std::size_t> dropped_indent_;
};

/// yarn classic's rc: `key value` or `"key" "value"`; nested blocks end in ':' and are dropped.
class YarnrcFilter {
 public:
  explicit YarnrcFilter(const HomeFile& file) : file_(file) {}

  std::optional<std::string_view> shown(std::string_view line) const {
    const std::string_view content = trim(line);
    if (content.empty()) return content;
    if (content[0] == '#' || line[0] != content[0]) return std::nullopt;
    const bool quoted = content[0] == '"';
    const std::size_t end = quoted ? content.find('"', 1) : content.find_first_of(" \t", 0);
    if (end == std::string_view::npos) return std::nullopt;
    const auto key = plain_key(content.substr(0, quoted ? end + 1 : end));
    return key && !is_dropped(file_, *key) ? std::optional(line) : std::nullopt;
  }

 private:
  const HomeFile& file_;
};

/// A git configuration anew, of the keys that are kept: "section.subsection.name", of which the
/// middle may hold dots, and a URL with a password.
std::string kept_git_config(const HomeFile& file, std::string_view text) {
  const auto config = parse_git_config(text);
  if (!config) return {};
  const auto quoted = [](std::string_view value) {
    std::string out = "\"";
    for (const char c : value) {
      if (c == '"' || c == '\\') out += '\\';
      out += c == '\n' || c == '\t' ? ' ' : c;
    }
    return out + '"';
  };
  std::string out;
  for (const auto& entry : *config) {
    const std::string& key = entry.first;
    const bool kept = std::any_of(file.keep_keys.begin(), file.keep_keys.end(),
                                  [&](const std::string& glob) { return name_matches(glob, key); });
    if (!kept || is_dropped(file, key)) continue;
    const std::size_t first = key.find('.');
    const std::size_t last = key.rfind('.');
    out += "[" + key.substr(0, first);
    if (first != last) {
      out += ' ' + quoted(without_url_credentials(key.substr(first + 1, last - first - 1)));
    }
    out += "]\n";
    for (const std::string& value : entry.second) {
      if (has_token_form(value)) continue;
      out += '\t' + key.substr(last + 1) + " = " + quoted(without_url_credentials(value)) + '\n';
    }
  }
  return out;
}

/// A channel's token is a part of its address: https://host/t/TOKEN/channel (conda).
bool holds_channel_token(std::string_view line) {
  const std::size_t scheme = line.find("://");
  return scheme != std::string_view::npos && line.find("/t/", scheme) != std::string_view::npos;
}

template <typename Filter>
std::string filtered(const HomeFile& file, std::string_view text) {
  Filter filter(file);
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (line.ends_with('\r')) line.remove_suffix(1);
    // A lone carriage return or a NUL ends a line for some readers and not for others.
    const bool ambiguous = line.find_first_of(std::string_view("\r\0\f\v", 4)) != line.npos;
    if (ambiguous) continue;
    const auto shown = filter.shown(line);
    // Whatever its key is called.
    if (shown && !has_token_form(*shown) && !holds_channel_token(*shown)) {
      out += without_url_credentials(*shown);
      out += '\n';
    }
  }
  return out;
}

}  // namespace

std::string without_credentials(const HomeFile& file, std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // byte order mark
  switch (file.format) {
    case HomeFile::Format::npmrc:
    case HomeFile::Format::ini:
      return filtered<IniFilter>(file, text);
    case HomeFile::Format::yaml:
      return filtered<YamlFilter>(file, text);
    case HomeFile::Format::yarnrc:
      return filtered<YarnrcFilter>(file, text);
    case HomeFile::Format::gitconfig:
      return kept_git_config(file, text);
    case HomeFile::Format::toml:
      return kept_toml(file, text);
    case HomeFile::Format::xml:
      return kept_xml(file, text);
    case HomeFile::Format::text:
      return without_url_credentials(text);
    case HomeFile::Format::hidden:
      return {};
  }
  return {};
}

}  // namespace sandbox_run::policy
