#include "watch/write_place.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>

namespace sandbox_run::watch {
namespace {

TEST_CASE("a place is the same on every machine, and in every layout of node_modules") {
  const std::pair<const char*, const char*> places[] = {
      {"/home/u/app/node_modules/qr/lib/index.js", "node_modules/qr"},
      {"/home/u/app/node_modules/qr", "node_modules/qr"},
      {"/home/u/app/node_modules/@acme/ui/dist/a.js", "node_modules/@acme/ui"},
      {"/home/u/app/node_modules/@acme", "node_modules/@acme"},
      {"/home/u/app/node_modules/a/node_modules/b/x.js", "node_modules/b"},
      {"/home/u/app/node_modules/.pnpm/b@1.0.0/node_modules/b/x.js", "node_modules/b"},
      {"/home/u/app/packages/web/node_modules/.bin/tool", "node_modules/.bin"},
      {"/home/u/app/node_modules", "node_modules"},
      {"/home/u/app/src/generated/a.ts", "src/generated/a.ts"},
      {"/home/u/app/.git/hooks/post-checkout", ".git/hooks/post-checkout"},
      {"/home/u/.bashrc", "~/.bashrc"},
      {"/home/u/.cache/prisma/5.0/engine", "~/.cache/prisma"},
      {"/home/u/application/x", "~/application/x"},
      {"/tmp/x-4711/y", "(a file in /tmp)"},
      {"/dev/shm/x", "(a file in /dev/shm)"},
      {"/dev/null", ""},
      {"/opt/venv/lib/x.py", "(a file in /opt)"},
      {"/", "(a file in /)"}};
  for (const auto& [path, place] : places) {
    CAPTURE(path);
    CHECK(write_place(path, "/home/u/app", "/home/u") == place);
  }
  CHECK(write_place("/home/u/x", "", "") == "(a file in /home)");
}

TEST_CASE("a hostile name is no terminal's command, and no line of its own in the lock") {
  CHECK(write_place("/p/a\x1b[2J\nversion = 2", "/p", "/h") == "a\\x1b[2J\\nversion = 2");
}

}  // namespace
}  // namespace sandbox_run::watch
