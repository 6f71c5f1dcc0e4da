// Must:     be certain, or say nothing: what is read otherwise than npm reads it opens another
//           registry than npm asks.
// Must not: know a registry: the default is read from npm's own definitions.

#include "policy/npm_config.h"

#include <algorithm>
#include <map>

#include "base/json.h"
#include "base/path.h"
#include "base/text.h"
#include "policy/environment.h"
#include "policy/npmrc.h"

namespace sandbox_run::policy {
namespace {

using Settings = NpmrcSettings;

Settings settings_of_environment(const ManagerPlace& place) {
  constexpr std::string_view kPrefix = "npm_config_";
  Settings settings;
  for (const auto& [name, value] : place.environment) {
    if (value.empty() || base::to_lower(name.substr(0, kPrefix.size())) != kPrefix) continue;
    std::string key = base::to_lower(name.substr(kPrefix.size()));
    if (key.empty()) continue;
    std::replace(key.begin() + 1, key.end(), '_', '-');
    settings[key] = value;
  }
  return settings;
}

/// The few options of the command line that say where configuration lies.
Settings settings_of_arguments(const ManagerPlace& place) {
  Settings settings;
  const std::vector<std::string>& words = place.arguments;
  for (std::size_t i = 1; i < words.size() && words[i] != "--"; ++i) {
    for (const char* name : {"userconfig", "globalconfig", "cache", "prefix"}) {
      const std::string option = std::string("--") + name;
      if (words[i] == option && i + 1 < words.size()) settings[name] = words[i + 1];
      if (words[i].starts_with(option + "=")) settings[name] = words[i].substr(option.size() + 1);
    }
  }
  return settings;
}

/// The default of `registry`, from npm's own definitions; "" if they look otherwise.
std::string default_registry(const ManagerPlace& place, const TextReader& read) {
  const auto text =
      read(place.program + "/node_modules/@npmcli/config/lib/definitions/definitions.js");
  constexpr std::string_view kStart = "Definition('registry', {";
  constexpr std::string_view kDefault = "default: '";
  constexpr std::size_t kNear = 100;
  const std::size_t start = text ? text->find(kStart) : std::string::npos;
  if (start == std::string::npos) return "";
  const std::size_t value = text->find(kDefault, start);
  if (value == std::string::npos || value > start + kStart.size() + kNear) return "";
  const std::size_t from = value + kDefault.size();
  const std::size_t end = text->find('\'', from);
  return end == std::string::npos ? "" : text->substr(from, end - from);
}

class Reader {
 public:
  Reader(const ManagerPlace& place, const TextReader& read) : place_(place), read_(read) {}

  std::optional<PackageManagerFacts> facts() {
    if (!base::file_name(place_.program).starts_with("npm") || place_.node.empty()) {
      return std::nullopt;
    }
    layers_ = {settings_of_arguments(place_), settings_of_environment(place_)};
    const auto user = path_setting("userconfig", base::join_path(place_.home, ".npmrc"));
    const std::string project = base::join_path(place_.directory, ".npmrc");
    if (!user || !add_file(project == *user ? "" : project)) return std::nullopt;
    // npm refuses these there, or they would lead on.
    for (const char* key : {"prefix", "userconfig", "globalconfig"}) {
      if (layers_.back().contains(key)) return std::nullopt;
    }
    if (!add_file(*user)) return std::nullopt;
    Settings builtin;
    if (!read_npmrc(place_, read_(base::join_path(place_.program, "npmrc")), builtin)) {
      return std::nullopt;
    }
    std::string prefix = base::parent_path(base::parent_path(place_.node));
    if (const auto told = variable_of(place_, "PREFIX")) prefix = *told;
    builtin.emplace("prefix", prefix);
    layers_.push_back(builtin);
    const auto chosen = path_setting("prefix", prefix);
    const auto global =
        chosen ? path_setting("globalconfig", base::join_path(*chosen, "etc/npmrc")) : std::nullopt;
    if (!global) return std::nullopt;
    layers_.pop_back();
    if (!add_file(*global)) return std::nullopt;
    layers_.push_back(builtin);
    return collect(*chosen);
  }

 private:
  bool add_file(const std::string& path) {
    return read_npmrc(place_, path.empty() ? std::nullopt : read_(path), layers_.emplace_back());
  }

  std::optional<std::string> setting(const std::string& key) const {
    for (const Settings& layer : layers_) {
      const auto found = layer.find(key);
      if (found != layer.end()) return found->second;
    }
    return std::nullopt;
  }

  std::optional<std::string> path_setting(const std::string& key,
                                          const std::string& fallback) const {
    const std::string value = setting(key).value_or(fallback);
    if (value.starts_with("~/")) return base::join_path(place_.home, value.substr(2));
    if (value.empty() || value.find("${") != std::string::npos) return std::nullopt;
    return base::absolute_path(value, place_.directory);
  }

  std::optional<PackageManagerFacts> collect(const std::string& prefix) const {
    PackageManagerFacts facts;
    Settings merged;
    for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer) {
      for (const auto& [key, value] : *layer) merged[key] = value;
    }
    merged.emplace("registry", default_registry(place_, read_));
    for (const auto& [key, value] : merged) {
      if (!is_registry_key(key)) continue;
      if (!is_web_url(value)) return std::nullopt;
      const std::string url = without_url_credentials(value);
      if (std::find(facts.registries.begin(), facts.registries.end(), url) ==
          facts.registries.end()) {
        facts.registries.push_back(url);
      }
    }
    facts.cache = path_setting("cache", base::join_path(place_.home, ".npm"));
    facts.prefix = prefix;
    if (!facts.cache) return std::nullopt;
    return facts;
  }

  const ManagerPlace& place_;
  const TextReader& read_;
  std::vector<Settings> layers_;  // the strongest first
};

}  // namespace

std::optional<PackageManagerFacts> read_npm_config(const ManagerPlace& place,
                                                   const TextReader& read) {
  return Reader(place, read).facts();
}

}  // namespace sandbox_run::policy
