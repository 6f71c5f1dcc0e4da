// The words after a sub-command's name. `plan` takes a command line, which is not ours to read.

#include "cli/commands/sub_command_options.h"

#include <boost/program_options.hpp>
#include <map>

#include "base/sys_error.h"
#include "base/text.h"

namespace sandbox_run::cli {
namespace {

namespace po = boost::program_options;

using Strings = std::vector<std::string>;

const std::map<std::string, Action>& sub_commands() {
  static const std::map<std::string, Action> kSubCommands{
      {"plan", Action::plan},       {"review", Action::review},   {"commit", Action::commit},
      {"discard", Action::discard}, {"runs", Action::runs},       {"prune", Action::prune},
      {"log", Action::log},         {"explain", Action::explain}, {"lock", Action::lock},
      {"help", Action::help},       {"undo", Action::undo}};
  return kSubCommands;
}

po::options_description describe(Action action) {
  po::options_description options;
  options.add_options()("help,h", "");
  switch (action) {
    case Action::review:
      options.add_options()("interactive,i", "")("json", "");
      break;
    case Action::commit:
      options.add_options()("yes,y", "");
      break;
    case Action::runs:
      options.add_options()("json", "");
      break;
    case Action::prune:
      options.add_options()("older-than", po::value<std::string>())("held", "")("dry-run", "");
      break;
    case Action::log:
      options.add_options()("json", "")("alerts", "")("actor", po::value<std::string>())(
          "follow,f", "")("verify", "");
      break;
    default:
      break;
  }
  return options;
}

po::variables_map parse(const std::string& name, po::options_description options,
                        const Strings& words) {
  Strings known;
  for (const auto& option : options.options()) known.push_back("--" + option->long_name());
  options.add_options()("operand", po::value<Strings>());
  po::positional_options_description operands;
  operands.add("operand", -1);
  po::variables_map values;
  try {
    po::store(
        po::command_line_parser(words)
            .options(options)
            .positional(operands)
            .style(po::command_line_style::unix_style & ~po::command_line_style::allow_guessing)
            .run(),
        values);
    po::notify(values);
  } catch (const po::unknown_option& error) {
    const std::string near = base::nearest(error.get_option_name(), known);
    throw base::UserError(name + " has no option " + base::printable(error.get_option_name()) +
                          (near.empty() ? "" : "; did you mean " + near + "?") +
                          " (a path that begins with '-' goes after --)");
  } catch (const po::error& error) {
    throw base::UserError(name + ": " + base::printable(error.what()));
  }
  return values;
}

PruneRule read_prune(const po::variables_map& values, PruneRule rule) {
  if (values.count("older-than") == 0) {
    throw base::UserError("prune: say how old: sandbox-run prune --older-than 14d");
  }
  rule.older_than = parse_time("--older-than", values["older-than"].as<std::string>());
  if (values.count("held") != 0) rule.held = PruneRule::Held::remove;
  if (values.count("dry-run") != 0) rule.act = PruneRule::Act::only_say;
  return rule;
}

LogOptions read_log(const po::variables_map& values) {
  LogOptions log;
  const bool verify = values.count("verify") != 0;
  const bool narrowed = values.count("alerts") + values.count("actor") + values.count("json") +
                            values.count("follow") !=
                        0;
  if (verify && narrowed) {
    throw base::UserError("log: --verify looks at every line, and prints none: choose one");
  }
  if (verify) log.form = LogOptions::Form::verify;
  if (values.count("json") != 0) log.form = LogOptions::Form::json;
  if (values.count("alerts") != 0) log.which = LogOptions::Which::alerts;
  if (values.count("follow") != 0) log.follow = LogOptions::Follow::yes;
  if (values.count("actor") != 0) log.actor = values["actor"].as<std::string>();
  return log;
}

void read_help(const Strings& topics, Options& options) {
  if (topics.size() > 1) throw base::UserError("help takes one topic: sandbox-run help review");
  if (!topics.empty() && !topics.front().starts_with('-')) options.topic = topics.front();
}

}  // namespace

std::string near_sub_command(const std::string& word) {
  Strings names;
  for (const auto& [name, action] : sub_commands()) names.push_back(name);
  return base::nearest(word, names);
}

bool is_sub_command(const std::string& word) { return sub_commands().contains(word); }

void read_sub_command(const Strings& words, Options& options) {
  const std::string& name = words.front();
  options.action = sub_commands().at(name);
  Strings rest(words.begin() + 1, words.end());
  if (options.action == Action::help) return read_help(rest, options);
  if (options.action == Action::plan) {
    if (!rest.empty() && (rest.front() == "--help" || rest.front() == "-h")) {
      options.action = Action::help;
      options.topic = name;
      return;
    }
    if (!rest.empty() && rest.front() == "--timings") {
      options.timings = TimingsShown::yes;
      rest.erase(rest.begin());
    }
    if (!rest.empty() && rest.front() == "--") rest.erase(rest.begin());
    options.operands = std::move(rest);
    return;
  }
  const po::variables_map values = parse(name, describe(options.action), rest);
  if (values.count("help") != 0) {
    options.action = Action::help;
    options.topic = name;
    return;
  }
  if (values.count("yes") != 0) options.confirmation = Confirmation::given;
  if (values.count("json") != 0) options.output = Output::json;
  if (values.count("interactive") != 0) options.review = ReviewMode::interactive;
  if (options.review == ReviewMode::interactive && options.output == Output::json) {
    throw base::UserError(
        "review: --interactive is for a person, --json for a program: choose one");
  }
  if (options.action == Action::log) options.log = read_log(values);
  if (options.action == Action::prune) options.prune = read_prune(values, options.prune);
  if (values.count("operand") != 0) options.operands = values["operand"].as<Strings>();
}

std::chrono::seconds parse_time(const std::string& option, const std::string& text) {
  const std::size_t digits = text.find_first_not_of("0123456789");
  const std::string unit = digits == std::string::npos ? "s" : text.substr(digits);
  static const std::map<std::string, long> kUnits{{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
  const auto factor = kUnits.find(unit);
  const std::string number = text.substr(0, digits);
  if (number.empty() || number.size() > 6 || factor == kUnits.end() || std::stol(number) == 0) {
    throw base::UserError(option + ": '" + base::printable(text) +
                          "' is no time; write 90, 90s, 15m, 2h or 14d");
  }
  return std::chrono::seconds(std::stol(number) * factor->second);
}

}  // namespace sandbox_run::cli
