"""The most installed packages with install scripts, from the registry that npm is configured for: no
script of theirs sets off an alert. Whether an install succeeds is not the point here: some download
from hosts that no rule allows."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import test  # noqa: E402

PACKAGES = """
esbuild core-js core-js-pure protobufjs @parcel/watcher unrs-resolver nx @swc/core es5-ext msgpackr-extract
sharp better-sqlite3 sqlite3 bcrypt argon2 bufferutil utf-8-validate cpu-features ssh2 puppeteer cypress
electron @prisma/client @prisma/engines @sentry/cli playwright workerd lmdb leveldown re2 canvas keytar
@serialport/bindings-cpp vue-demi @scarf/scarf deasync
""".split()


def installs_without_alert(name):
    def body(t):
        t.write("package.json", '{"name": "app", "version": "1.0.0", "private": true}')
        result = t.sandbox("npm", "install", name, options=["--on-alert", "log"], timeout=240)
        t.true(result.of_type("process.exec") and result.of_type("flow.opened"), result)
        t.equal([event for event in result.events if event["severity"] == "alert"], [], name)

    body.__doc__ = f"npm install {name}: no alert"
    test(body, time_limit=260)


for package in PACKAGES:
    installs_without_alert(package)
