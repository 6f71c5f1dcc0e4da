"""System calls of sandbox-run's own processes that fail: a sample; the whole is tests/nightly's."""

import faults
from harness import test


@test(time_limit=180)
def calls_of_the_supervisor_that_fail_weaken_nothing(t):
    """Whatever call of the supervisor fails, the command is confined or not run, and the project whole"""
    run = faults.Faults(t)
    faults.check(t, run, run.last_of_each("supervisor"))


@test(time_limit=180)
def calls_of_the_set_up_that_fail_weaken_nothing(t):
    """Whatever call of the two step tables fails, the command is confined or not run"""
    run = faults.Faults(t)
    faults.check(t, run, run.first_of_each("init", "keeper", "sandboxee"))


@test
def calls_that_fail_are_noticed_by_this_test(t):
    """A control: the tests of failing calls see a command that is less confined"""
    run = faults.Faults(t)
    weaker = [line.replace("NoNewPrivs:\t1", "NoNewPrivs:\t0") for line in run.reference]
    t.true(weaker != run.reference, f"no_new_privs is not among {run.reference}")
    run.reference = weaker
    problems = run.try_all([("helper", 0, 1)])  # there is no such call: nothing fails
    t.true(len(problems) == 1 and "less confined" in problems[0], problems)
