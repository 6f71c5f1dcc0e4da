"""Every system call of sandbox-run's own processes made to fail, one after the other."""

import faults
from harness import test


@test(time_limit=4 * 3600)
def every_call_that_fails_weakens_nothing(t):
    """Each call of supervisor, init, keeper and sandboxee fails in turn, and nothing is weakened"""
    run = faults.Faults(t)
    faults.check(t, run, run.points())
