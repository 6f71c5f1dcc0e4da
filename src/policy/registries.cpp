#include "policy/registries.h"

#include <algorithm>
#include <array>
#include <boost/url/parse.hpp>
#include <boost/url/scheme.hpp>
#include <boost/url/url.hpp>
#include <boost/url/url_view.hpp>
#include <charconv>

#include "base/json.h"
#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "policy/environment.h"
#include "policy/npmrc.h"
#include "policy/pip_query.h"
#include "policy/script_query.h"

// No host is built in: each comes from the package manager's own answer. The answers may be shaped
// by a hostile project, so that anything odd in them opens nothing.

namespace sandbox_run::policy {
namespace {

namespace json = base::json;

using Words = std::vector<std::string>;

/// pnpm would otherwise try to download the version that package.json asks for; the first word is
/// for pnpm 9 and 10, the second for 11 and later.
const Words kPnpmAsItIs = {"--config.manage-package-manager-versions=false",
                           "--config.pm-on-fail=ignore"};

void add_once(std::vector<std::string>& list, const std::string& value) {
  if (value.empty() || std::find(list.begin(), list.end(), value) != list.end()) return;
  list.push_back(value);
}

void add_url(PackageManagerFacts& facts, std::string_view url) {
  std::string text = without_url_credentials(base::trim(url));
  // In a text a quote ends a URL; here the whole of it is one.
  if (const auto whole = boost::urls::parse_uri(text); whole && whole->has_userinfo()) {
    boost::urls::url plain(*whole);
    plain.remove_userinfo();
    text = plain.buffer();
  }
  add_once(facts.registries, text);
}

/// All objects in an output: the whole of it, or one a line, with other lines between (version
/// managers and yarn print notices too).
std::vector<json::object> objects_in(const std::optional<std::string>& output) {
  std::vector<json::object> objects;
  if (!output) return objects;
  const auto keep = [&](std::string_view text) {
    auto value = base::parse_json(text);
    const bool is_object = value && value->is_object();
    if (is_object) objects.push_back(std::move(value->as_object()));
    return is_object;
  };
  const std::size_t brace = output->starts_with('{') ? 0 : output->find("\n{");
  if (brace == std::string::npos || keep(std::string_view(*output).substr(brace))) return objects;
  for (const std::string& line : base::split(*output, '\n')) {
    if (line.starts_with('{')) keep(line);
  }
  return objects;
}

std::optional<std::string> text_of(const json::object& object, std::string_view key) {
  auto text = base::string_member(object, key);
  return text && text->empty() ? std::nullopt : text;
}

std::optional<std::string> absolute_text_of(const json::object& object, std::string_view key) {
  auto text = text_of(object, key);
  if (text && !text->starts_with('/')) return std::nullopt;
  return text;
}

/// npm's and pnpm's form: "registry" and "@scope:registry".
void read_npm_settings(const json::object& settings, PackageManagerFacts& facts) {
  if (const auto registry = text_of(settings, "registry")) add_url(facts, *registry);
  for (const auto& [key, value] : settings) {
    if (is_registry_key(key) && value.is_string()) add_url(facts, value.get_string().c_str());
  }
}

/// `npm config ls` in words: KEY = "VALUE" a line, comments begin with ';'. npm's JSON leaves out
/// each URL that holds a password; here it stands with the password blotted out.
void read_npm_lines(const std::string& output, PackageManagerFacts& facts) {
  constexpr std::string_view kEquals = " = ";
  for (const std::string& line : base::split(output, '\n')) {
    const std::size_t at = line.find(kEquals);
    if (at == std::string::npos || !is_registry_key(line.substr(0, at))) continue;
    const auto value = base::parse_json(line.substr(at + kEquals.size()));
    if (value && value->is_string()) add_url(facts, value->get_string().c_str());
  }
}

void read_npm(const std::vector<std::optional<std::string>>& outputs, PackageManagerFacts& facts) {
  for (const json::object& settings : objects_in(outputs.at(0))) {
    read_npm_settings(settings, facts);
    facts.cache = absolute_text_of(settings, "cache");
    facts.prefix = absolute_text_of(settings, "prefix");
  }
  read_npm_lines(outputs.at(1).value_or(""), facts);
}

void read_pnpm(const std::vector<std::optional<std::string>>& outputs, PackageManagerFacts& facts) {
  for (const json::object& settings : objects_in(outputs.at(0))) {
    read_npm_settings(settings, facts);
    facts.cache = absolute_text_of(settings, "storeDir");  // from 11 on
    if (!facts.cache) facts.cache = absolute_text_of(settings, "store-dir");
  }
}

/// npmScopes: {"NAME": {"npmRegistryServer": URL, …}, …}
void read_yarn_scopes(const json::object& scopes, PackageManagerFacts& facts) {
  for (const auto& [name, settings] : scopes) {
    if (const auto server = base::string_member(settings, "npmRegistryServer")) {
      add_url(facts, *server);
    }
  }
}

void read_yarn(const std::vector<std::optional<std::string>>& outputs, PackageManagerFacts& facts) {
  for (const json::object& line : objects_in(outputs.at(0))) {  // classic
    const json::value* data = line.if_contains("data");
    if (text_of(line, "type") == "inspect" && data != nullptr && data->is_object()) {
      read_npm_settings(data->get_object(), facts);
    }
  }
  for (const json::object& line : objects_in(outputs.at(1))) {  // berry
    const auto key = text_of(line, "key");
    const auto effective = text_of(line, "effective");
    if (key == "npmRegistryServer" && effective) add_url(facts, *effective);
    if (key == "globalFolder") facts.cache = absolute_text_of(line, "effective");
  }
  for (const json::object& scopes : objects_in(outputs.at(2))) read_yarn_scopes(scopes, facts);
}

void read_pip_indexes(const json::object& answer, PackageManagerFacts& facts) {
  bool index_configured = false;
  const json::value* configured = answer.if_contains("configured");
  if (configured != nullptr && configured->is_array()) {
    for (const json::value& item : configured->get_array()) {
      const json::array* pair = item.if_array();
      if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_string() ||
          !(*pair)[1].is_string()) {
        continue;
      }
      if ((*pair)[0].get_string() == "index-url") index_configured = true;
      std::string urls((*pair)[1].get_string().c_str());
      std::replace(urls.begin(), urls.end(), '\n', ' ');
      for (const std::string& url : base::split(urls, ' ')) add_url(facts, url);
    }
  }
  if (index_configured) return;
  for (const char* key : {"default_index", "default_files"}) {
    if (const auto url = text_of(answer, key)) add_url(facts, *url);
  }
}

void read_pip(const std::vector<std::optional<std::string>>& outputs, PackageManagerFacts& facts) {
  for (const json::object& answer : objects_in(outputs.at(0))) {
    const auto prefix = absolute_text_of(answer, "prefix");
    if (!prefix) continue;
    PackageManagerFacts::Python python;
    python.prefix = *prefix;
    python.base_prefix = absolute_text_of(answer, "base_prefix").value_or(*prefix);
    python.user_base = absolute_text_of(answer, "user_base").value_or("");
    python.user_site = absolute_text_of(answer, "user_site").value_or("");
    python.data = absolute_text_of(answer, "data").value_or(*prefix);
    const json::value* enabled = answer.if_contains("user_site_enabled");
    python.user_site_enabled = enabled != nullptr && enabled->is_bool() && enabled->get_bool();
    const json::value* directories = answer.if_contains("directories");
    if (directories != nullptr && directories->is_array()) {
      for (const json::value& directory : directories->get_array()) {
        if (directory.is_string() && directory.get_string().starts_with('/')) {
          add_once(python.install_directories, directory.get_string().c_str());
        }
      }
    }
    facts.python = std::move(python);
    read_pip_indexes(answer, facts);
  }
}

void read_script(const std::vector<std::optional<std::string>>& outputs,
                 PackageManagerFacts& facts) {
  for (const json::object& answer : objects_in(outputs.at(0))) {
    for (const std::string& url : base::string_list(answer, "registries")) add_url(facts, url);
    facts.cache = absolute_text_of(answer, "cache");
  }
}

std::string_view name_of(PackageManager manager) {
  switch (manager) {
    case PackageManager::npm:
      return "npm";
    case PackageManager::pnpm:
      return "pnpm";
    case PackageManager::yarn:
      return "yarn";
    case PackageManager::pip:
      return "pip";
    case PackageManager::bun:
      return "bun";
    case PackageManager::deno:
      return "deno";
    case PackageManager::none:
      break;
  }
  return "the command";
}

/// The URL's port, or its scheme's. Boost.URL's own port_number() wraps around beyond 65535.
std::optional<std::uint16_t> port_of(const boost::urls::url_view& url) {
  const std::string digits(url.has_port() ? url.port() : "");
  const bool https = url.scheme_id() == boost::urls::scheme::https;
  if (digits.empty()) return https ? kHttpsPort : kHttpPort;
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || *end != '\0' || port == 0) return std::nullopt;
  return port;
}

}  // namespace

