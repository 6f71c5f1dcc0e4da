#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sandbox_run::base {

std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string_view trim(std::string_view text);
std::string to_lower(std::string_view text);
std::string replace_all(std::string text, std::string_view from, std::string_view to);

/// For a person's terminal: control characters, DEL, C1 and bytes that are not UTF-8 become
/// \xNN (newline \n, tab \t), a backslash \\. A file named "\r\nsandbox-run: all clean" or one
/// that holds an escape sequence can then forge nothing.
std::string printable(std::string_view bytes);

/// As printable, for a line of a file's content: tabs and backslashes stay as they are, so that a
/// program reads as it was written.
std::string printable_line(std::string_view bytes);

/// `words` as a POSIX shell would read them back: quoted only where needed.
std::string shell_words(const std::vector<std::string>& words);

/// One word, safe for a terminal, that bash, zsh and ksh (and every POSIX.1-2024 shell) read back
/// as exactly `bytes`: plain, 'quoted', or $'quoted' with octal escapes where a byte can't be
/// shown.
std::string typable(std::string_view bytes);

/// The candidate nearest to `word` by edit distance, or "" if none is near (for "did you mean").
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace sandbox_run::base
