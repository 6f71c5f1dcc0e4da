"""Caches of other tools, from which later installs take what they trust: a package's script fills them."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import test  # noqa: E402
from npm_registry import NpmRegistry  # noqa: E402
from resources import limits  # noqa: E402

FACTS = {"stops": "mounts, commit", "event": "none"}

PLACES = """.cache/pip/http-v2/a/b/planted .yarn/berry/cache/lodash-npm-4.17.21.zip .cache/node/corepack/v1/yarn/4.0.0/yarn.js
    .cache/node-gyp/22.0.0/include/node/node.h go/pkg/mod/cache/download/planted .cargo/registry/cache/planted
    .npm/_npx/aaaaaaaaaaaaaaaa/node_modules/.bin/tool .local/share/pnpm/store/v10/files/00/planted
    .cache/uv/wheels-v5/planted .m2/repository/planted.jar .gradle/caches/planted .bun/install/cache/planted""".split()
FILL = """
const fs = require('fs'), os = require('os'), path = require('path');
for (const place of PLACES) {
  const file = path.join(os.homedir(), place);
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, 'planted');
  } catch {}
}
"""


@test(time_limit=120, rows="A112 A113")
def filled_by_a_script(t):
    """what a package's script puts into the caches of npx, pip, yarn, pnpm, corepack, node-gyp and others reaches none"""
    registry = NpmRegistry()
    registry.add("evil", "1.0.0", {"attack.js": FILL.replace("PLACES", json.dumps(PLACES))},
                 scripts={"postinstall": "node attack.js"})
    t.write("package.json", '{"name": "app", "dependencies": {"evil": "1.0.0"}}')
    env = {"npm_config_registry": registry.url()}
    planted = lambda: [place for place in PLACES if (t.home / place).exists()]  # noqa: E731
    t.succeeded(t.bare("npm", "install", env=env))
    t.equal(planted(), PLACES, "control")
    for place in PLACES:
        (t.home / place).unlink()
    t.bare("rm", "-rf", "node_modules", "package-lock.json")
    t.succeeded(t.sandbox("npm", "install", env=env, options=["--allow-host", f"localhost:{registry.port}"]))
    t.true((t.project / "node_modules/evil/attack.js").exists(), "it was installed")
    t.equal(planted(), [])


# Made with the name of a digest, so that it is worth reading: without a block on the disk, and under many names.
HUGE = """
const fs = require('fs'), os = require('os'), path = require('path');
const place = path.join(process.env.npm_config_cache, '_cacache/content-v2/sha512/aa/bb');
const name = (i) => path.join(place, String(i).padStart(124, 'c'));
fs.mkdirSync(place, { recursive: true });
for (const [i, size] of [[0, 8e12], [1, 3e9]]) { fs.writeFileSync(name(i), ''); fs.truncateSync(name(i), size); }
for (let i = 2; i < 100; ++i) fs.linkSync(name(1), name(i));
fs.writeFileSync(name(100), Buffer.alloc(4e7, 'x'));
for (let i = 101; i < 200; ++i) fs.linkSync(name(100), name(i));
"""


@test(time_limit=120, stops="limits")
def huge_contents(t):
    """files of terabytes by their size alone, and one large one by many names, in npm's cache are not read to the end"""
    registry = NpmRegistry()
    registry.add("evil", "1.0.0", {"attack.js": HUGE}, scripts={"postinstall": "node attack.js"})
    t.write("package.json", '{"name": "app", "dependencies": {"evil": "1.0.0"}}')
    env = {"npm_config_registry": registry.url(), "npm_config_cache": t.home / ".npm"}
    made = lambda: [path for path in (t.home / ".npm").rglob("*ccc*")]  # noqa: E731
    t.succeeded(t.bare("npm", "install", env=env))
    t.equal(len(made()), 200, "control")
    t.equal(max(path.stat().st_size for path in made()), 8 * 10 ** 12, "control")
    t.bare("rm", "-rf", "node_modules", "package-lock.json", t.home / ".npm")
    # Read to the end, it would take hours. (By default no file of that size can be made.)
    limits(t, "file_mb = 10000000")
    t.succeeded(t.sandbox("npm", "install", env=env, timeout=90,
                          options=["--allow-host", f"localhost:{registry.port}"]))
    t.equal(made(), [])
