#include "plan/new_places.h"

#include <unistd.h>

#include <algorithm>
#include <optional>

#include "base/path.h"
#include "base/text.h"
#include "plan/linked_places.h"
#include "policy/command_words.h"

namespace sandbox_run::plan {
namespace {

using base::is_beneath;
using policy::CommandRule;

/// The directories for what is thrown away anyway: a test's --basetemp=/tmp/x is not missed.
bool is_temporary(const std::string& path) {
  return is_beneath(path, "/tmp") || is_beneath(path, "/var/tmp");
}

class Finder {
 public:
  Finder(const policy::Policy& policy, const std::vector<std::string>& arguments,
         const std::string& home, const WorkPlaces& places)
      : home_(home), places_(places) {
    const auto fits = [&](const std::optional<CommandRule>& rule) {
      return rule && policy::holds_for(*rule, arguments);
    };
    for (const policy::TargetRules& rules : policy.files.targets) {
      if (rules.kind != policy::TargetKind::project) continue;
      makes_ = fits(rules.makes);
      if (makes_) own_words_ = base::split(base::join(rules.makes->commands, " "), ' ');
      creates_ = fits(rules.creates);
    }
    if (!policy.outside) return;
    takes_empty_ = true;
    loses_ = policy::holds_for({{"*"}, policy.outside->unless}, arguments);
    changes_ = policy::holds_for({policy.outside->change, {}}, arguments);
    puts_ = policy::holds_for({policy.outside->into, {}}, arguments);
  }

  void look_at(const std::string& word, bool is_last, const std::string& working_directory) {
    const bool is_option = word.starts_with('-');
    const std::size_t equals = word.find('=');
    if (is_option && equals == std::string::npos) return;
    const std::string name = is_option ? word.substr(equals + 1) : word;
    const bool is_path = name == ".." || name.find('/') != std::string::npos;
    const bool is_own_word =
        std::find(own_words_.begin(), own_words_.end(), name) != own_words_.end();
    if ((!is_path && (!makes_ || is_own_word)) || name.empty() ||
        name.find("://") != std::string::npos)
      return;
    if (name.find_first_of("\n*?") != std::string::npos) return;  // a text, a pattern
    const std::string path = base::absolute_path(name, working_directory);
    if (base::stat_no_follow(path)) {
      const auto real = base::real_path(path);
      const bool is_changed = changes_ || (puts_ && is_last);
      if (is_changed && real && !is_inside(*real) && !is_of_kernel(*real)) {
        found_.lost.push_back(*real);
      }
    } else if (!is_of_kernel(path)) {
      look_at_new(path);
    }
  }

  NewPlaces take() { return std::move(found_); }

 private:
  void look_at_new(std::string path) {
    // Directories above it are made, too.
    while (!base::exists(base::parent_path(path))) path = base::parent_path(path);
    const auto above = base::real_path(base::parent_path(path));
    // `/api`: a word that looks like a path. Nobody makes anything in the root directory.
    if (!above || *above == "/" || !base::is_directory(*above) ||
        ::access(above->c_str(), W_OK) != 0)
      return;
    const std::string real = base::join_path(*above, base::file_name(path));
    if (is_inside(real)) {
      if (makes_) found_.made.push_back(real);
    } else if (makes_ || creates_) {
      const bool is_taken = (creates_ || takes_empty_) && !is_hidden_at_home(real, home_);
      (is_taken ? found_.made : found_.lost).push_back(real);
    } else if (loses_ && (changes_ || puts_ || is_beneath(real, home_) || !is_temporary(real))) {
      found_.lost.push_back(real);
    }
  }

  bool is_inside(const std::string& path) const {
    const auto holds = [&](const std::string& place) { return is_beneath(path, place); };
    return holds(places_.project) || std::any_of(places_.more.begin(), places_.more.end(), holds);
  }

  /// `tee /dev/stderr`
  static bool is_of_kernel(const std::string& path) {
    return is_beneath(path, "/dev") || is_beneath(path, "/proc") || is_beneath(path, "/sys");
  }

  const std::string& home_;
  const WorkPlaces& places_;
  bool makes_ = false;
  std::vector<std::string> own_words_;  // `venv`, which is no directory's name
  bool creates_ = false;
  /// Do the commands that make a directory accept one that is there, and empty? Not pnpm deploy.
  bool takes_empty_ = false;
  bool loses_ = false;
  bool changes_ = false;
  bool puts_ = false;
  NewPlaces found_;
};

}  // namespace

NewPlaces find_new_places(const policy::Policy& policy, const std::vector<std::string>& arguments,
                          const std::string& working_directory, const std::string& home,
                          const WorkPlaces& places) {
  Finder finder(policy, arguments, home, places);
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    finder.look_at(arguments[i], i + 1 == arguments.size(), working_directory);
  }
  return finder.take();
}

}  // namespace sandbox_run::plan
