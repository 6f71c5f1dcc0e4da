"""The behaviour lock with real installs: what is learned from one is what the next ones do."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../integration"))
from harness import TESTS, test  # noqa: E402

OTHERS = len(TESTS)
import npm_test  # noqa: E402

del TESTS[OTHERS:]  # those of npm_test


def learned(manager):
    def body(t):
        project = npm_test.Project(t, manager)
        command = [manager.command, *manager.install]
        t.succeeded(t.sandbox(*command, options=["--learn"], env=project.env, timeout=250))
        for _ in range(2):
            t.bare("rm", "-rf", "node_modules")
            result = t.sandbox(*command, options=["--frozen"], env=project.env, timeout=250)
            t.equal([event["details"] for event in result.of_type("behaviour.new")], [])
            t.succeeded(result)

    body.__doc__ = f"{manager.title}: an install that was learned is no alert when it comes again"
    test(body, time_limit=800)


for one in npm_test.MANAGERS:
    learned(one)
