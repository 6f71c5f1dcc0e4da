// libFuzzer: any bytes as a name that is shown to a person, and as what a person types: a pattern,
// a host, a place for events.
#include <algorithm>

#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "events/sink_address.h"
#include "fuzz.h"
#include "policy/command_words.h"
#include "policy/glob.h"
#include "policy/host_pattern.h"
#include "policy/secret_value.h"

namespace {

using namespace sandbox_run;
using fuzz::require;

void check_shown(const std::string& text) {
  const std::string shown = base::printable(text);
  require(!fuzz::has_control(shown));
  require(base::printable(base::replace_all(shown, "\\", "/")) ==
          base::replace_all(shown, "\\", "/"));
  std::string line = base::printable_line(text);
  std::erase(line, '\t');
  require(!fuzz::has_control(line));
  require(!fuzz::has_control(base::typable(text)));
  if (text.find('\0') == std::string::npos) (void)base::shell_words({text, text});
}

void check_patterns(const std::string& pattern, const std::string& path) {
  const bool matches = policy::glob_matches(pattern, path);
  if (matches && policy::glob_covers(pattern, path)) {
    require(policy::glob_matches(pattern, path + "/below"));
  }
  if (!path.empty()) require(policy::glob_matches(policy::quoted_glob(path), path));
  (void)policy::name_matches(pattern, path);
  const std::string parent = base::parent_path(path);
  const bool is_plain = path.find("//") == std::string::npos && !path.ends_with('/');
  if (matches && is_plain && fuzz::stays_beneath(parent) && fuzz::stays_beneath(path)) {
    require(policy::glob_reaches_into(pattern, parent));
  }
}

void check_typed(const std::string& text) {
  try {
    const auto pattern = policy::HostPattern::parse(text);
    require(policy::HostPattern::parse(pattern.text()) == pattern);
    require(pattern.is_wildcard() || pattern.matches(pattern.text()));
    require(!pattern.matches("") && !fuzz::has_control(pattern.text()));
  } catch (const base::UserError& error) {
    require(!fuzz::has_control(error.what()));
  }
  try {
    (void)policy::parse_host_and_port(text);
    (void)events::parse_sink(text);
  } catch (const base::UserError& error) {
    require(!fuzz::has_control(error.what()));
  }
  if (policy::has_token_form(text)) require(policy::looks_like_secret(text));
  (void)policy::command_words(base::split(text, ' '));
}

}  // namespace

FUZZ_TARGET(words, data, size) {
  constexpr std::size_t kLongest = 2048;
  if (size > kLongest) return 0;
  const auto texts = fuzz::texts_of(data, size, 2);
  check_shown(texts[0]);
  check_patterns(texts[0], texts[1]);
  check_typed(texts[0]);
  return 0;
}
