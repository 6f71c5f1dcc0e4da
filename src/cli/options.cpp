// Boost.Program_options, seen only here.

#include "cli/options.h"

#include <boost/program_options.hpp>
#include <cstdlib>
#include <utility>

#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "cli/commands/sub_command_options.h"
#include "policy/recipe.h"

namespace sandbox_run::cli {
namespace {

namespace po = boost::program_options;

using Strings = std::vector<std::string>;

po::options_description describe() {
  po::options_description options("Options");
  options.add_options()  //
      ("allow-host", po::value<Strings>()->composing()->value_name("HOST[:PORT]"),
       "let the sandbox reach HOST (or *.example.com) on PORT, else 80 and 443.\n"
       "Costs: anything inside can send there whatever it can read. localhost:PORT opens that one "
       "service of this machine.")  //
      ("allow-recipe", po::value<Strings>()->composing()->value_name("NAME"),
       "let the package of that recipe download what it is known to need (electron, puppeteer …).\n"
       "Costs: that package's install script can send there whatever it can read.")  //
      ("allow-env", po::value<Strings>()->composing()->value_name("NAME"),
       "let the variable NAME in.\nCosts: every install script can read its value.")  //
      ("ro", po::value<Strings>()->composing()->value_name("PATH"),
       "show PATH, read-only.\nCosts: every install script can read it.")  //
      ("rw", po::value<Strings>()->composing()->value_name("PATH"),
       "a further target: PATH is shown, and changes in it are committed.\n"
       "Costs: every install script can change it.")  //
      ("profile", po::value<std::string>()->value_name("NAME|FILE"),
       "use this profile, not the one found from the command's name")  //
      ("events", po::value<Strings>()->composing()->value_name("WHERE"),
       "send the events there as well: FILE or fd:N (JSON Lines), stderr (in words), syslog, "
       "journald, otlp")  //
      ("review",
       "commit nothing before you have looked: all changes are held, and on a terminal shown at "
       "the end, one by one")                                                         //
      ("discard", "keep nothing that the command changes: try it, and read the log")  //
      ("commit-on-failure",
       "keep expected changes also if the command fails.\nCosts: a half-done install gets in.")  //
      ("timeout", po::value<std::string>()->value_name("TIME"),
       "end the command after TIME: 90, 90s, 15m or 2h")  //
      ("decoys", po::value<std::string>()->value_name("files|files+env|off"),
       "false credentials in the false home (files), and in variables too (files+env); whoever "
       "opens or sends one raises an alert.\nCosts of files+env: a script that uses GITHUB_TOKEN "
       "gets a false one.")  //
      ("on-alert", po::value<std::string>()->value_name("log|hold|fail|kill"),
       "after an alert: only say so; hold all changes (the default); also end with exit code 122 "
       "(the default where CI is set); or kill everything inside at once")  //
      ("learn",
       "write down what packages' scripts do, in sandbox-run.lock: what differs later is an "
       "alert")  //
      ("frozen",
       "fail (122) if a package's script does what sandbox-run.lock does not know of it")     //
      ("dry-run", "print what would be done, and do nothing (as: sandbox-run plan COMMAND)")  //
      ("json", "print the summary as one JSON object")                                        //
      ("quiet,q", "print no summary, unless there was an alert")                              //
      ("version", "print the version")                                                        //
      ("help,h", "print this help");
  return options;
}

/// How many of `arguments` are ours: up to the command's name. "--" counts too.
std::size_t own_arguments(const po::options_description& options, const Strings& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--") return i;
    if (word.size() < 2 || word.front() != '-') return i;
    if (word.rfind("--", 0) != 0 || word.find('=') != std::string::npos) continue;
    const po::option_description* option = options.find_nothrow(word.substr(2), false);
    if (option != nullptr && option->semantic()->max_tokens() > 0) ++i;  // its value
  }
  return arguments.size();
}

template <typename Value>
Value value_of(const po::variables_map& values, const char* name) {
  return values.count(name) != 0 ? values[name].as<Value>() : Value();
}

std::string absolute_option(const char* option, const std::string& path, const std::string& cwd) {
  std::string absolute = base::absolute_path(path, cwd);
  if (path.empty() || !base::exists(absolute)) {
    throw base::UserError(std::string("--") + option + ": there is no " +
                          base::printable(absolute));
  }
  if (absolute == "/")
    throw base::UserError(std::string("--") + option + ": '/' would show everything");
  return absolute;
}

bool is_among_caches(const std::string& path) {
  const char* home = std::getenv("HOME");
  const char* caches = std::getenv("XDG_CACHE_HOME");
  const bool in_home =
      home != nullptr && *home == '/' && base::is_beneath(path, base::join_path(home, ".cache"));
  return in_home || (caches != nullptr && *caches == '/' && base::is_beneath(path, caches));
}

/// For --rw: a tool's own directory among the caches may be new; elsewhere it is a slip of the pen.
std::string writable_option(const std::string& path, const std::string& cwd) {
  const std::string absolute = base::absolute_path(path, cwd);
  if (path.empty() || base::exists(absolute) || !is_among_caches(absolute)) {
    return base::real_path(absolute_option("rw", path, cwd)).value();
  }
  const std::string parent = base::parent_path(absolute);
  return base::join_path(base::real_path(parent).value_or(parent), base::file_name(absolute));
}

template <typename Value>
std::optional<Value> word_option(const po::variables_map& values, const char* option,
                                 const std::vector<std::pair<std::string, Value>>& words) {
  if (values.count(option) == 0) return std::nullopt;
  const auto word = value_of<std::string>(values, option);
  Strings known;
  for (const auto& [name, value] : words) {
    if (name == word) return value;
    known.push_back(name);
  }
  throw base::UserError(std::string("--") + option + ": '" + base::printable(word) +
                        "' is none of: " + base::join(known, ", "));
}

policy::CommandLineRules read_rules(const po::variables_map& values, const std::string& cwd) {
  policy::CommandLineRules rules;
  for (const std::string& text : value_of<Strings>(values, "allow-host")) {
    try {
      rules.allow_hosts.push_back(policy::parse_host_and_port(text));
    } catch (const base::UserError& error) {
      throw base::UserError(std::string("--allow-host: ") + error.what());
    }
  }
  for (const std::string& name : value_of<Strings>(values, "allow-recipe")) {
    rules.allow_recipes.push_back(policy::recipe_named(name).name);
  }
  for (const std::string& name : value_of<Strings>(values, "allow-env")) {
    if (name.empty() || name.find_first_of("=*?[") != std::string::npos) {
      throw base::UserError("--allow-env: '" + base::printable(name) +
                            "' is no name of a variable; name each one in full");
    }
    rules.allow_environment.push_back(name);
  }
  for (const std::string& path : value_of<Strings>(values, "ro")) {
    rules.read_only.push_back(absolute_option("ro", path, cwd));
  }
  for (const std::string& path : value_of<Strings>(values, "rw")) {
    rules.read_write.push_back(writable_option(path, cwd));
  }
  if (values.count("commit-on-failure") != 0) rules.commit_on_failure = true;
  if (values.count("timeout") != 0)
    rules.time_limit = parse_time("--timeout", value_of<std::string>(values, "timeout"));
  rules.decoys = word_option(values, "decoys", policy::kDecoyModes);
  rules.on_alert = word_option(values, "on-alert", policy::kAlertAnswers);
  return rules;
}

Changes read_changes(const po::variables_map& values) {
  const bool review = values.count("review") != 0;
  const bool discard = values.count("discard") != 0;
  if (review && discard) {
    throw base::UserError("--review holds all changes, --discard keeps none: choose one");
  }
  if (discard && values.count("commit-on-failure") != 0) {
    throw base::UserError("--commit-on-failure keeps changes, --discard keeps none: choose one");
  }
  return review ? Changes::review : discard ? Changes::discard : Changes::by_profile;
}

LockUse read_lock_use(const po::variables_map& values, Changes changes,
                      std::optional<policy::OnAlert> on_alert) {
  const bool frozen = values.count("frozen") != 0;
  const bool learn = values.count("learn") != 0;
  if (frozen && learn) {
    throw base::UserError("--learn changes sandbox-run.lock, --frozen goes by it: choose one");
  }
  if (learn && changes == Changes::discard) {
    throw base::UserError("--learn writes sandbox-run.lock, --discard keeps nothing: choose one");
  }
  if (frozen && on_alert && *on_alert < policy::OnAlert::fail) {
    throw base::UserError("--frozen fails after an alert, --on-alert says not to: choose one");
  }
  return learn ? LockUse::learn : frozen ? LockUse::frozen : LockUse::compare;
}

/// po's own messages, in our words.
po::variables_map parse_own(const po::options_description& options, const Strings& own) {
  po::variables_map values;
  try {
    po::store(
        po::command_line_parser(own)
            .options(options)
            .style(po::command_line_style::unix_style & ~po::command_line_style::allow_guessing)
            .run(),
        values);
    po::notify(values);
  } catch (const po::unknown_option& error) {
    Strings names;
    for (const auto& option : options.options()) names.push_back("--" + option->long_name());
    const std::string near = base::nearest(error.get_option_name(), names);
    throw base::UserError("unknown option " + base::printable(error.get_option_name()) +
                          (near.empty() ? "" : "; did you mean " + near + "?") +
                          " (options of the command itself go after its name)");
  } catch (const po::error& error) {
    throw base::UserError(base::printable(error.what()));
  }
  return values;
}

}  // namespace

