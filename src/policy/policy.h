#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "policy/host_pattern.h"
#include "policy/resource_limits.h"

// What is allowed: plain values. Made by load_profiles() and merge_policy(), then never changed.

namespace sandbox_run::policy {

// ── network ─────────────────────────────────────────────────────────────────────────────────────

/// Whose connections a rule is for.
struct Audience {
  enum class Kind {
    any,
    package_manager,  // itself, and what it runs for itself (git, say)
    scripts,          // lifecycle scripts, builds, the project's own scripts
    package           // lifecycle scripts of the package `package` alone
  };
  Kind kind = Kind::any;
  std::string package = {};
  friend bool operator==(const Audience&, const Audience&) = default;
};

inline constexpr std::uint16_t kHttpPort = 80;
inline constexpr std::uint16_t kHttpsPort = 443;

struct EgressRule {
  enum class Origin { registry, user };
  /// What may be spoken. tls_or_http: such that each connection says which host it is for, and the
  /// broker can compare. any: whatever the client sends (git+ssh), unseen.
  enum class Protocol { tls_or_http, any };
  /// What the host's name may resolve to; a registry's also to private addresses in any case.
  enum class Addresses { global, private_too };
  HostPattern host;
  std::vector<std::uint16_t> ports;  // never empty
  Origin origin = Origin::user;
  Protocol protocol = Protocol::tls_or_http;
  Audience audience = {};
  Addresses addresses = Addresses::global;
  friend bool operator==(const EgressRule&, const EgressRule&) = default;
};

struct NetworkPolicy {
  std::vector<EgressRule> allow;  // empty: no network at all
  /// Who else may reach the registries that the package manager is configured for.
  std::vector<Audience> registries_for = {};
  friend bool operator==(const NetworkPolicy&, const NetworkPolicy&) = default;
};

// ── files ───────────────────────────────────────────────────────────────────────────────────────

/// What becomes of a change in a target.
enum class Verdict {
  commit,   // expected: goes to the host
  hold,     // kept in the state directory for review
  protect,  // held, and an alert: a place where back doors are planted
  verify,   // a content-addressed file: committed if its digest is its name, else dropped
  trusted,  // committed if no script ran in this run (the package manager alone wrote), else
            // dropped
  drop,     // thrown away in silence (caches)
  strip,    // thrown away, and told
  /// A .pth file of Python: committed if every line is a plain path or comment, or is exactly
  /// setuptools' known line; else held. See path_file_paths() in verdict.h.
  path_file,
  /// A condition: a file that no RECORD of an installed Python distribution lists with its digest
  /// is protected; of one that it lists, the rules after this one say. See Judgement.
  recorded,
  /// A package.json: committed if the package manager alone ran, or if only the members `keys` of
  /// it changed; else protected. See changed_members() in manifest.h.
  manifest,
  /// What the package manager, or the project's own build, writes (a lockfile, build/): committed
  /// if no package's code was running when it was last changed; else protected.
  own
};

struct VerdictRule {
  Verdict verdict = Verdict::hold;
  std::vector<std::string> paths;  // globs relative to the target's root; see glob.h
  std::string reason;
  /// If not empty: the rule holds only if one of the command's arguments is one of these.
  std::vector<std::string> when_argument;
  /// The rule does not hold if one of the command's arguments is one of these.
  std::vector<std::string> unless_argument;
  std::vector<std::string> keys = {};  // of Verdict::manifest
  friend bool operator==(const VerdictRule&, const VerdictRule&) = default;
};

/// global_packages, global_programs: see global_install.h.
enum class TargetKind { project, environment, cache, extra, global_packages, global_programs };

/// Directories that a command empties before it fills them anew (npm ci: node_modules). They are
/// hidden while it runs, so that it finds nothing to remove; if it succeeds the old ones are
/// exchanged for its own. See hidden_directories().
struct HideRule {
  std::vector<std::string> directories;  // names at the target's root
  std::vector<std::string> sub_commands;
  /// Globs: what else may be on the command line. Another argument (--dry-run, --prefix) may change
  /// what is emptied, so then nothing is hidden.
  std::vector<std::string> other_arguments;
  friend bool operator==(const HideRule&, const HideRule&) = default;
};

/// While no package's code has run in a command, what it changes is what the user asked for: see
/// settle.h. Then these paths are committed, held or protected though they are.
struct AskedRule {
  std::vector<std::string> paths;   // globs: what the manager writes by itself
  std::vector<std::string> unless;  // globs, stronger
  friend bool operator==(const AskedRule&, const AskedRule&) = default;
};

/// For which commands: see command_words.h.
struct CommandRule {
  std::vector<std::string> commands;  // patterns: "npm run", "npx create-*"
  std::vector<std::string> unless;    // the same, stronger
  friend bool operator==(const CommandRule&, const CommandRule&) = default;
};

/// What a profile says of one kind of target.
struct TargetRules {
  TargetKind kind = TargetKind::project;
  std::vector<VerdictRule> rules;  // first match wins; no match: hold (cache: drop)
  std::vector<HideRule> hide = {};
  std::optional<AskedRule> asked = {};  // nullopt: the rules alone count, whoever wrote
  /// Commands of which all is taken over, or nothing (`npm version`: package.json, commit, tag).
  std::optional<CommandRule> whole = {};
  /// Commands that run the project's scripts, or a program that the user names: what they make is
  /// committed where no rule says otherwise, also if they fail (a test's report).
  std::optional<CommandRule> output = {};
  /// Commands that make a new project: a directory that did not exist is committed as it is.
  std::optional<CommandRule> creates = {};
  /// Commands that make the one directory that they name (`pnpm deploy OUT`): if it did not exist,
  /// it is committed as it is.
  std::optional<CommandRule> makes = {};
  /// Commands that leave something for the user in the directory for temporary files, and print
  /// where (`yarn patch`): they get a new one, which is kept.
  std::optional<CommandRule> temporary = {};
  /// Git hooks that a known tool sets up, run by the project's own script, are committed, not held.
  bool takes_git_hooks = false;
  /// Not empty: nothing is committed, for this reason (--review, after an alert).
  std::string hold_reason = {};
  friend bool operator==(const TargetRules&, const TargetRules&) = default;
};

struct CacheDirectory {
  std::string path;  // may start with {home}, {cache_home}, {data_home}, {package_manager_cache}
  /// Of a recipe: the packages whose scripts download into it. What they alone make is kept, and
  /// nothing that is there is changed. Empty: what the rules of kind `cache` say.
  std::vector<std::string> packages = {};
  friend bool operator==(const CacheDirectory&, const CacheDirectory&) = default;
};

/// A configuration file shown in the fake home as a copy without its credentials.
struct HomeFile {
  /// npmrc: "key = value"; ini: the same, with ':' too and continued lines, as pip reads it; yaml:
  /// nested by indentation; yarnrc: yarn classic's "key value"; gitconfig: git-config(1); xml: keys
  /// are names of elements; text: all but credentials in URLs; hidden: nothing of it.
  enum class Format { npmrc, ini, yaml, yarnrc, gitconfig, toml, xml, text, hidden };
  std::string path;  // may start with {home}, {config_home}
  Format format = Format::ini;
  std::vector<std::string> drop_keys;  // globs on the key, case-insensitive
  std::vector<std::string> keep_keys;  // of gitconfig and TOML: no others are shown
  /// Variables that name the file to use instead of `path`: see home_file_path().
  std::vector<std::string> path_variables;
  /// The ConfigurationKind whose format and keys it has; "": its own.
  std::string kind = {};
  friend bool operator==(const HomeFile&, const HomeFile&) = default;
};

/// Configuration that may hold credentials, wherever it is shown: a copy takes its place.
struct ConfigurationKind {
  std::string name;
  std::string toolchain;           // not "": lies below this toolchain's root alone
  std::vector<std::string> paths;  // globs relative to a prefix: "etc/npmrc"
  HomeFile rules;                  // format and keys; its path counts for nothing
  /// Of projects beside the command's own (plan/neighbours.h) alone, where it lies at any depth.
  bool of_neighbours = false;
  std::vector<std::string> except = {};  // globs of names that hold no secret: ".env.example"
  friend bool operator==(const ConfigurationKind&, const ConfigurationKind&) = default;
};

/// Where a version manager keeps its tools below $HOME; shown read-only if PATH or the command
/// leads into it.
struct Toolchain {
  std::string name;
  std::string root;                        // "{home}/.nvm"
  std::string root_variable;               // "NVM_DIR": if set, replaces `root`
  std::vector<std::string> hide;           // relative to root: credentials, masked
  std::vector<std::string> also;           // further roots that it needs: "{config_home}/mise"
  std::vector<std::string> prefixes = {};  // globs relative to root: what has an etc of its own
  friend bool operator==(const Toolchain&, const Toolchain&) = default;
};

/// A program of a directory that is a dependency, of which the package manager makes a hard link
/// where it can: see HardLinks.
struct LinkedProgram {
  std::string directory;  // the dependency's; real
  std::string path;       // of the program, in it
  /// Absolute: where the package manager may have put a copy instead; links may lead on.
  std::vector<std::string> copies;
  friend bool operator==(const LinkedProgram&, const LinkedProgram&) = default;
};

/// How a package manager takes in a dependency that is a directory (`file:../lib`): each file is a
/// hard link, so that a program which is made executable in node_modules is so in its own place.
struct HardLinks {
  /// A package that has one of these scripts, or entries, is copied.
  std::vector<std::string> unless_scripts;
  std::vector<std::string> unless_files;
  friend bool operator==(const HardLinks&, const HardLinks&) = default;
};

struct FilesystemPolicy {
  std::vector<std::string> system;  // read-only directories of the host: "/usr", …
  std::vector<std::string> etc;     // entries of /etc that are shown, relative: "ssl/certs"
  /// Words of tools that make a version, its commit and its tag: release.h.
  std::vector<std::string> release_tools;
  std::vector<std::string> disposable;  // globs relative to the false home: not worth a word
  std::vector<std::string> read_only;   // --ro, absolute
  std::vector<std::string> read_write;  // --rw, absolute: further targets
  std::vector<Toolchain> toolchains;
  std::vector<HomeFile> home_files;
  std::vector<ConfigurationKind> configuration;
  std::vector<std::string> prefixes;  // globs, absolute: where configuration is looked for
  /// Of what is shown, the trees that hold more than a distribution's own files: what others may
  /// not read there is not shown.
  std::vector<std::string> looked_through;
  std::vector<CacheDirectory> caches;
  std::vector<TargetRules> targets;
  std::optional<HardLinks> hard_links = {};  // nullopt: it copies, or makes a symbolic link
  friend bool operator==(const FilesystemPolicy&, const FilesystemPolicy&) = default;
};

// ── environment ─────────────────────────────────────────────────────────────────────────────────

struct EnvironmentPolicy {
  std::vector<std::string> allow;     // globs on the name
  std::vector<std::string> withhold;  // globs on the name, stronger than `allow`
  /// A package's name → globs on the names that its installer reads: settings, no secrets.
  std::map<std::string, std::vector<std::string>> readers;
  std::vector<std::string> always;         // --allow-env: exact names, stronger than `withhold`
  std::map<std::string, std::string> set;  // values may start with {home}, {cache_home}, …
  /// As `set`, but only if the command runs below the project's root, not in it.
  std::map<std::string, std::string> set_below_project;
  /// As `set`, but only if the command changes global packages.
  std::map<std::string, std::string> set_for_global;
  /// Variables that name a file (certificate bundles): the file is shown read-only.
  std::vector<std::string> file_variables;
  friend bool operator==(const EnvironmentPolicy&, const EnvironmentPolicy&) = default;
};

// ── alerts ──────────────────────────────────────────────────────────────────────────────────────

/// False credentials: files in the fake home; also variables, which some scripts would use.
enum class DecoyMode { off, files, files_and_environment };

/// What becomes of a run in which an alert was raised. Each does what those before it do, too.
enum class OnAlert {
  log,   // it is said
  hold,  // nothing is committed: all changes are held
  fail,  // a command that ended well ends with exit code 122
  kill   // everything in the sandbox is killed at once
};

// ── the whole ───────────────────────────────────────────────────────────────────────────────────

/// Commands that name a path outside the project, where nothing is kept of what they do. Patterns
/// as in CommandRule.
struct OutsideRule {
  std::vector<std::string> unless;  // name what is not there, and make nothing
  /// That change what is there, too: whatever they name; where their last word says.
  std::vector<std::string> change;
  std::vector<std::string> into;
  friend bool operator==(const OutsideRule&, const OutsideRule&) = default;
};

/// Whom to ask which registries are in use.
enum class PackageManager { none, npm, pnpm, yarn, pip, bun, deno };

struct Policy {
  std::string profile;  // "npm"
  PackageManager package_manager = PackageManager::none;
  /// Of a package manager that is an interpreter, too (bun, deno): with which words it is one. With
  /// all others it runs somebody's program, and has none of a package manager's rights.
  std::optional<CommandRule> manages = {};
  /// Names of programs that run no code but their own (git, cp): where the user typed one that lies
  /// in a directory of the system, what it changes is what he asked for.
  std::vector<std::string> system_programs;
  /// Names of programs of the system in whose place no package's may stand: see
  /// watch/shadowed_programs.h.
  std::vector<std::string> never_shadowed = {};
  bool commit_on_failure = false;
  /// Paths in a target by which the package manager says that it has done its work: a command that
  /// wrote one and ended with an error is committed all the same.
  std::vector<std::string> done_when_written = {};
  /// Sub-commands that change nothing in the project (`npm ls`): they wait for nobody, and commit
  /// nothing but caches.
  std::vector<std::string> reading_commands = {};
  std::optional<OutsideRule> outside = {};  // nullopt: nobody is asked
  NetworkPolicy network;
  FilesystemPolicy files;
  EnvironmentPolicy environment;
  std::optional<std::chrono::seconds> time_limit;
  Limits limits = {};
  DecoyMode decoys = DecoyMode::files;
  std::optional<OnAlert> on_alert;  // nullopt: fail where the variable CI is set, else hold
  friend bool operator==(const Policy&, const Policy&) = default;
};

}  // namespace sandbox_run::policy
