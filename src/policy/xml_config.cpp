#include "policy/xml_config.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/text.h"
#include "policy/environment.h"
#include "policy/glob.h"
#include "policy/secret_value.h"

// Settings of Maven and NuGet (XML 1.0). Must: drop what is not understood, for a reader that
// understands it would read what is meant to be dropped. Must not: expand anything.

namespace sandbox_run::policy {
namespace {

constexpr std::size_t kMaxDepth = 200;
constexpr std::string_view kNameEnd = " \t\r\n/>";

class XmlFilter {
 public:
  XmlFilter(const HomeFile& file, std::string_view text) : file_(file), rest_(text) {}

  std::string filter() {
    // UTF-16: every name in it would be another one than is looked for.
    if (rest_.find('\0') != std::string_view::npos) return {};
    while (!rest_.empty()) {
      const bool understood = rest_.front() == '<' ? take_markup() : take_text();
      if (!understood) return root_alone();
    }
    return open_.empty() ? std::move(out_) : root_alone();
  }

 private:
  bool take_text() {
    const std::size_t end = std::min(rest_.find('<'), rest_.size());
    const std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end);
    if (!has_token_form(text)) show(without_url_credentials(text));
    return true;
  }

  bool take_markup() {
    if (rest_.starts_with("<!--")) return skip_to("-->");
    if (rest_.starts_with("<?")) {
      const std::size_t end = rest_.find("?>");
      if (end == std::string_view::npos) return false;
      // The declaration. What else an instruction holds nobody here can read: it may be a password.
      const std::string_view whole = rest_.substr(0, end + 2);
      if (whole.starts_with("<?xml ") && whole.find('<', 1) == std::string_view::npos) show(whole);
      return skip_to("?>");
    }
    if (rest_.starts_with("<!")) return false;
    return take_tag();
  }

  bool skip_to(std::string_view mark) {
    const std::size_t end = rest_.find(mark);
    if (end == std::string_view::npos) return false;
    rest_.remove_prefix(end + mark.size());
    return true;
  }

  /// The tag with its angles; nullopt if it does not end. A '>' may stand in an attribute.
  std::optional<std::string_view> whole_tag() const {
    char quote = 0;
    for (std::size_t at = 1; at < rest_.size(); ++at) {
      const char c = rest_[at];
      if (c == '<') return std::nullopt;  // nowhere in a tag
      if (quote != 0) {
        if (c == quote) quote = 0;
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '>') {
        return rest_.substr(0, at + 1);
      }
    }
    return std::nullopt;
  }

  bool take_tag() {
    const auto tag = whole_tag();
    if (!tag) return false;
    rest_.remove_prefix(tag->size());
    const bool closes = tag->starts_with("</");
    std::string_view name = tag->substr(closes ? 2 : 1);
    name = name.substr(0, name.find_first_of(kNameEnd));
    if (name.empty()) return false;
    return closes ? close(name, *tag) : open(name, *tag);
  }

  bool open(std::string_view name, std::string_view tag) {
    const bool is_empty = tag.ends_with("/>");
    if (root_.empty()) root_ = name;
    std::string_view attributes = tag.substr(1 + name.size());
    attributes.remove_suffix(is_empty ? 2 : 1);
    const auto key = key_among(attributes);
    if (!key) return false;
    const bool dropped = is_dropped(name) || is_dropped(*key) || has_token_form(tag);
    if (is_empty) {
      if (!dropped) show(without_url_credentials(tag));
      return true;
    }
    if (open_.size() == kMaxDepth) return false;
    open_.emplace_back(name);
    if (dropped && hidden_from_ == 0) hidden_from_ = open_.size();
    show(without_url_credentials(tag));
    return true;
  }

  bool close(std::string_view name, std::string_view tag) {
    if (open_.empty() || open_.back() != name) return false;
    show(tag);
    if (hidden_from_ == open_.size()) hidden_from_ = 0;
    open_.pop_back();
    return true;
  }

  /// The value of `key` in `attributes` (NAME="VALUE" …, blanks wherever XML lets them be), "" if
  /// there is none; nullopt: these are no attributes, or the value may be another one than it looks
  /// ("pass&#119;ord").
  static std::optional<std::string_view> key_among(std::string_view attributes) {
    std::string_view found;
    while (!(attributes = base::trim(attributes)).empty()) {
      const std::size_t equals = attributes.find('=');
      if (equals == std::string_view::npos) return std::nullopt;
      const std::string_view name = base::trim(attributes.substr(0, equals));
      attributes = base::trim(attributes.substr(equals + 1));
      if (attributes.empty() || (attributes[0] != '"' && attributes[0] != '\''))
        return std::nullopt;
      const std::size_t end = attributes.find(attributes[0], 1);
      if (end == std::string_view::npos) return std::nullopt;
      const std::string_view value = attributes.substr(1, end - 1);
      attributes.remove_prefix(end + 1);
      if (name.find_first_of(" \t\r\n\"'") != std::string_view::npos) return std::nullopt;
      if (name != "key") continue;
      if (value.find('&') != std::string_view::npos || !found.empty()) return std::nullopt;
      found = value;
    }
    return found;
  }

  /// "ns:password" as well as "password".
  bool is_dropped(std::string_view name) const {
    const std::size_t colon = name.find(':');
    const std::string_view local = colon == std::string_view::npos ? name : name.substr(colon + 1);
    return !name.empty() &&
           std::any_of(file_.drop_keys.begin(), file_.drop_keys.end(),
                       [&](const auto& glob) { return name_matches(glob, local); });
  }

  void show(std::string_view text) {
    if (hidden_from_ == 0) out_ += text;
  }

  /// So that who reads it finds no credentials, and no broken file either.
  std::string root_alone() const {
    const bool plain = std::all_of(root_.begin(), root_.end(), [](unsigned char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    });
    return plain && !root_.empty() ? "<" + root_ + "/>\n" : std::string();
  }

  const HomeFile& file_;
  std::string_view rest_;
  std::string out_;
  std::string root_;
  std::vector<std::string> open_;
  std::size_t hidden_from_ = 0;  // depth of the outermost element that is dropped; 0: none
};

}  // namespace

std::string kept_xml(const HomeFile& file, std::string_view text) {
  return XmlFilter(file, text).filter();
}

}  // namespace sandbox_run::policy
