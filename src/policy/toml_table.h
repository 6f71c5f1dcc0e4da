#pragma once

#include <exception>

namespace sandbox_run::policy {
struct FailedTomlCheck : std::exception {};
[[noreturn]] inline void fail_toml_check() { throw FailedTomlCheck(); }
}  // namespace sandbox_run::policy

// Some mistakes ("[=]") toml++ 3.3 tells by a failed assertion only: that would end us, and with
// NDEBUG be undefined behaviour, for a file that anybody may have written. Here it is an exception.
#pragma push_macro("NDEBUG")
#undef NDEBUG
#define TOML_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : sandbox_run::policy::fail_toml_check())
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"

// TOML tables read strictly: toml++ is seen only here and in the parsers that use it. Every mistake
// is a UserError "FILE:LINE:COLUMN: words".

namespace sandbox_run::policy {

/// Returns what is wrong with a value, in words; "" if nothing is.
using TextCheck = std::function<std::string(const std::string&)>;

/// A view of one table of a TomlDocument, which must outlive it.
class TomlTable {
 public:
  TomlTable(const toml::table& table, const std::string& origin)
      : table_(&table), origin_(&origin) {}

  /// Throws on a key that is not one of `keys`, naming the nearest.
  void allow_only(const std::vector<std::string>& keys) const;

  bool has(std::string_view key) const { return table_->contains(key); }
  /// A string; "" if the key is missing. Control characters are refused.
  std::string text(std::string_view key, const TextCheck& check = {}) const;
  /// As text(), the key must be there.
  std::string required_text(std::string_view key, const TextCheck& check = {}) const;
  std::optional<bool> flag(std::string_view key) const;
  std::optional<std::int64_t> number(std::string_view key) const;
  std::vector<std::string> texts(std::string_view key, const TextCheck& check = {}) const;
  /// A list of port numbers, 1 to 65535.
  std::vector<std::uint16_t> ports(std::string_view key) const;
  std::optional<TomlTable> table(std::string_view key) const;
  /// The tables of [[key]].
  std::vector<TomlTable> tables(std::string_view key) const;
  std::vector<std::string> keys() const;

  /// The value that the word at `key` stands for; `fallback` if the key is missing.
  template <typename Value>
  Value choice(std::string_view key, const std::vector<std::pair<std::string, Value>>& words,
               Value fallback) const {
    if (!has(key)) return fallback;
    const std::string word = text(key);
    std::vector<std::string> known;
    for (const auto& [name, value] : words) {
      if (name == word) return value;
      known.push_back(name);
    }
    fail(key, "'" + base::printable(word) + "' is none of: " + base::join(known, ", "));
  }

  /// Throws UserError at the value of `key`, or at the table if there is none.
  [[noreturn]] void fail(std::string_view key, const std::string& message) const;

 private:
  [[noreturn]] void fail_at(const toml::source_position& at, const std::string& message) const;
  [[noreturn]] void fail_type(std::string_view key, const toml::node& node,
                              std::string_view wanted) const;
  std::string checked(std::string_view key, const toml::node& node, const TextCheck& check) const;

  const toml::table* table_;
  const std::string* origin_;
};

class TomlDocument {
 public:
  /// Throws UserError on text that is not TOML, or larger than a megabyte.
  TomlDocument(std::string_view text, const std::string& origin);
  TomlDocument(const TomlDocument&) = delete;
  TomlDocument& operator=(const TomlDocument&) = delete;

  TomlTable root() const { return {table_, origin_}; }

 private:
  std::string origin_;
  toml::table table_;
};

}  // namespace sandbox_run::policy
