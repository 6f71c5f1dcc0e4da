// The table of system calls, held against the kernel's headers and against the filters as bytes.

#include "sandbox/syscall_table.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "bpf_evaluator.h"
#include "header_calls.h"
#include "sandbox/seccomp_filter_data.h"

using namespace sandbox_run::sandbox;

namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kTableArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kTableArchitecture = AUDIT_ARCH_AARCH64;
#endif
constexpr int kBeyondAllCalls = 2048;

std::map<std::string, Answer> table() {
  std::map<std::string, Answer> answers;
  for (const Calls& calls : kCalls) {
    for (const std::string& name : names_of(calls)) {
      CAPTURE(name);
      CHECK(answers.emplace(name, calls.answer).second);
    }
  }
  return answers;
}

/// None for a call of another architecture.
std::optional<int> number_of(const std::string& name) {
  for (const auto& call : kHeaderCalls) {
    if (call.name == name) return call.number;
  }
  for (const NumberedCall& call : kNewCalls) {
    if (call.name == name) return call.number;
  }
  return std::nullopt;
}

struct Actions {
  std::uint32_t allow_filter, argument_filter;
};

Actions actions(int number) {
  seccomp_data data{};
  data.nr = number;
  data.arch = kTableArchitecture;
  return {evaluate(kAllowFilter, data), evaluate(kArgumentFilter, data)};
}

constexpr std::uint32_t kNoPermission = SECCOMP_RET_ERRNO | EPERM;
constexpr std::uint32_t kNoSuchCall = SECCOMP_RET_ERRNO | ENOSYS;

void check_answer(Answer answer, Actions got) {
  switch (answer) {
    case Answer::kAllowed:
      CHECK(got.allow_filter == SECCOMP_RET_ALLOW);
      CHECK(got.argument_filter == SECCOMP_RET_ALLOW);
      break;
    case Answer::kNotified:
      CHECK(got.allow_filter == SECCOMP_RET_ALLOW);
      CHECK(got.argument_filter == SECCOMP_RET_USER_NOTIF);
      break;
    case Answer::kRefused:
      CHECK(got.allow_filter == kNoPermission);
      break;
    case Answer::kAbsent:
      CHECK(got.allow_filter == kNoSuchCall);
      break;
    case Answer::kExcept:
      CHECK(got.allow_filter == SECCOMP_RET_ALLOW);
      break;
    case Answer::kOnly:
      break;  // by arguments: seccomp_filter_test.cpp
  }
}

/// Is the number compared with anywhere? If not, the call is let through whatever it is given.
bool has_a_rule(std::span<const sock_filter> filter, int number) {
  return std::any_of(filter.begin(), filter.end(), [number](const sock_filter& instruction) {
    return instruction.code == (BPF_JMP | BPF_JEQ | BPF_K) &&
           instruction.k == static_cast<std::uint32_t>(number);
  });
}

}  // namespace

TEST_CASE("the table names every call of the kernel's headers, each once") {
  const auto answers = table();
  for (const auto& call : kHeaderCalls) {
    const std::string name = call.name;
    CAPTURE(name);
    CHECK(answers.count(name) == 1);
  }
}

TEST_CASE("a number that stands in for older headers is the headers' own") {
  const auto answers = table();
  for (const NumberedCall& call : kNewCalls) {
    const std::string name = call.name;
    CAPTURE(name);
    CHECK(answers.count(name) == 1);
    CHECK(number_of(name) == call.number);
  }
}

TEST_CASE("the filters answer as the table says, and every call has a reason") {
  for (const Calls& calls : kCalls) {
    CHECK(!std::string(calls.why).empty());
    for (const std::string& name : names_of(calls)) {
      CAPTURE(name);
      if (const auto number = number_of(name)) check_answer(calls.answer, actions(*number));
    }
  }
}

TEST_CASE("what the table lets through in some forms only has a rule in a filter") {
  for (const Calls& calls : kCalls) {
    for (const std::string& name : names_of(calls)) {
      const auto number = number_of(name);
      if (!number) continue;
      CAPTURE(name);
      if (calls.answer == Answer::kExcept) CHECK(has_a_rule(kArgumentFilter, *number));
      if (calls.answer == Answer::kOnly) CHECK(has_a_rule(kAllowFilter, *number));
    }
  }
}

TEST_CASE("a number that the table does not name answers ENOSYS: a newer kernel's call") {
  std::map<int, std::string> named;
  for (const auto& [name, answer] : table()) {
    if (const auto number = number_of(name)) named[*number] = name;
  }
  for (int number = 0; number < kBeyondAllCalls; ++number) {
    CAPTURE(number);
    if (named.count(number) == 0) CHECK(actions(number).allow_filter == kNoSuchCall);
  }
}
