#pragma once

#include <string>

#include "plan/host_facts.h"

/// A directory that is there, and no link.
inline sandbox_run::plan::HostPath directory(const std::string& path) {
  return {path, "", path, true, true};
}
