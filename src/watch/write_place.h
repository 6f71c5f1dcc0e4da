#pragma once

#include <string>

namespace sandbox_run::watch {

/// What the behaviour lock calls the place of a file that a script writes: the same on every
/// machine, and for every version and layout of node_modules. `path` is absolute and without links,
/// as the two directories are. A package for what lies in one ("node_modules/qr"), the path in the
/// project for anything else there, the topmost directories at home ("~/.cache/qr"). "": not worth
/// a word (a device). Safe for a terminal. Pure.
std::string write_place(const std::string& path, const std::string& project,
                        const std::string& home);

}  // namespace sandbox_run::watch
