// Must:     be certain, or say nothing: what is read otherwise than the manager reads it opens
//           another registry than the manager asks.
// Must not: know a registry: the default is read from the manager's own program.

#include "policy/read_answers.h"

#include <algorithm>
#include <initializer_list>

#include "base/json.h"
#include "base/path.h"
#include "base/text.h"

namespace sandbox_run::policy {
namespace {

namespace json = base::json;

bool contains_any(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return text.find(word) != std::string_view::npos;
  });
}

/// Is there a variable that begins with one of `prefixes` and goes on with one of `words` in it? In
/// small letters.
bool has_variable(const ManagerPlace& place, std::initializer_list<std::string_view> prefixes,
                  std::initializer_list<std::string_view> words) {
  return std::any_of(place.environment.begin(), place.environment.end(), [&](const auto& entry) {
    const std::string name = base::to_lower(entry.first);
    return std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view prefix) {
      return name.starts_with(prefix) && contains_any(name, words);
    });
  });
}

/// What stands between `start` and the next '"', the same at each place; "" if there is none, or if
/// they differ.
std::string quoted_after(const std::string& text, std::string_view start) {
  std::string found;
  for (std::size_t at = text.find(start); at != std::string::npos; at = text.find(start, at)) {
    at += start.size();
    const std::size_t end = text.find('"', at);
    if (end == std::string::npos) return "";
    const std::string value = text.substr(at, end - at);
    if (!is_web_url(value)) continue;
    if (!found.empty() && value != found) return "";
    found = value;
  }
  return found;
}

// ── pnpm ─────────────────────────────────────────────────────────────────────────────────────────

/// The bundle beside "…/bin/pnpm.cjs".
std::optional<std::string> pnpm_bundle(const ManagerPlace& place, const TextReader& read) {
  const std::string name = base::file_name(place.program);
  if (name != "pnpm.cjs" && name != "pnpm.mjs") return std::nullopt;
  const std::string package = base::parent_path(base::parent_path(place.program));
  return read(base::join_path(package, "dist/" + name));
}

/// Code that may change the configuration, or another form of it that names registries or the
/// store.
bool pnpm_has_more(const ManagerPlace& place, const TextReader& read) {
  if (has_variable(
          place, {"npm_config_", "pnpm_config_"},
          {"registry", "store", "config_userconfig", "globalconfig", "npmrc", "pnpmfile"})) {
    return true;
  }
  for (const char* name : {".pnpmfile.cjs", ".pnpmfile.mjs", "pnpmfile.js"}) {
    if (read(base::join_path(place.directory, name))) return true;
  }
  for (const std::string& path : {base::join_path(place.directory, "pnpm-workspace.yaml"),
                                  base::join_path(place.config_home, "pnpm/config.yaml")}) {
    if (contains_any(read(path).value_or(""),
                     {"egistr", "tore", "npmrc", "pnpmfile", "onfigDep", "onfig-dep"})) {
      return true;
    }
  }
  return false;
}

bool leads_on(const NpmrcSettings& settings) {
  return std::any_of(settings.begin(), settings.end(), [](const auto& setting) {
    return contains_any(setting.first,
                        {"store", "userconfig", "globalconfig", "npmrc", "pnpmfile"});
  });
}

bool names_registry(const NpmrcSettings& settings) {
  return std::any_of(settings.begin(), settings.end(),
                     [](const auto& setting) { return is_registry_key(setting.first); });
}

/// The npmrc files of which it is known which one is the stronger; false: not certain.
bool read_pnpm_files(const ManagerPlace& place, const TextReader& read, json::object& answer) {
  const std::string prefix = base::parent_path(base::parent_path(place.node));
  const std::string package = base::parent_path(base::parent_path(place.program));
  std::vector<std::string> others = {base::join_path(prefix, "etc/npmrc"),
                                     base::join_path(package, "dist/pnpmrc"),
                                     base::join_path(place.config_home, "pnpm/auth.ini"),
                                     base::join_path(place.config_home, "pnpm/rc")};
  for (const std::string& above : place.above) others.push_back(base::join_path(above, ".npmrc"));
  for (const std::string& path : others) {
    NpmrcSettings settings;
    if (!read_npmrc(place, read(path), settings) || leads_on(settings) ||
        names_registry(settings)) {
      return false;
    }
  }
  for (const std::string& directory : {place.home, place.directory}) {  // the weaker first
    NpmrcSettings settings;
    if (!read_npmrc(place, read(base::join_path(directory, ".npmrc")), settings) ||
        leads_on(settings)) {
      return false;
    }
    for (const auto& [key, value] : settings) {
      if (!is_registry_key(key)) continue;
      if (!is_web_url(value)) return false;
      answer[key] = value;
    }
  }
  return true;
}

// ── yarn ─────────────────────────────────────────────────────────────────────────────────────────

constexpr std::string_view kServer = "npmRegistryServer";
constexpr std::string_view kScopes = "npmScopes";

/// What one .yarnrc.yml says that matters.
struct YarnSettings {
  std::string server;
  std::string program;  // yarnPath
  json::object scopes;  // NAME → {npmRegistryServer: URL}
};

/// A YAML scalar of one line; nullopt: in a form that is not read here, or with a variable.
std::optional<std::string> plain_scalar(std::string_view text) {
  text = base::trim(text);
  if (text.empty() || contains_any(text, {"${", "\\"})) return std::nullopt;
  if (text.front() == '"' || text.front() == '\'') {
    const std::size_t end = text.find(text.front(), 1);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view rest = base::trim(text.substr(end + 1));
    if (!rest.empty() && rest.front() != '#') return std::nullopt;
    return std::string(text.substr(1, end - 1));
  }
  if (std::string_view("{[&*!|>%@`").find(text.front()) != std::string_view::npos) {
    return std::nullopt;
  }
  return std::string(base::trim(text.substr(0, text.find(" #"))));
}

