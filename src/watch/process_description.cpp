#include "watch/process_description.h"

#include <string>

#include "base/text.h"
#include "watch/process_files.h"

namespace sandbox_run::watch {

events::Process describe_process(int pid) {
  constexpr std::size_t kMaxArgumentBytes = 4096;
  std::string arguments = read_process_file(pid, "cmdline", kMaxArgumentBytes);
  // A process that sets its title (node: "npm install") leaves zero bytes where the rest stood.
  while (!arguments.empty() && arguments.back() == '\0') arguments.pop_back();
  return {pid, read_process_link(pid, "exe"), base::split(arguments, '\0'),
          read_process_link(pid, "cwd")};
}

}  // namespace sandbox_run::watch
