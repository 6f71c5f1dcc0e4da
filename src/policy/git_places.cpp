#include "policy/git_places.h"

#include <algorithm>
#include <array>

#include "base/path.h"
#include "base/text.h"
#include "policy/glob.h"

namespace sandbox_run::policy {
namespace {

// git-config(1) and gitattributes(5) of git 2.53, keys in small letters.
constexpr std::array<std::string_view, 2> kDirectories = {"core.hookspath", "init.templatedir"};
constexpr std::array<std::string_view, 7> kFiles = {
    "core.attributesfile", "gpg.ssh.allowedsignersfile", "gpg.ssh.revocationfile",
    "http.sslcainfo",      "http.*.sslcainfo",           "http.sslcapath",
    "http.*.sslcapath"};
constexpr std::array<std::string_view, 34> kCommands = {"alias.*",
                                                        "browser.*",
                                                        "core.alternaterefscommand",
                                                        "core.askpass",
                                                        "core.editor",
                                                        "core.fsmonitor",
                                                        "core.gitproxy",
                                                        "core.pager",
                                                        "core.sshcommand",
                                                        "credential.helper",
                                                        "credential.*.helper",
                                                        "diff.external",
                                                        "diff.*.command",
                                                        "diff.*.textconv",
                                                        "difftool.*",
                                                        "filter.*",
                                                        "gpg.program",
                                                        "gpg.*.program",
                                                        "gpg.ssh.defaultkeycommand",
                                                        "guitool.*",
                                                        "hook.*",
                                                        "interactive.difffilter",
                                                        "man.*",
                                                        "merge.*.driver",
                                                        "mergetool.*",
                                                        "pager.*",
                                                        "remote.*.receivepack",
                                                        "remote.*.uploadpack",
                                                        "sendemail.*",
                                                        "sequence.editor",
                                                        "submodule.*.update",
                                                        "tar.*.command",
                                                        "trailer.*",
                                                        "uploadpack.packobjectshook"};

template <typename Globs>
bool is_one_of(const Globs& globs, std::string_view key) {
  return std::any_of(globs.begin(), globs.end(),
                     [&](std::string_view glob) { return name_matches(glob, key); });
}

/// Words as a shell would split them, roughly: quotes are taken off, operators part words, and what
/// follows a '=' is a word of its own, too.
std::vector<std::string> words_of(std::string_view command) {
  constexpr std::string_view kParting = " \t\n!;&|()<>`$={},";
  std::vector<std::string> words(1);
  char quote = 0;
  for (const char c : command) {
    if (quote != 0 ? c == quote : (c == '"' || c == '\'')) {
      quote = quote != 0 ? '\0' : c;
    } else if (kParting.find(c) != std::string_view::npos) {
      // Within quotes as well: `sh -c 'scripts/x "$@"'` has a command in them.
      if (!words.back().empty()) words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

}  // namespace

std::string path_in_project(std::string_view path, std::string_view project) {
  if (path.empty() || path.starts_with('~')) return "";
  const std::string whole = base::absolute_path(path, project);
  if (whole == project || !base::is_beneath(whole, project)) return "";
  std::string relative = base::relative_to(whole, project);
  const std::vector<std::string> parts = base::split(relative, '/');
  const bool installed = std::find(parts.begin(), parts.end(), "node_modules") != parts.end();
  return installed ? "" : relative;
}

std::vector<GitPlace> places_named_by_git(const GitConfig& config, std::string_view project,
                                          const std::function<bool(const std::string&)>& is_file) {
  std::vector<GitPlace> places;
  const auto add = [&](std::string path, GitPlace::Kind kind) {
    GitPlace place{std::move(path), kind};
    const bool known = std::find(places.begin(), places.end(), place) != places.end();
    if (!place.path.empty() && !known) places.push_back(std::move(place));
  };
  for (const auto& [key, values] : config) {
    for (const std::string& value : values) {
      if (is_one_of(kDirectories, key)) {
        add(path_in_project(value, project), GitPlace::Kind::directory);
      } else if (is_one_of(kFiles, key)) {
        add(path_in_project(value, project), GitPlace::Kind::file);
      } else if (is_one_of(kCommands, key)) {
        for (const std::string& word : words_of(value)) {
          if (word.starts_with('-')) continue;
          const std::string path = path_in_project(word, project);
          const bool is_path = word.find('/') != std::string::npos;
          if (!path.empty() && (is_path || is_file(path))) add(path, GitPlace::Kind::file);
        }
      }
    }
  }
  return places;
}

}  // namespace sandbox_run::policy
