#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

// Paths as text (no file system is asked), and paths opened beneath a directory descriptor.

namespace sandbox_run::base {

/// "/a//b/./c/../d/" → "/a/b/d"; a relative path is taken from `cwd` (absolute). Text only.
std::string absolute_path(std::string_view path, std::string_view cwd);
/// a + "/" + b with one slash between.
std::string join_path(std::string_view a, std::string_view b);
std::string parent_path(std::string_view path);
std::string file_name(std::string_view path);
/// True if `path` is `directory` or lies below it. Both absolute and normalised.
bool is_beneath(std::string_view path, std::string_view directory);
/// `path` relative to `directory` ("" for itself); requires is_beneath.
std::string relative_to(std::string_view path, std::string_view directory);

/// realpath(3); nullopt if it does not resolve. This and the next two throw SysError if that can't
/// be told (EIO, no memory, no descriptor left).
std::optional<std::string> real_path(const std::string& path);
/// lstat(2); nullopt if there is none.
std::optional<struct stat> stat_no_follow(const std::string& path);
bool exists(const std::string& path);
bool is_directory(const std::string& path);  // follows links
/// readlink(2). Throws SysError.
std::string read_link(int dir_fd, const std::string& name);

/// Where an open file or directory is now, by /proc/self/fd (proc(5)). Throws SysError.
std::string path_of(int fd);

/// openat2(2) with RESOLVE_BENEATH|RESOLVE_NO_SYMLINKS|RESOLVE_NO_MAGICLINKS and O_CLOEXEC: never
/// leaves `dir_fd`, never follows a link an attacker planted (CVE-2026-39860 and its kind).
/// `flags` and `mode` as open(2). "" or "." opens the directory itself. Throws SysError.
UniqueFd open_beneath(int dir_fd, const std::string& path, int flags, mode_t mode = 0);
/// As open_beneath, without the exception: an fd, or -1 and errno.
int try_open_beneath(int dir_fd, const std::string& path, int flags, mode_t mode = 0);

/// As try_open_beneath, but links are followed as long as they stay beneath: for what a package
/// manager made of links.
int try_open_inside(int dir_fd, const std::string& path, int flags);

/// mkdir -p of an absolute path, each new directory with `mode`. Throws SysError.
void make_directories(const std::string& path, mode_t mode);

/// Removes a whole tree beneath `dir_fd`: no link followed, directories of mode 000 made passable
/// first (overlayfs leaves work/work so). Missing is fine. Throws SysError.
void remove_tree(int dir_fd, const std::string& name);
void remove_tree(const std::string& path);

/// Directory entries without "." and "..", in the order of the directory.
struct DirectoryEntry {
  std::string name;
  unsigned char type;  // DT_*; see readdir(3)
};
std::vector<DirectoryEntry> list_directory(int dir_fd);

}  // namespace sandbox_run::base
