#include "policy/npmrc.h"

#include "base/text.h"

namespace sandbox_run::policy {
namespace {

/// `${NAME}` and `${NAME?}`; of one that is not set the text stays.
std::string with_variables(const ManagerPlace& place, std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t open = text.find("${", at);
    const std::size_t close = open == std::string_view::npos ? open : text.find('}', open);
    if (close == std::string_view::npos) return result.append(text.substr(at));
    result.append(text.substr(at, open - at));
    std::string_view name = text.substr(open + 2, close - open - 2);
    const bool may_lack = name.ends_with('?');
    if (may_lack) name.remove_suffix(1);
    const auto value = variable_of(place, name);
    if (value) result.append(*value);
    if (!value && !may_lack) result.append(text.substr(open, close - open + 1));
    at = close + 1;
  }
  return result;
}

/// nullopt: quoted in a way that is not read here.
std::optional<std::string> plain_value(std::string_view text) {
  text = base::trim(text);
  if (text.find('\\') != std::string_view::npos) return std::nullopt;
  if (text.starts_with('"') || text.starts_with('\'')) {
    if (text.size() < 2 || text.back() != text.front()) return std::nullopt;
    const std::string_view inner = text.substr(1, text.size() - 2);
    return inner.find_first_of("\"'") == std::string_view::npos ? std::optional<std::string>(inner)
                                                                : std::nullopt;
  }
  return std::string(base::trim(text.substr(0, text.find_first_of(";#"))));
}

}  // namespace

std::optional<std::string> variable_of(const ManagerPlace& place, std::string_view name) {
  for (const auto& [key, value] : place.environment) {
    if (key == name) return value;
  }
  return std::nullopt;
}

bool read_npmrc(const ManagerPlace& place, const std::optional<std::string>& text,
                NpmrcSettings& settings) {
  for (const std::string& line : base::split(text.value_or(""), '\n')) {
    const std::string_view word = base::trim(line);
    if (word.empty() || word.front() == ';' || word.front() == '#') continue;
    if (word.front() == '[') return false;  // what follows belongs to a section
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string key(base::trim(word.substr(0, equals)));
    if (key.find("${") != std::string::npos) return false;
    const auto value = plain_value(word.substr(equals + 1));
    if (!value) return false;
    settings[key] = with_variables(place, *value);
  }
  return true;
}

bool is_registry_key(std::string_view key) {
  return key == "registry" || (key.starts_with('@') && key.ends_with(":registry"));
}

bool is_web_url(std::string_view text) {
  return text.starts_with("https://") || text.starts_with("http://");
}

}  // namespace sandbox_run::policy
