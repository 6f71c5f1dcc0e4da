// libFuzzer: any text as a configuration file that is shown as a copy without credentials. Whatever
// stands around it, a secret on a line of its own must not be in the copy, and a copy's copy is the
// copy.
#include <algorithm>
#include <array>

#include "fuzz.h"
#include "policy/environment.h"
#include "policy/profile.h"

namespace {

using namespace sandbox_run;
using fuzz::require;
using policy::HomeFile;

constexpr std::string_view kSecret = "sEkReT";

/// A line that holds the secret, as each format writes it; "": the format has no such line that
/// could not be part of something else.
std::string_view planted(HomeFile::Format format) {
  switch (format) {
    case HomeFile::Format::npmrc:
      return "//r.example.com/:_authToken=sEkReT\n";
    case HomeFile::Format::ini:
      return "password = sEkReT\n";
    case HomeFile::Format::yaml:
      return "npmAuthToken: sEkReT\n";
    case HomeFile::Format::yarnrc:
      return "\"//r.example.com/:_authToken\" sEkReT\n";
    case HomeFile::Format::text:
      return "https://u:sEkReT@r.example.com/\n";
    case HomeFile::Format::xml:
      return "<password>sEkReT</password>";
    case HomeFile::Format::gitconfig:
    case HomeFile::Format::toml:  // may stand within a string of several lines
    case HomeFile::Format::hidden:
      return "";
  }
  return "";
}

const std::vector<HomeFile>& rules() {
  static const std::vector<HomeFile> all = [] {
    const policy::Policy policy = policy::ProfileSet::built_in().select("generic");
    std::vector<HomeFile> known = policy.files.home_files;
    for (const auto& kind : policy.files.configuration) known.push_back(kind.rules);
    std::vector<HomeFile> distinct;
    for (const HomeFile& rule : known) {
      const bool seen = std::any_of(distinct.begin(), distinct.end(), [&](const HomeFile& other) {
        return other.format == rule.format && other.drop_keys == rule.drop_keys &&
               other.keep_keys == rule.keep_keys;
      });
      if (!seen) distinct.push_back(rule);
    }
    return distinct;
  }();
  return all;
}

/// As it would be written down where the secret is dropped by its name.
bool drops_passwords(const HomeFile& rule) {
  return std::find(rule.drop_keys.begin(), rule.drop_keys.end(), "*password*") !=
             rule.drop_keys.end() &&
         std::find(rule.drop_keys.begin(), rule.drop_keys.end(), "*token*") != rule.drop_keys.end();
}

}  // namespace

FUZZ_TARGET(configuration, data, size) {
  constexpr std::size_t kLongest = 8192;
  if (size > kLongest) return 0;
  const auto texts = fuzz::texts_of(data, size, 2);
  const std::string plain = texts[0] + "\n" + texts[1];
  if (plain.find("EkRe") != std::string::npos) return 0;
  for (const HomeFile& rule : rules()) {
    const std::string copy = policy::without_credentials(rule, plain);
    // XML and text are copied piece by piece, and what is taken out may join two pieces to one that
    // is taken out in its turn.
    if (rule.format == HomeFile::Format::npmrc || rule.format == HomeFile::Format::yarnrc) {
      require(policy::without_credentials(rule, copy) == copy);
    }
    const std::string_view line = planted(rule.format);
    if (line.empty() || (rule.format != HomeFile::Format::text && !drops_passwords(rule))) continue;
    std::string whole = texts[0] + "\n";
    whole += line;
    whole += texts[1];
    require(policy::without_credentials(rule, whole).find(kSecret) == std::string::npos);
  }
  return 0;
}
