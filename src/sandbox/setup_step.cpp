#include "sandbox/setup_step.h"

namespace sandbox_run::sandbox {

std::string_view name_of(SetupStep step) {
  switch (step) {
    case SetupStep::create_namespaces:
      return "create_namespaces";
    case SetupStep::write_id_maps:
      return "write_id_maps";
    case SetupStep::die_with_supervisor:
      return "die_with_supervisor";
    case SetupStep::await_id_maps:
      return "await_id_maps";
    case SetupStep::private_mounts:
      return "private_mounts";
    case SetupStep::collect_mounts:
      return "collect_mounts";
    case SetupStep::build_root:
      return "build_root";
    case SetupStep::enter_root:
      return "enter_root";
    case SetupStep::raise_loopback:
      return "raise_loopback";
    case SetupStep::hand_over_sockets:
      return "hand_over_sockets";
    case SetupStep::hand_over_decoys:
      return "hand_over_decoys";
    case SetupStep::enter_namespaces:
      return "enter_namespaces";
    case SetupStep::confine_init:
      return "confine_init";
    case SetupStep::start_process_group:
      return "start_process_group";
    case SetupStep::set_limits:
      return "set_limits";
    case SetupStep::drop_capabilities:
      return "drop_capabilities";
    case SetupStep::no_new_privileges:
      return "no_new_privileges";
    case SetupStep::landlock:
      return "landlock";
    case SetupStep::seccomp:
      return "seccomp";
    case SetupStep::execute:
      return "execute";
  }
  return "unknown";
}

}  // namespace sandbox_run::sandbox
