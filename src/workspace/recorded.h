#pragma once

#include <string>

// Is a file one that an installed Python distribution says it has installed?
//
// The attack: a build script leaves a sitecustomize.py or a .pth file in the environment beside
// what it builds; every Python of it runs that from now on, and no `pip uninstall` knows of it.
//
// A RECORD that lies beside it in the layer counts, too: pip writes it for what it installs. A
// build script can forge one; so what is listed is not yet harmless (see the rules that follow).

namespace sandbox_run::workspace {

/// Does a RECORD of the layer or of the host, in a .dist-info directory beside the file or beside a
/// directory above it, list the file with its digest? Descriptors are borrowed; `host_root` -1: the
/// target does not exist. No link is followed. Throws SysError.
bool is_recorded(int layer_root, int host_root, int dir_fd, const std::string& dir_path,
                 const char* name);

/// The same of one directory that holds .dist-info directories, `site`; `path` is relative to that.
bool is_recorded_in(int layer_root, int host_root, int dir_fd, const char* name,
                    const std::string& site, const std::string& path);

}  // namespace sandbox_run::workspace
