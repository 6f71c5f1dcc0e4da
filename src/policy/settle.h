#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "policy/verdict.h"

// The one place where a verdict is made: a pure function of path, actor and content.
//
//   path     judge(): the rules' word
//   actor    Author: whose hand it can have been, as far as the exec tree and the kernel's times
//            tell for certain
//   content  Content: what the file is, whoever wrote it (workspace/content.h looks)

namespace sandbox_run::policy {

/// The worst that may have made a change.
enum class Author {
  /// In all of the command nothing ran but the package manager itself, or programs of the system
  /// that the user typed: it is what he asked for.
  asked,
  /// A lifecycle script of the project's own was running when it was made, and nothing of a
  /// package's: the
  /// user's code, but for the programs of dependencies that it may have started.
  own_script,
  /// Such a script, or what the user typed; or no script at all, in a command in which none of a
  /// package ran.
  project,
  /// No script at all, in a command in which a package's ran: the package manager, but for what a
  /// package may have done to it before.
  manager,
  package  // any package's code, or it can't be told
};

/// What the content says by itself.
enum class Content {
  other,
  same_value,       // a package.json that means what it meant
  own_versions,     // a package.json or lockfile with other versions of the project's own packages
  same_entries,     // a git index whose entries differ in nothing but what was stat'ed
  made_executable,  // nothing but x bits came on, and the project's package.json names it as `bin`
  git_hooks,        // a git hook as a known tool writes it, or the setting that leads to such
  git_settings,     // a git configuration in which only keys changed that start nothing
  git_starters,     // another change of a git configuration; Finding::words says of which keys
  named_extension,  // a compiled module that the project's own setup.py or pyproject.toml names
  new_file,         // nothing of all this, where there was none before
  ignored_output,   // nothing of all this, where there was one, and git ignores it
  copied_example,   // a new .env, the same as the .env.example that was there
  ignored_setting   // git ignores the file: nobody else gets it by a commit
};

struct Finding {
  Content content = Content::other;
  std::string words = {};  // the tool's name; the keys
  /// Of a new file, and of what git ignores: when its inode in the layer was made, which is when it
  /// was first changed (ns since 1970); INT64_MAX: the file system does not say.
  std::int64_t made_at = INT64_MAX;
  std::string where = {};  // the real path
  /// Of a new file: does git ignore it, or package.json name it, or a directory that it is in, as
  /// what the project offers to others? Costs a look at these files. Empty: no.
  std::function<bool()> is_output = {};
};

/// Of a path alone (a directory, a removal): what is asked for is committed, all else is as judged.
Judgement settle(const TargetRules& rules, std::string_view path, Judgement by_path, Author author);

/// Of a file whose content was looked at.
///
/// The attacks: a dependency's script writes what is recognised here, or waits until the manager
/// writes. So what `content` alone lets through can do nothing new (the same value, the same
/// entries, directories that are the project's own); what can start something is held, whoever
/// wrote it, and the author only decides whether it is an alert.
Judgement settle(const TargetRules& rules, std::string_view path, Judgement by_path, Author author,
                 const Finding& finding);

/// Of what was removed, so that there is no content, and no time that tells who it was.
/// `is_own_output`: git ignores it, and no scripts ran but those of the project that it is in.
Judgement settle_removal(std::string_view path, Judgement by_path,
                         const std::function<bool()>& is_own_output);

/// How the reason of held git hooks begins.
inline constexpr std::string_view kGitHooksReason = "git hooks";

/// Is the content, or the author, of a file at `path` worth a look, given the rules' word?
bool depends_on_content(const Judgement& by_path);

/// Where tools put git hooks: the entries are judged one by one.
bool may_hold_hooks(std::string_view path);

}  // namespace sandbox_run::policy
