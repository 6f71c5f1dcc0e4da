#include "cli/terminal_answers.h"

namespace sandbox_run::cli {
namespace {

constexpr char kEscape = '\x1b';
constexpr char kBell = '\x07';

bool is_in(char letter, char first, char last) { return letter >= first && letter <= last; }

/// The length of the control sequence at the beginning of `rest`, "ESC [ …"; 0 if it is no answer.
std::size_t answer_by_sequence(std::string_view rest) {
  std::size_t at = 2;
  while (at < rest.size() && is_in(rest[at], '\x30', '\x3f')) ++at;
  const std::string_view parameters = rest.substr(2, at - 2);
  while (at < rest.size() && is_in(rest[at], '\x20', '\x2f')) ++at;
  if (at == rest.size() || parameters.empty()) return 0;
  constexpr std::string_view kFinals = "Rnctxy";
  const bool is_answer = kFinals.find(rest[at]) != std::string_view::npos ||
                         (rest[at] == 'u' && parameters.front() == '?');
  return is_answer ? at + 1 : 0;
}

/// Likewise of "ESC ] …" and others that hold a text: to its end, or that of the input.
std::size_t answer_by_text(std::string_view rest) {
  for (std::size_t at = 2; at < rest.size(); ++at) {
    if (rest[at] == kBell) return at + 1;
    if (rest[at] == '\\' && rest[at - 1] == kEscape) return at + 1;
  }
  return rest.size();
}

std::size_t answer_at(std::string_view rest) {
  if (rest.size() < 2 || rest[0] != kEscape) return 0;
  switch (rest[1]) {
    case '[':
      return answer_by_sequence(rest);
    case ']':  // OSC
    case 'P':  // DCS
    case '_':  // APC
    case '^':  // PM
      return answer_by_text(rest);
    default:
      return 0;
  }
}

}  // namespace

std::string without_answers(std::string_view input) {
  std::string typed;
  while (!input.empty()) {
    const std::size_t answer = answer_at(input);
    if (answer == 0) typed.push_back(input.front());
    input.remove_prefix(answer == 0 ? 1 : answer);
  }
  return typed;
}

}  // namespace sandbox_run::cli
