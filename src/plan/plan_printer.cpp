// One fact a line, in the order in which it will be done: for `sandbox-run plan` and the golden
// tests.

#include <algorithm>
#include <string>

#include "base/text.h"
#include "plan/plan.h"

namespace sandbox_run::plan {
namespace {

using base::printable;

std::string octal(mode_t mode) {
  std::string digits;
  for (unsigned value = mode; value != 0 || digits.empty(); value >>= 3U) {
    digits.insert(digits.begin(), static_cast<char>('0' + (value & 7U)));
  }
  return "0" + digits;
}

const char* name_of(LayerKind kind) {
  switch (kind) {
    case LayerKind::project:
      return "project";
    case LayerKind::environment:
      return "environment";
    case LayerKind::cache:
      return "cache";
    case LayerKind::extra:
      return "extra";
  }
  return "?";
}

struct StepText {
  const Plan& plan;

  std::string operator()(const BindMount& bind) const {
    std::string text = bind.device                        ? "device     "
                       : bind.access == Access::read_only ? "read-only  "
                                                          : "read-write ";
    text += printable(bind.target);
    if (bind.source != bind.target) text += "  from " + printable(bind.source);
    return text;
  }
  std::string operator()(const TmpfsMount& tmpfs) const {
    return "private    " + printable(tmpfs.target) + "  mode " + octal(tmpfs.mode);
  }
  std::string operator()(const WayDirectory& way) const {
    return "way        " + printable(way.target);
  }
  std::string operator()(const ProcMount& proc) const {
    return "proc       " + printable(proc.target);
  }
  std::string operator()(const DevptsMount& devpts) const {
    return "devpts     " + printable(devpts.target);
  }
  std::string operator()(const SymbolicLink& link) const {
    return "link       " + printable(link.target) + "  to " + printable(link.content);
  }
  std::string operator()(const TextFile& file) const {
    return "file       " + printable(file.target) + "  " + std::to_string(file.content.size()) +
           " bytes, mode " + octal(file.mode);
  }
  std::string operator()(const DecoyFile& decoy) const {
    return "decoy      " + printable(decoy.target);
  }
  std::string operator()(const Mask& mask) const { return "hidden     " + printable(mask.target); }
  std::string operator()(const FileCopy& copy) const {
    return "copy       " + printable(copy.target) + "  without credentials, " +
           std::to_string(copy.content.size()) + " bytes";
  }
  std::string operator()(const OverlayMount& overlay) const {
    const Layer& layer = plan.layers.at(overlay.layer);
    return "overlay    " + printable(overlay.target) + "  (" + name_of(layer.kind) +
           (layer.lower_is_empty ? ", new" : "") + ") changes in " + printable(layer.upper);
  }
};

std::string limit_words(const policy::Limits& limits) {
  return std::to_string(limits.processes) + " processes, " + std::to_string(limits.open_files) +
         " open files, " +
         (limits.memory_mb > 0 ? std::to_string(limits.memory_mb) + " MiB"
                               : std::string("three quarters")) +
         " of memory, " +
         (limits.free_disk_mb > 0 ? std::to_string(limits.free_disk_mb) + " MiB"
                                  : std::string("5 %, at least 1024 MiB,")) +
         " of disk left free, room for " +
         (limits.free_files > 0 ? std::to_string(limits.free_files) : std::string("5 %")) +
         " of its files, weight " + std::to_string(limits.cpu_weight) + " of processors, " +
         std::to_string(limits.io_weight) + " of disks";
}

}  // namespace

std::string to_text(const Plan& plan) {
  std::string text;
  const auto line = [&](const std::string& content) { text += content + "\n"; };
  line("profile    " + plan.profile);
  line("command    " + printable(base::shell_words(plan.exec.arguments)));
  line("program    " + printable(plan.exec.path));
  line("directory  " + printable(plan.exec.working_directory));
  if (plan.time_limit) line("time limit " + std::to_string(plan.time_limit->count()) + " s");
  line("limits     " + limit_words(plan.limits));
  line(plan.ids.whole_range ? "ids        all, each to itself"
                            : "ids        uid " + std::to_string(plan.ids.uid) + ", gid " +
                                  std::to_string(plan.ids.gid) + ", each to itself");
  if (plan.ids.uid == 0) line("owners     kept: chown(2) answers success and does nothing");
  line("namespaces user mount pid net ipc uts cgroup");
  line("privileges none: no capability, empty bounding set, no_new_privs, system call allowlist");
  line(plan.landlock.abi > 0 ? "landlock   ABI " + std::to_string(plan.landlock.abi)
                             : "landlock   none");
  for (const std::string& path : plan.landlock.writable) line("writable   " + printable(path));
  for (const MountStep& step : plan.mounts) line(std::visit(StepText{plan}, step));
  line(std::string("names      ") +
       (plan.network.names ? "answered by the broker" : "not answered"));
  for (const std::uint16_t port : plan.network.tcp_ports)
    line("tcp port   " + std::to_string(port));
  for (const auto& [name, value] : plan.exec.environment) {
    const auto& decoys = plan.exec.decoys;
    const bool decoy = std::find(decoys.begin(), decoys.end(), name) != decoys.end();
    line(decoy ? "variable   " + printable(name) + "  a decoy"
               : "variable   " + printable(name) + "=" + printable(value));
  }
  for (const std::string& name : plan.withheld_environment) line("withheld   " + printable(name));
  for (const std::string& note : plan.notes) line("note       " + printable(note));
  return text;
}

}  // namespace sandbox_run::plan