std::vector<RegistryQuery> registry_queries(PackageManager manager) {
  using To = RegistryQuery::To;
  switch (manager) {
    case PackageManager::npm:
      return {{{"config", "ls", "--json"}}, {{"config", "ls"}}};
    case PackageManager::pnpm: {
      std::vector<std::string> words = {"config", "list", "--json"};
      words.insert(words.end(), kPnpmAsItIs.begin(), kPnpmAsItIs.end());
      return {{std::move(words)}};
    }
    case PackageManager::yarn:
      return {{{"config", "list", "--json"}, To::yarn_1},
              {{"config", "--json"}, To::later_yarn},
              {{"config", "get", "npmScopes", "--json"}, To::later_yarn}};
    case PackageManager::pip:
      return {{{"-c", std::string(kPipQuery)}, To::python}};
    case PackageManager::bun:
      return {{{"-e", std::string(kScriptQuery)}}};
    case PackageManager::deno:
      return {{{"eval", "--no-config", "--no-lock", std::string(kScriptQuery)}}};
    case PackageManager::none:
      break;
  }
  return {};
}

std::vector<RegistryQuery> global_queries(PackageManager manager,
                                          const std::vector<std::string>& arguments) {
  using To = RegistryQuery::To;
  std::vector<RegistryQuery> queries;
  if (manager == PackageManager::pnpm)
    queries = {{{"root", "-g"}}, {{"config", "get", "global-bin-dir"}}};
  if (manager == PackageManager::yarn) {
    queries = {{{"global", "dir"}, To::yarn_1}, {{"global", "bin"}, To::yarn_1}};
  }
  if (manager == PackageManager::bun) {
    const bool is_elsewhere = std::any_of(arguments.begin(), arguments.end(), [](const auto& word) {
      return word == "-c" || word.starts_with("--config");
    });
    if (is_elsewhere) return {};
    for (const char* which : {"packages", "programs"}) {
      const std::string head = std::string("const WHICH = '") + which + "'\n";
      queries.push_back({{"-e", head + std::string(kBunPlaces)}});
    }
    return queries;
  }
  std::vector<std::string> more = manager == PackageManager::pnpm ? kPnpmAsItIs : Words{};
  constexpr std::array<std::string_view, 4> kPlaces = {"--global-dir", "--global-bin-dir",
                                                       "--global-folder", "--prefix"};
  for (std::size_t i = 1; i < arguments.size() && arguments[i] != "--"; ++i) {
    const std::string& word = arguments[i];
    for (const std::string_view place : kPlaces) {
      if (word.starts_with(std::string(place) + "=")) more.push_back(word);
      if (word == place && i + 1 < arguments.size()) more.push_back(word + "=" + arguments[i + 1]);
    }
  }
  for (RegistryQuery& query : queries) {
    query.arguments.insert(query.arguments.end(), more.begin(), more.end());
  }
  return queries;
}