Options parse_options(const std::vector<std::string>& arguments, const std::string& cwd) {
  const po::options_description description = describe();
  const std::size_t count = own_arguments(description, arguments);
  const Strings own(arguments.begin(), arguments.begin() + static_cast<std::ptrdiff_t>(count));
  Strings rest(arguments.begin() + static_cast<std::ptrdiff_t>(count), arguments.end());
  const po::variables_map values = parse_own(description, own);

  Options options;
  options.profile = value_of<std::string>(values, "profile");
  for (const std::string& where : value_of<Strings>(values, "events")) {
    options.events.push_back(events::parse_sink(where));
  }
  if (values.count("json") != 0) options.output = Output::json;
  if (values.count("quiet") != 0) options.output = Output::quiet;
  options.changes = read_changes(values);
  options.rules = read_rules(values, cwd);
  options.lock = read_lock_use(values, options.changes, options.rules.on_alert);
  if (values.count("help") != 0) {
    options.action = Action::help;
    return options;
  }
  if (values.count("version") != 0) {
    options.action = Action::version;
    return options;
  }

  if (!rest.empty() && is_sub_command(rest.front())) {
    if (options.changes != Changes::by_profile || options.lock != LockUse::compare) {
      throw base::UserError(
          "--review, --discard, --learn and --frozen go with a command that is run; '" +
          rest.front() +
          "' is a sub-command (a command of that name: put -- "
          "before it)");
    }
    read_sub_command(rest, options);
    if (options.action == Action::help) return options;
    rest = std::exchange(options.operands, {});
  } else if (!rest.empty() && rest.front() == "--") {
    rest.erase(rest.begin());
  }
  if (values.count("dry-run") != 0) {
    if (options.action == Action::run) options.action = Action::plan;
    options.prune.act = PruneRule::Act::only_say;
  }
  if (options.action == Action::run || options.action == Action::plan) {
    if (rest.empty()) {
      throw base::UserError(
          "no command given; for example: sandbox-run npm ci (see sandbox-run --help)");
    }
    options.command = std::move(rest);
    options.own_words.assign(arguments.begin(),
                             arguments.end() - static_cast<std::ptrdiff_t>(options.command.size()));
    if (!options.own_words.empty() && options.own_words.back() == "--")
      options.own_words.pop_back();
    if (options.action == Action::plan) options.own_words.clear();
  } else {
    options.operands = std::move(rest);
  }
  return options;
}

