#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace sandbox_run::policy {

/// TOML as read: a tree in one list of nodes, each node's own ones beside each other, and one text
/// that holds all strings. No pointers, so that one can be made at build time
/// (scripts/embed-profiles) and is shared between processes as it lies in the binary.
struct TomlNode {
  enum class Kind : std::uint8_t { text, number, flag, list, table, real, time };
  struct Position {
    std::uint32_t line = 0;  // 0: it is not known
    std::uint32_t column = 0;
  };
  Kind kind = Kind::table;
  std::uint32_t key = 0;  // in a table: where in the text, and how long
  std::uint32_t key_size = 0;
  std::uint32_t first = 0;  // of a text: where in the text; of a list or table: its first node
  std::uint32_t size = 0;   // bytes, or nodes; a table's are sorted by key
  std::int64_t number = 0;  // also of a flag
  Position at = {};
  Position key_at = {};
};

struct TomlTree {
  std::string_view texts;
  std::span<const TomlNode> nodes;  // the first is the root, a table

  std::string_view key_of(const TomlNode& node) const {
    return texts.substr(node.key, node.key_size);
  }
  std::string_view text_of(const TomlNode& node) const {
    return texts.substr(node.first, node.size);
  }
  std::span<const TomlNode> inside(const TomlNode& node) const {
    return nodes.subspan(node.first, node.size);
  }
};

}  // namespace sandbox_run::policy
