"""The public list of attacks (scripts/attack-list): it is whole, and what would make it less is told."""

import copy
import os
import sys
import types

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import attack_list  # noqa: E402
from harness import Test, test  # noqa: E402

KNOWN = {"layers": {"mounts": "what is shown"}, "rows": {"A001": {"what": "read a key", "seen": "CVE-2000-0001, worm 2001"}}}
WHOLE = {"rows": "A001", "stops": "mounts", "event": "decoy.opened"}


def one_test(facts):
    """A test with these facts, as if the adversarial suite had it."""

    def body(_):
        """a | key is
        not read"""

    place = os.path.join(os.path.dirname(__file__), "../adversarial/some_test.py")
    code = body.__code__.replace(co_filename=os.path.abspath(place))
    function = types.FunctionType(code, {"__doc__": "Keys."})
    function.__doc__ = body.__doc__
    return Test("a key is not read", function, 90, facts)


def problems(facts, known=KNOWN):
    return list(attack_list.problems([one_test(facts)], known, {"decoy.opened"}, {"a unit test"}))


@test
def each_attack_has_its_row(t):
    """every adversarial test says what stops it, by which event it shows, and every known attack is tried or has a reason"""
    tests, known = attack_list.load(), attack_list.catalogue()
    t.true(len(tests) > 400 and len(known["rows"]) > 170, "all were found")
    t.equal(list(attack_list.problems(tests, known, attack_list.event_types(), attack_list.unit_tests())), [])
    text = "\n".join(attack_list.lines(tests, known))
    for part in ("| no credential file of the home can be read | torchtriton 2022", "not tried: "):
        t.contains(text, part)


@test
def what_is_missing_is_told(t):
    """a fact that is missing, wrong or unknown, a row without a test, and a reason beside a test are problems"""
    t.equal(problems(WHOLE), [], "control")
    for change, part in (({"stops": ""}, "what stops it"), ({"stops": "magic"}, "no layer"), ({"event": ""}, "which event"),
                         ({"event": "no.event"}, "no event"), ({"rows": "A001 A999"}, "A999"), ({"hosts": "mine"}, "hosts"),
                         ({"severity": "high"}, "no fact")):
        found = problems({**WHOLE, **change})
        t.true(len(found) == 1 and part in found[0], f"{change}: {found}")
    t.equal(problems({**WHOLE, "rows": ""}), ["A001: has neither a test nor a reason"])
    for says, expected in (({"why_not": "it is so"}, "a reason why it has none"), ({"unit": "none such"}, "there is no unit test"),
                           ({"unit": "a unit test"}, "")):
        known = copy.deepcopy(KNOWN)
        known["rows"]["A001"] |= says
        t.contains("\n".join(problems(WHOLE, known)), expected)


@test
def rows_as_they_are_printed(t):
    """a case is a line of the table, its incidents each once, and a bar in its words is no column"""
    text = "\n".join(attack_list.lines([one_test({**WHOLE, "seen": "worm 2001"})], KNOWN))
    t.contains(text, "| a \\| key is not read | CVE-2000-0001, worm 2001 | mounts | decoy.opened | any |")
    t.contains(text, "| A001 | read a key | CVE-2000-0001, worm 2001 | a | key is not read |".replace("a | key", "a \\| key"))
