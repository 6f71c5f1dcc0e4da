#include "policy/release.h"

#include <algorithm>
#include <set>

#include "base/json.h"
#include "base/text.h"
#include "policy/command_words.h"

namespace sandbox_run::policy {
namespace {

constexpr std::size_t kMaxRunners = 2;  // "npm exec", "pnpm run"
constexpr std::size_t kMaxScripts = 100;

using Words = std::vector<std::string>;

/// Of a script: the words of each simple command, without what is set before it (CI=1).
std::vector<Words> commands_in(std::string_view text) {
  std::vector<Words> commands(1);
  std::string word;
  const auto end_word = [&] {
    const bool is_setting = commands.back().empty() && word.find('=') != std::string::npos;
    if (!word.empty() && !is_setting) commands.back().push_back(word);
    word.clear();
  };
  for (const char letter : text) {
    const bool ends_command = letter == '&' || letter == '|' || letter == ';' || letter == '\n' ||
                              letter == '(' || letter == ')';
    if (ends_command || letter == ' ' || letter == '\t') {
      end_word();
      if (ends_command) commands.emplace_back();
    } else if (letter != '"' && letter != '\'') {
      word.push_back(letter);
    }
  }
  end_word();
  std::erase_if(commands, [](const Words& words) { return words.empty(); });
  return commands;
}

class Finder {
 public:
  Finder(const FilesystemPolicy& files, std::string_view manifest)
      : rule_{files.release_tools, {}}, parsed_(base::parse_json(manifest)) {
    const base::json::value* scripts = parsed_ ? base::find_member(*parsed_, "scripts") : nullptr;
    if (scripts != nullptr && scripts->is_object()) scripts_ = &scripts->get_object();
  }

  bool is_release(const Words& command) {
    std::vector<Words> pending{command};
    while (!pending.empty() && seen_.size() < kMaxScripts) {
      const Words words = command_words(pending.back());
      pending.pop_back();
      if (names_tool(words)) return true;
      for (const std::string& word : words) add_script(word, pending);
    }
    return false;
  }

 private:
  bool names_tool(const Words& words) const {
    for (std::size_t skip = 0; skip <= kMaxRunners && skip < words.size(); ++skip) {
      if (holds_for(rule_, Words(words.begin() + static_cast<std::ptrdiff_t>(skip), words.end()))) {
        return true;
      }
    }
    return false;
  }

  void add_script(const std::string& name, std::vector<Words>& pending) {
    if (scripts_ == nullptr || !scripts_->contains(name) || !seen_.insert(name).second) return;
    for (const char* when : {"pre", "", "post"}) {
      const base::json::value* text = scripts_->if_contains(when + name);
      if (text == nullptr || !text->is_string()) continue;
      for (Words& words : commands_in({text->get_string().data(), text->get_string().size()})) {
        pending.push_back(std::move(words));
      }
    }
  }

  CommandRule rule_;
  std::optional<base::json::value> parsed_;
  const base::json::object* scripts_ = nullptr;
  std::set<std::string> seen_;
};

}  // namespace

bool is_release(const FilesystemPolicy& files, const Words& arguments, std::string_view manifest) {
  return Finder(files, manifest).is_release(arguments);
}

}  // namespace sandbox_run::policy
