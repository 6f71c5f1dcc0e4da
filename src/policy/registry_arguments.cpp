#include <algorithm>

#include "base/text.h"
#include "policy/registries.h"

// Registries that the command line or a requirements file names. Bounded and tolerant: what is not
// understood opens nothing.

namespace sandbox_run::policy {
namespace {

struct OptionNames {
  std::vector<std::string> long_names;  // "--registry URL", "--registry=URL"
  std::string short_letters;            // "-i URL", "-iURL"
};

bool is_scope_option(std::string_view name) {
  return name.starts_with("--@") && name.ends_with(":registry");
}

OptionNames options_of(PackageManager manager) {
  if (manager == PackageManager::pip) {
    return {{"--index-url", "--pypi-url", "--extra-index-url", "--find-links"}, "if"};
  }
  return {{"--registry"}, ""};
}

/// Appends the value if words[at] is one of the options.
void collect(const OptionNames& options, const std::vector<std::string>& words, std::size_t at,
             std::vector<std::string>& found) {
  const std::string& word = words[at];
  const auto next = [&]() { return at + 1 < words.size() ? words[at + 1] : std::string(); };
  if (word.starts_with("--")) {
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const bool known = is_scope_option(name) ||
                       std::find(options.long_names.begin(), options.long_names.end(), name) !=
                           options.long_names.end();
    if (!known) return;
    found.push_back(equals == std::string::npos ? next() : word.substr(equals + 1));
  } else if (word.size() >= 2 && word[0] == '-' &&
             options.short_letters.find(word[1]) != std::string::npos) {
    found.push_back(word.size() == 2 ? next() : word.substr(2));
  }
}

/// A requirements file's line without its comment; see pip's "requirements file format".
std::string_view without_comment(std::string_view line) {
  for (std::size_t at = line.find('#'); at != std::string_view::npos; at = line.find('#', at + 1)) {
    if (at == 0 || line[at - 1] == ' ' || line[at - 1] == '\t') return line.substr(0, at);
  }
  return line;
}

std::vector<std::string> words_in(std::string_view line) {
  std::string blanks(line);
  std::replace_if(
      blanks.begin(), blanks.end(), [](char c) { return c == '\t' || c == '\r'; }, ' ');
  std::vector<std::string> words = base::split(blanks, ' ');
  words.erase(std::remove(words.begin(), words.end(), ""), words.end());
  return words;
}

}  // namespace

std::vector<std::string> registries_in_arguments(
    PackageManager manager, const std::vector<std::string>& arguments,
    const std::vector<std::string>& requirement_texts) {
  std::vector<std::string> found;
  if (manager == PackageManager::none) return found;
  const OptionNames options = options_of(manager);
  for (std::size_t i = 1; i < arguments.size() && arguments[i] != "--"; ++i) {
    collect(options, arguments, i, found);
  }
  for (const std::string& text : requirement_texts) {
    for (const std::string& line : base::split(base::replace_all(text, "\\\n", " "), '\n')) {
      const std::vector<std::string> words = words_in(without_comment(line));
      for (std::size_t i = 0; i < words.size(); ++i) collect(options, words, i, found);
    }
  }
  found.erase(std::remove(found.begin(), found.end(), ""), found.end());
  return found;
}

}  // namespace sandbox_run::policy
