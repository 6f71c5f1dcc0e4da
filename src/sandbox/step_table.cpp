#include "sandbox/step_table.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/sys_error.h"

namespace sandbox_run::sandbox {

void report_failure(int status_fd, SetupStep step, const std::exception& error) noexcept {
  SetupFailure failure;
  failure.step = step;
  const auto* sys_error = dynamic_cast<const base::SysError*>(&error);
  if (sys_error != nullptr) failure.error_number = sys_error->error_number();
  const char* text = error.what();
  std::copy_n(text, std::min(std::strlen(text), failure.text.size() - 1), failure.text.begin());
  // If even this fails, the supervisor sees init's exit status 125 without a reason: still an
  // error.
  [[maybe_unused]] const ssize_t written = ::write(status_fd, &failure, sizeof failure);
}

}  // namespace sandbox_run::sandbox