/// Reads a .yarnrc.yml line by line: keys at the left edge, and the servers of scopes below theirs.
class YarnFile {
 public:
  /// nullopt: not certain.
  static std::optional<YarnSettings> read(const std::string& text) {
    YarnFile file;
    for (const std::string& line : base::split(text, '\n')) {
      if (!file.read_line(line)) return std::nullopt;
    }
    return file.settings_;
  }

 private:
  bool read_line(const std::string& line) {
    const std::string_view word = base::trim(line);
    if (word.empty() || word.front() == '#') return true;
    const std::size_t colon = word.find(':');
    const std::string_view key = base::trim(word.substr(0, colon));
    const std::string_view value = colon == std::string_view::npos ? "" : word.substr(colon + 1);
    const std::size_t indent = line.find_first_not_of(' ');
    if (indent > 0) return top_ != kScopes || read_scope(indent, key, value);
    top_ = key;
    if (key == kScopes) return base::trim(value).empty();
    if (key == kServer) return assign(settings_.server, value);
    if (key == "yarnPath") return assign(settings_.program, value);
    // What leads elsewhere, and all that is quoted or tagged.
    return key != "globalFolder" && key != "injectEnvironmentFiles" && !key.empty() &&
           std::string_view("\"'{[?&*!%-").find(key.front()) == std::string_view::npos;
  }

  bool read_scope(std::size_t indent, std::string_view key, std::string_view value) {
    if (scope_indent_ == 0) scope_indent_ = indent;
    if (indent == scope_indent_) {
      scope_ = key;
      return base::trim(value).empty() && key.find_first_of("\"'") == std::string_view::npos;
    }
    if (key != kServer) return true;
    std::string server;
    if (!assign(server, value)) return false;
    settings_.scopes[scope_] = json::object{{kServer, server}};
    return true;
  }

  static bool assign(std::string& target, std::string_view value) {
    const auto scalar = plain_scalar(value);
    if (scalar) target = *scalar;
    return scalar.has_value();
  }

  YarnSettings settings_;
  std::string top_;
  std::string scope_;
  std::size_t scope_indent_ = 0;
};

/// Of all files, the nearest first.
std::optional<YarnSettings> read_yarn_files(const ManagerPlace& place, const TextReader& read) {
  std::vector<std::string> directories = place.above;
  directories.push_back(place.directory);
  directories.push_back(place.home);
  YarnSettings all;
  for (const std::string& directory : directories) {
    const auto text = read(base::join_path(directory, ".yarnrc.yml"));
    if (!text) continue;
    const auto one = YarnFile::read(*text);
    if (!one) return std::nullopt;
    if (all.server.empty()) all.server = one->server;
    if (all.program.empty() && !one->program.empty()) {
      all.program = base::absolute_path(one->program, directory);
    }
    for (const auto& [scope, settings] : one->scopes) all.scopes.emplace(scope, settings);
  }
  return all;
}

}  // namespace

std::optional<Answers> read_pnpm_answers(const ManagerPlace& place, const TextReader& read) {
  if (place.node.empty() || pnpm_has_more(place, read)) return std::nullopt;
  json::object answer;
  if (!read_pnpm_files(place, read, answer)) return std::nullopt;
  const auto bundle = pnpm_bundle(place, read);
  if (!bundle) return std::nullopt;
  const std::string registry = quoted_after(*bundle, "registry: \"");
  const std::string of_jsr = quoted_after(*bundle, R"("@jsr:registry": ")");
  if (registry.empty()) return std::nullopt;
  answer.emplace("registry", registry);
  if (!of_jsr.empty()) answer.emplace("@jsr:registry", of_jsr);
  return Answers{base::to_json(answer)};
}

std::optional<Answers> read_yarn_answers(const ManagerPlace& place, const TextReader& read) {
  constexpr const char* kServerVariable = "YARN_NPM_REGISTRY_SERVER";
  ManagerPlace others = place;
  std::erase_if(others.environment,
                [](const auto& entry) { return entry.first == kServerVariable; });
  if (has_variable(others, {"yarn_"},
                   {"registr", "scopes", "global_folder", "rc_filename", "path"}) ||
      variable_of(place, "XDG_DATA_HOME") ||  // the global folder lies there
      read(base::join_path(place.directory, ".env.yarn"))) {
    return std::nullopt;
  }
  const auto settings = read_yarn_files(place, read);
  if (!settings) return std::nullopt;
  const auto program = read(settings->program.empty() ? place.program : settings->program);
  const std::string fallback = quoted_after(
      program.value_or(""),
      "npmRegistryServer:{description:\"URL of the selected npm registry (note: npm enterprise "
      "isn't supported)\",type:\"STRING\",default:\"");
  // Another yarn, or one that keeps its global folder elsewhere.
  if (fallback.empty() || program->find(".yarn/berry") == std::string::npos) return std::nullopt;
  std::string server = settings->server.empty() ? fallback : settings->server;
  if (const auto told = variable_of(place, kServerVariable)) server = *told;
  const auto line = [](std::string_view key, const std::string& value) {
    return base::to_json(json::object{{"key", key}, {"effective", value}}) + "\n";
  };
  return Answers{
      std::nullopt,
      line(kServer, server) + line("globalFolder", base::join_path(place.home, ".yarn/berry")),
      base::to_json(settings->scopes)};
}

}  // namespace sandbox_run::policy
