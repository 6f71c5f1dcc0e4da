#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sandbox_run::policy {

// What setuptools (64 and later) leaves in an environment for `pip install -e` where a path alone
// does not do: NAME.pth with one import line, and the module that it imports, which finds the
// project's packages. Pure.
//
// The attack: a .pth with an import line runs at each start of Python, whatever is started.

/// The module that a .pth imports and installs, if that is all there is in it.
std::optional<std::string> editable_finder_of(std::string_view path_file);

/// The places where such a module finds packages. nullopt: it is not word for word what a version
/// of setuptools writes, but for these, or it is for a module that Python imports by itself.
std::optional<std::vector<std::string>> editable_finder_paths(std::string_view module);

/// Where a direct_url.json (PEP 610) says that a distribution was installed from, editable; "" if
/// not so.
std::string editable_directory(std::string_view direct_url);

/// Does the text of a setup.py or pyproject.toml name the module that the compiled file at `path`
/// (NAME.cpython-311-x86_64-linux-gnu.so) holds, as a string of its own?
///
/// The attack: a build leaves json.….so in the project's root, where every script finds it first.
bool names_extension(std::string_view build_file, std::string_view path);

}  // namespace sandbox_run::policy
