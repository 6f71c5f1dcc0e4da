#pragma once

#include <array>
#include <span>
#include <string_view>

namespace sandbox_run::policy {

struct HookTool {
  std::string_view name;
  /// '^' stands for a word of letters, digits and "._-/@+:", also none.
  std::span<const std::string_view> lines;
  bool writes_own_commands = false;  // such as package.json names, each as a line
};
std::span<const HookTool> hook_tools();

inline constexpr std::array<std::string_view, 5> kHookInterpreters = {
    "#!/bin/sh", "#!/usr/bin/env sh", "#!/bin/bash", "#!/usr/bin/env bash", "#! /usr/bin/env bash"};

}  // namespace sandbox_run::policy
