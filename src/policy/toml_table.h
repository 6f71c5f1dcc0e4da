#pragma once

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
#include "policy/toml_node.h"

// TOML tables read strictly. Every mistake is a UserError "FILE:LINE:COLUMN: words".

namespace sandbox_run::policy {

/// Returns what is wrong with a value, in words; "" if nothing is.
using TextCheck = std::function<std::string(const std::string&)>;

/// A view of one table of a tree, which must outlive it, as must `origin`, the file's name.
class TomlTable {
 public:
  TomlTable(const TomlTree& tree, const TomlNode& table, const std::string& origin)
      : tree_(&tree), table_(&table), origin_(&origin) {}

  /// Throws on a key that is not one of `keys`, naming the nearest.
  void allow_only(const std::vector<std::string>& keys) const;

  bool has(std::string_view key) const { return find(key) != nullptr; }
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
  const TomlNode* find(std::string_view key) const;
  [[noreturn]] void fail_at(const TomlNode::Position& at, const std::string& message) const;
  [[noreturn]] void fail_type(std::string_view key, const TomlNode& node,
                              std::string_view wanted) const;
  std::string checked(std::string_view key, const TomlNode& node, const TextCheck& check) const;

  const TomlTree* tree_;
  const TomlNode* table_;
  const std::string* origin_;
};

class TomlDocument {
 public:
  /// Throws UserError on text that is not TOML, or larger than a megabyte.
  TomlDocument(std::string_view text, const std::string& origin);
  TomlDocument(const TomlDocument&) = delete;
  TomlDocument& operator=(const TomlDocument&) = delete;

  TomlTable root() const { return {tree_, tree_.nodes.front(), origin_}; }

 private:
  std::string origin_;
  std::string texts_;
  std::vector<TomlNode> nodes_;
  TomlTree tree_;
};

}  // namespace sandbox_run::policy
