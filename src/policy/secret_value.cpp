#include "policy/secret_value.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "policy/glob.h"

namespace sandbox_run::policy {
namespace {

struct TokenForm {
  std::string_view prefix;
  std::size_t least;  // characters of a word after the prefix
};

/// Secret scanners' lists, as far as the prefix alone is telling.
constexpr std::array<TokenForm, 34> kTokenForms = {{
    {"ghp_", 20},        {"gho_", 20},      {"ghu_", 20},    {"ghs_", 20},     {"ghr_", 20},
    {"github_pat_", 20}, {"npm_", 30},      {"glpat-", 16},  {"gldt-", 16},    {"glrt-", 16},
    {"pypi-", 30},       {"AKIA", 16},      {"ASIA", 16},    {"xoxb-", 10},    {"xoxp-", 10},
    {"xoxa-", 10},       {"xapp-", 10},     {"sk-", 20},     {"sk_live_", 10}, {"sk_test_", 10},
    {"rk_live_", 10},    {"whsec_", 16},    {"AIza", 30},    {"ya29.", 20},    {"dop_v1_", 30},
    {"hvs.", 20},        {"dckr_pat_", 16}, {"SG.", 20},     {"shpat_", 16},   {"sntrys_", 20},
    {"sntryu_", 20},     {"nx_", 30},       {"vercel_", 20}, {"lin_api_", 20},
}};

constexpr std::size_t kLongWord = 32;
constexpr std::size_t kFewestKinds = 2;  // of digits, small and capital letters

bool is_word_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '+' ||
         c == '=' || c == '.';
}

std::size_t word_length(std::string_view text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_word_character);
  return static_cast<std::size_t>(end - text.begin());
}

/// At the start of the text, or after what is no part of a word.
bool holds_token(std::string_view value, const TokenForm& form) {
  for (std::size_t at = value.find(form.prefix); at != std::string_view::npos;
       at = value.find(form.prefix, at + 1)) {
    const bool starts = at == 0 || std::isalnum(static_cast<unsigned char>(value[at - 1])) == 0;
    if (starts && word_length(value.substr(at + form.prefix.size())) >= form.least) return true;
  }
  return false;
}

/// {"alg":…} in base64, a dot, and more.
bool is_web_token(std::string_view value) {
  const std::size_t at = value.find("eyJ");
  return at != std::string_view::npos && value.find('.', at) != std::string_view::npos &&
         word_length(value.substr(at)) >= kLongWord;
}

/// Letters and digits mixed as no word of a person's is: at least a quarter of the neighbours are
/// of different kinds.
bool looks_like_chance(std::string_view word) {
  const auto kind = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return std::isdigit(byte) != 0   ? 1
           : std::isupper(byte) != 0 ? 2
           : std::islower(byte) != 0 ? 3
                                     : 0;
  };
  std::array<bool, 4> seen{};
  std::size_t changes = 0;
  for (std::size_t i = 0; i < word.size(); ++i) {
    seen.at(static_cast<std::size_t>(kind(word[i]))) = true;
    if (i > 0 && kind(word[i]) != kind(word[i - 1])) ++changes;
  }
  const auto kinds = static_cast<std::size_t>(std::count(seen.begin() + 1, seen.end(), true));
  return kinds >= kFewestKinds && changes * 4 >= word.size();
}

bool holds_chance_word(std::string_view value) {
  while (!value.empty()) {
    const std::size_t length = word_length(value);
    // A path, an address or a version has dots and dashes between words of people's.
    const std::string_view word = value.substr(0, length);
    if (length >= kLongWord && looks_like_chance(word)) return true;
    value.remove_prefix(std::min(length + 1, value.size()));
  }
  return false;
}

}  // namespace

bool is_switch(std::string_view value) {
  constexpr std::array<std::string_view, 8> kSwitches = {"0",   "1",  "true", "false",
                                                         "yes", "no", "on",   "off"};
  return std::any_of(kSwitches.begin(), kSwitches.end(),
                     [&](std::string_view one) { return name_matches(one, value); });
}

bool has_token_form(std::string_view value) {
  if (value.find("-----BEGIN ") != std::string_view::npos || is_web_token(value)) return true;
  return std::any_of(kTokenForms.begin(), kTokenForms.end(),
                     [&](const TokenForm& form) { return holds_token(value, form); });
}

bool looks_like_secret(std::string_view value) {
  return has_token_form(value) || holds_chance_word(value);
}

}  // namespace sandbox_run::policy