std::optional<std::pair<std::string, std::string>> parse_global_answers(
    PackageManager manager, const std::vector<std::optional<std::string>>& outputs,
    const std::string& pnpm_home) {
  std::vector<std::string> paths;
  for (const auto& output : outputs) {
    std::string& found = paths.emplace_back();
    for (const std::string& line : base::split(output.value_or(""), '\n')) {
      if (line.starts_with('/')) found = base::trim(line);  // yarn may say other things before
    }
  }
  if (paths.size() != 2 || paths[0].size() < 2) return std::nullopt;
  if (manager == PackageManager::pnpm) {
    // Up to 10 it names the directory in the project that all of them are installed in.
    constexpr std::string_view kModules = "/node_modules";
    const bool is_older = paths[0].ends_with(kModules);
    if (is_older) paths[0].resize(paths[0].size() - kModules.size());
    if (paths[1].empty() && pnpm_home.starts_with('/')) {
      paths[1] = is_older ? pnpm_home : base::join_path(pnpm_home, "bin");
    }
  }
  if (paths[1].size() < 2) return std::nullopt;
  return std::pair(paths[0], paths[1]);
}

PackageManagerFacts parse_answers(PackageManager manager,
                                  const std::vector<std::optional<std::string>>& outputs) {
  PackageManagerFacts facts;
  if (manager == PackageManager::none) return facts;
  std::vector<std::optional<std::string>> answers = outputs;
  answers.resize(registry_queries(manager).size());
  switch (manager) {
    case PackageManager::npm:
      read_npm(answers, facts);
      break;
    case PackageManager::pnpm:
      read_pnpm(answers, facts);
      break;
    case PackageManager::yarn:
      read_yarn(answers, facts);
      break;
    case PackageManager::pip:
      read_pip(answers, facts);
      break;
    case PackageManager::bun:
    case PackageManager::deno:
      read_script(answers, facts);
      break;
    case PackageManager::none:
      break;
  }
  if (facts.registries.empty() && !facts.python) {
    throw base::UserError(std::string(name_of(manager)) +
                          " did not say which registry it uses; name it with --allow-host HOST");
  }
  return facts;
}

