#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sandbox_run::policy {

/// Of a shell script of which each line is one that pnpm (10 to 12) writes into the script that
/// stands for a package's program: the file that it starts, as a path from the script's directory.
/// nullopt: it is none, or starts two. Pure.
///
/// Such a script does nothing but run that file: whose it is, and if the package calls it so, is
/// the question (workspace/global_programs.h).
std::optional<std::string> shim_target(std::string_view text);

/// Of any script: the package that a path in it leads to, the last one; "" if none does. For what
/// was there before a command, which is the user's own.
std::string package_named_in(std::string_view text);

}  // namespace sandbox_run::policy
