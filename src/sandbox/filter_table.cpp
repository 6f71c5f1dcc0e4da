#include "sandbox/filter_table.h"

#include <cstdio>
#include <iterator>
#include <string>

#include "sandbox/supervisor_syscall_lists.h"
#include "sandbox/syscall_table.h"

namespace sandbox_run::sandbox {
namespace {

const char* words_for(Answer answer) {
  switch (answer) {
    case Answer::kAllowed:
      return "allowed";
    case Answer::kExcept:
      return "allowed, with exceptions";
    case Answer::kOnly:
      return "allowed in one form";
    case Answer::kNotified:
      return "the supervisor looks first";
    case Answer::kRefused:
      return "refused (EPERM)";
    case Answer::kAbsent:
      return "absent (ENOSYS)";
  }
  return "";
}

void print_names(const char* const* names, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) std::printf("%s`%s`", i == 0 ? "" : ", ", names[i]);
  std::printf(".\n");
}

}  // namespace

void print_filter_table() {
  std::printf(
      "# System calls in the sandbox\n\n"
      "A call that is not named here, as one of a newer kernel, is absent (ENOSYS). A call by\n"
      "another architecture's numbers (`int 0x80`, x32) ends the process.\n\n"
      "| call | answer | why |\n|---|---|---|\n");
  for (const Calls& calls : kCalls) {
    for (const std::string& name : names_of(calls)) {
      std::printf("| `%s` | %s | %s |\n", name.c_str(), words_for(calls.answer), calls.why);
    }
  }
  std::printf("\n## As root\n\nSuccess without an effect, for everything stays root's: ");
  print_names(kOwnerCalls, std::size(kOwnerCalls));
  std::printf("\n## sandbox-run itself, while the command runs\n\nRefused, but for ");
  for (const char* name : kSupervisorNeeds) std::printf("`%s`, ", name);
  std::printf("is what is refused above, and: ");
  print_names(kRefusedToSupervisor, std::size(kRefusedToSupervisor));
}

}  // namespace sandbox_run::sandbox