RegistryRules rules_for_registries(const std::vector<std::string>& urls) {
  RegistryRules result;
  for (const std::string& text : urls) {
    const auto url = boost::urls::parse_uri(base::trim(text));
    if (!url) continue;
    const auto scheme = url->scheme_id();
    if (scheme != boost::urls::scheme::https && scheme != boost::urls::scheme::http) continue;
    const auto port = port_of(*url);
    std::string host(url->host_address());
    if (host.size() > 1 && host.ends_with('.')) host.pop_back();
    // A star in a URL is no pattern: only the user may write one.
    if (!port || host.find('*') != std::string::npos) continue;
    try {
      const HostPattern pattern = HostPattern::parse(host);
      if (pattern.is_loopback()) {
        const bool brackets = host.find(':') != std::string::npos;
        add_once(result.loopback,
                 (brackets ? "[" + host + "]" : host) + ":" + std::to_string(*port));
        continue;
      }
      const auto same = std::find_if(result.rules.begin(), result.rules.end(),
                                     [&](const EgressRule& rule) { return rule.host == pattern; });
      if (same == result.rules.end()) {
        result.rules.push_back({pattern,
                                {*port},
                                EgressRule::Origin::registry,
                                EgressRule::Protocol::tls_or_http,
                                {Audience::Kind::package_manager, {}}});
      } else if (std::find(same->ports.begin(), same->ports.end(), *port) == same->ports.end()) {
        same->ports.push_back(*port);
      }
    } catch (const base::UserError&) {
      continue;  // not a host anybody could mean; the package manager will say so itself
    }
  }
  return result;
}

}  // namespace sandbox_run::policy
