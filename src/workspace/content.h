#pragma once

#include <functional>
#include <set>
#include <string>

#include "policy/settle.h"

// What a file is that the rules hold, whoever wrote it: the bytes for policy/settle.h.
//
// Must: read regular files beneath directory descriptors only, following no link, and no more of
//       them than a person's file has; compare with what the host has, which was there before the
//       command.
// Must not: decide.

namespace sandbox_run::workspace {

/// One entry of a layer, and its place on the host.
struct ContentPlace {
  std::string target;  // the target's path
  int host_root = -1;  // -1: the target does not exist
  std::string path;    // relative to the target
  int layer_dir = -1;
  int host_dir = -1;  // -1: none
  const char* name = nullptr;
  std::uint32_t mode = 0;       // the layer's
  std::uint32_t host_mode = 0;  // with type; 0: it is not there
  const std::function<std::set<std::string>()>* own_packages = nullptr;  // KnownPlaces
};

policy::Finding look_at_content(const ContentPlace& place);

/// Does the .gitignore of the target's root, as the host has it, ignore what is at `path`?
bool is_ignored_by_git(int host_root, const std::string& path);

}  // namespace sandbox_run::workspace
