#include "sandbox/id_maps.h"

#include <fcntl.h>
#include <unistd.h>

#include <sstream>
#include <string>

#include "base/io.h"
#include "base/sys_error.h"

namespace sandbox_run::sandbox {
namespace {

/// A map file takes exactly one write(2), and no O_CREAT or O_TRUNC.
void write_map(const std::string& path, const std::string& text) {
  const base::UniqueFd fd(
      base::check_sys(::open(path.c_str(), O_WRONLY | O_CLOEXEC), "opening " + path));
  base::check_sys(::write(fd.get(), text.data(), text.size()), "writing " + path);
}

/// Every id of our own user namespace to itself: in a container that is less than 2^32.
std::string identity_map(const char* own_map) {
  std::istringstream lines(base::read_file(own_map));
  std::string text;
  unsigned long inside = 0;
  unsigned long outside = 0;
  unsigned long count = 0;
  while (lines >> inside >> outside >> count) {
    text +=
        std::to_string(inside) + " " + std::to_string(inside) + " " + std::to_string(count) + "\n";
  }
  return text;
}

}  // namespace

void write_id_maps(pid_t pid, const plan::IdMap& ids) {
  const std::string process = "/proc/" + std::to_string(pid);
  if (ids.whole_range) {
    write_map(process + "/uid_map", identity_map("/proc/self/uid_map"));
    write_map(process + "/gid_map", identity_map("/proc/self/gid_map"));
    return;
  }
  const auto one = [](unsigned long id) {
    return std::to_string(id) + " " + std::to_string(id) + " 1\n";
  };
  write_map(process + "/setgroups", "deny");
  write_map(process + "/uid_map", one(ids.uid));
  write_map(process + "/gid_map", one(ids.gid));
}

}  // namespace sandbox_run::sandbox
