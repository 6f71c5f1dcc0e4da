#pragma once

#include <string_view>

#include "watch/actor.h"

namespace sandbox_run::watch {

/// Name and Version of PKG-INFO (core metadata: RFC 822 headers). Pure.
Distribution parse_pkg_info(std::string_view text);
/// name and version of [project] or [tool.poetry], where they stand as plain strings. Pure; reads
/// lines, not TOML: what it cannot tell stays empty.
Distribution parse_pyproject(std::string_view text);
/// pip's own names for build directories: "flask_0123…" (32 hexadecimal digits) or "flask-2.0.1".
/// Pure.
Distribution distribution_of_directory(std::string_view name);

/// The distribution whose source tree is `directory_fd` (opened O_PATH or O_RDONLY), by its
/// PKG-INFO, else its pyproject.toml, else the directory's `path`. The tree is hostile: only
/// regular files are read, never through a link, never waiting, at most 64 KiB. Never throws for
/// what is in it.
Distribution read_distribution(int directory_fd, std::string_view path);

/// "preinstall", "install" or "postinstall" if that is the one of these scripts in the package.json
/// in `directory_fd`; "" if it has none, or more. As read_distribution().
std::string read_install_event(int directory_fd);

}  // namespace sandbox_run::watch
