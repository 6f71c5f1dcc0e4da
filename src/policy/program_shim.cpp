// The lines of the scripts by which pnpm starts programs. Facts, no code: nothing here runs.

#include "policy/program_shim.h"

#include <algorithm>
#include <iterator>

#include "base/text.h"
#include "policy/line_pattern.h"

namespace sandbox_run::policy {
namespace {

// clang-format off
constexpr std::string_view kFixed[] = {
    R"line(basedir=$(dirname "$(echo "$0" | sed -e 's,\\,/,g')"))line",
    R"line(case `uname` in)line",
    R"line(*CYGWIN*|*MINGW*|*MSYS*))line",
    R"line(if command -v cygpath > /dev/null 2>&1; then)line",
    R"line(basedir=`cygpath -w "$basedir"`)line",
    R"line(fi)line",
    R"line(;;)line",
    R"line(esac)line",
    R"line(if [ -z "$NODE_PATH" ]; then)line",
    R"line(export NODE_PATH="^")line",
    R"line(else)line",
    R"line(export NODE_PATH="^:$NODE_PATH")line",
    R"line(if [ -x "$basedir/node" ]; then)line",
    R"line(caller_path_set=${PATH+set})line",
    R"line(caller_path=${PATH-})line",
    R"line(helper_path=)line",
    R"line(rest=$caller_path:)line",
    R"line(while [ -n "$rest" ]; do)line",
    R"line(dir=${rest%%:*})line",
    R"line(rest=${rest#*:})line",
    R"line(case "$dir" in)line",
    R"line(*/node_modules/*|*/node_modules) ;;)line",
    R"line(/*) helper_path=${helper_path:+$helper_path:}$dir ;;)line",
    R"line(done)line",
    R"line(PATH=${helper_path:-/})line",
    R"line(run_helper() {)line",
    R"line(if command -p -v "$1" >/dev/null 2>&1 || ! command -v "$1" >/dev/null 2>&1; then command -p "$@"; else command "$@"; fi)line",
    R"line(})line",
    R"line(link="$0")line",
    R"line(case "$link" in)line",
    R"line(*/*|*\\*) ;;)line",
    R"line(*) link="./$link" ;;)line",
    R"line(hops=0)line",
    R"line(while [ -L "$link" ] && [ "$hops" -lt 40 ]; do)line",
    R"line(hops=$((hops+1)))line",
    R"line(target=$(run_helper readlink "$link"))line",
    R"line(case "$target" in)line",
    R"line(/*) link="$target" ;;)line",
    R"line(*)  link="${link%/*}/$target" ;;)line",
    R"line(basedir=$(run_helper printf '%s\n' "$link" | run_helper sed -e 's,\\,/,g'))line",
    R"line(basedir="${basedir%/*}")line",
    R"line(basedir_abs=$(CDPATH= cd -P -- "$basedir" && pwd -P) || exit $?)line",
    R"line(basedir="$basedir_abs")line",
    R"line(basedir_win="$basedir")line",
    R"line(exe="")line",
    R"line(msys="")line",
    R"line(case `run_helper uname -a` in)line",
    R"line(if converted=$(command -p cygpath -w "$basedir" 2>/dev/null) && [ -n "$converted" ]; then)line",
    R"line(basedir_win="$converted")line",
    R"line(elif command -v cygpath > /dev/null 2>&1; then)line",
    R"line(basedir_win=`cygpath -w "$basedir"`)line",
    R"line(exe=".exe")line",
    R"line(msys="true")line",
    R"line(*WSL2*))line",
    R"line(if converted=$(command -p wslpath -w "$basedir" 2>/dev/null) && [ -n "$converted" ]; then)line",
    R"line(elif command -v wslpath > /dev/null 2>&1; then)line",
    R"line(basedir_win="$(wslpath -w "$basedir" 2> /dev/null)")line",
    R"line(if [ $? -ne 0 ] || [ -z "$basedir_win" ]; then)line",
    R"line(if [ -n "$caller_path_set" ]; then PATH=$caller_path; else unset PATH; fi)line",
    R"line(export NODE_PATH='^')line",
    R"line(export NODE_PATH='^':"$NODE_PATH")line",
    R"line(if [ -n "$exe" ] && [ -x "$basedir/node.exe" ]; then)line",
    R"line(elif [ -x "$basedir/node" ]; then)line",
    R"line(elif [ -n "$msys" ] && command -v node >/dev/null 2>&1; then)line",
    R"line(elif command -v node >/dev/null 2>&1; then)line",
    R"line(elif [ -n "$exe" ] && command -v node.exe >/dev/null 2>&1; then)line",
    R"line(if [ -x "/usr/bin/$1" ] || [ -x "/bin/$1" ] || ! command -v "$1" >/dev/null 2>&1; then command -p "$@"; else command "$@"; fi)line",
    R"line(*\\*) basedir=$(run_helper printf '%s\n' "$link" | run_helper sed -e 's,\\,/,g') ;;)line",
    R"line(*) basedir=$link ;;)line",
    R"line(os=)line",
    R"line({ read -r os < /proc/version; } 2> /dev/null || :)line",
    R"line(case "$os" in)line",
    "exit $?"};

/// The file is the last word of each.
constexpr std::string_view kStarts[] = {
    R"line(exec ^  "$basedir/^" "$@")line",
    R"line(exec "$basedir/^"  "$basedir/^" "$@")line",
    R"line(exec ^  "$basedir_abs"/'^' "$@")line",
    R"line(exec "$basedir/^"  "$basedir_abs"/'^' "$@")line",
    R"line(exec ^  "$basedir_win"/'^' "$@")line",
    R"line(exec "$basedir/^"  "$basedir_win"/'^' "$@")line",
    R"line("$basedir/^"   "$@")line",
    R"line("$basedir_abs"/'^'   "$@")line"};
// clang-format on

std::string_view started_by(std::string_view line) {
  std::string_view file;
  const bool is_start =
      std::any_of(std::begin(kStarts), std::end(kStarts),
                  [&](std::string_view pattern) { return line_matches(pattern, line, &file); });
  return is_start ? file : std::string_view();
}

/// Takes the next line off `text`.
std::string_view next_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = base::trim(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

}  // namespace

std::optional<std::string> shim_target(std::string_view text) {
  constexpr std::size_t kMaxText = 64U << 10U;
  if (!text.starts_with("#!/bin/sh\n") || text.size() > kMaxText) return std::nullopt;
  if (text.find('\r') != std::string_view::npos || text.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  std::string found;
  while (!text.empty()) {
    const std::string_view line = next_line(text);
    if (line.empty() || line.front() == '#') continue;
    const std::string_view file = started_by(line);
    if (file.empty() && !any_line_matches(kFixed, line)) return std::nullopt;
    if (!file.empty() && !found.empty() && found != file) return std::nullopt;
    if (!file.empty()) found = file;
  }
  return found.empty() ? std::nullopt : std::optional(found);
}

std::string package_named_in(std::string_view text) {
  constexpr std::string_view kModules = "/node_modules/";
  std::string package;
  while (!text.empty()) {
    const std::string_view line = next_line(text);
    const std::size_t at = started_by(line).rfind(kModules);
    if (at == std::string_view::npos) continue;
    const std::string_view inner = started_by(line).substr(at + kModules.size());
    std::size_t end = inner.find('/');
    if (inner.starts_with('@') && end != std::string_view::npos) end = inner.find('/', end + 1);
    package = inner.substr(0, end);
  }
  return package;
}

}  // namespace sandbox_run::policy