std::string help_text() {
  std::ostringstream options;
  options << describe();
  return "Usage: sandbox-run [OPTION]… COMMAND [ARGUMENT]…\n"
         "       sandbox-run plan COMMAND…             what would be done, without doing it\n"
         "       sandbox-run review [-i] [RUN] [PATH]…  what is held; -i: decide one by one\n"
         "       sandbox-run commit [RUN] [PATH]…      commit held changes\n"
         "       sandbox-run discard [RUN] [PATH]…     discard held changes\n"
         "       sandbox-run undo [RUN]                take a run's commit back\n"
         "       sandbox-run log [RUN]                 who did what\n"
         "       sandbox-run explain [EVENT]           what it means, and what to do about it\n"
         "       sandbox-run runs                      past runs, and what became of them\n"
         "       sandbox-run prune --older-than 14d    remove old runs\n"
         "       sandbox-run lock diff|update [RUN]    what packages' scripts do\n"
         "       sandbox-run help [SUB-COMMAND]\n"
         "\n"
         "Runs COMMAND, an install, in isolation: its packages' scripts can't read your\n"
         "credentials, reach anything but the registries, or change anything but the\n"
         "project. It tells you what they tried.\n"
         "\n"
         "Examples:\n"
         "  sandbox-run npm ci\n"
         "  sandbox-run pip install -r requirements.txt\n"
         "  sandbox-run yarn install --immutable\n"
         "  sandbox-run --allow-host mirror.example.com:8443 npm install\n"
         "  sandbox-run --allow-env NPM_TOKEN npm ci\n"
         "  sandbox-run --review npm update\n"
         "  sandbox-run --profile pnpm -- ./tools/pnpm.sh install\n"
         "\n" +
         options.str() +
         "\nThe exit code is the command's own; 128+n if signal n ended it; 2 usage, 122 an\n"
         "alert in CI, 124 time limit, 125 sandbox not set up or changes not committed,\n"
         "126 not executable, 127 not found. See sandbox-run(1).\n";
}

}  // namespace sandbox_run::cli
