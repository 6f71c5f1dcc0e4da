"""The public list of attacks, made from the adversarial tests and adversarial/catalogue.toml.

A test says by its decorator's arguments, or all tests of a file by a dictionary FACTS, what it is about:
  rows    rows of the catalogue, by their ids: which incidents and advisories it tries
  stops   the layers that stop it, by their names in the catalogue, separated by ", "
  event   the events by which it shows ("a.b|c.d": one of these), or "none": what finds nothing is no event.
          runner.py looks for them in the logs
  seen    an incident or advisory that no row names
  hosts   where it can be tried, if not anywhere
"""

import inspect
import json
import pathlib
import re
import tomllib

import harness
import runner

TESTS = pathlib.Path(__file__).resolve().parent.parent
SCHEMA = TESTS.parent / "man/sandbox-run-events.schema.json"
KNOWN_FACTS = {"rows", "stops", "event", "seen", "hosts"}
HOSTS = {"any", "as root", "as a user", "x86-64", "kernels that have it"}
READING = "found by reading"
SHOWN = 4  # cases for a row of the catalogue; the others are named with their files


def load():
    """The tests: all of the adversarial suite, and those of the integration suite that name a row."""
    harness.TESTS.clear()
    for path in runner.find_files([TESTS / "adversarial", TESTS / "integration"]):
        runner.load(path)
    return [test for test in harness.TESTS if is_attack(test) or test.facts.get("rows")]


def source_of(test):
    return pathlib.Path(test.function.__code__.co_filename)


def is_attack(test):
    return source_of(test).parent.name == "adversarial"


def title(test):
    """The whole first paragraph of its docstring."""
    return " ".join(inspect.getdoc(test.function).split("\n\n")[0].split())


def catalogue():
    return tomllib.loads((TESTS / "adversarial/catalogue.toml").read_text())


def event_types():
    return {rule["if"]["properties"]["type"]["const"] for rule in json.loads(SCHEMA.read_text())["allOf"]}


def unit_tests():
    """The names of all unit tests."""
    names = set()
    for path in (TESTS / "unit").glob("**/*_test.cpp"):
        for text in re.findall(r'TEST_CASE\(((?:\s*"(?:[^"\\]|\\.)*")+)', path.read_text()):
            names.add("".join(re.findall(r'"((?:[^"\\]|\\.)*)"', text)))
    return names


def problems_of(test, known, events):
    facts = test.facts
    for name in facts.keys() - KNOWN_FACTS:
        yield f"says {name!r}, which is no fact of an attack"
    layers = [name for name in facts.get("stops", "").split(", ") if name]
    if not layers:
        yield "does not say what stops it"
    for name in layers:
        if name not in known["layers"]:
            yield f"is stopped by {name!r}, which is no layer of the catalogue"
    shown = facts.get("event", "").replace("|", " ").split()
    if not shown:
        yield "does not say by which event it shows"
    for name in shown:
        if name != "none" and name not in events:
            yield f"shows by {name!r}, which is no event"
    for row in facts.get("rows", "").split():
        if row not in known["rows"]:
            yield f"names the row {row}, which the catalogue lacks"
    if facts.get("hosts", "any") not in HOSTS:
        yield f"can be tried on {facts['hosts']!r}: not a word for hosts"


def problems(tests, known, events, units):
    """What the list lacks, one line each."""
    tried = set()
    for test in tests:
        tried |= set(test.facts.get("rows", "").split())
        yield from (f"{source_of(test).name}: {test.name}: {text}" for text in problems_of(test, known, events))
    for row, says in known["rows"].items():
        answers = (row in tried) + ("unit" in says) + ("why_not" in says)
        if "why_not" in says and answers > 1:
            yield f"{row}: has a test, and a reason why it has none"
        if not answers:
            yield f"{row}: has neither a test nor a reason"
        if "unit" in says and says["unit"] not in units:
            yield f"{row}: there is no unit test {says['unit']!r}"


def cell(text):
    return text.replace("|", "\\|")


def events_in_words(event):
    return ", ".join(names.replace("|", " or ") for names in event.split())


def seen_in(test, known):
    """Incidents and advisories, each once."""
    found = [known["rows"][row].get("seen", "") for row in test.facts.get("rows", "").split()]
    found.append(test.facts.get("seen", ""))
    parts = dict.fromkeys(part.strip() for text in found for part in re.split("[,;] ", text) if part.strip())
    return ", ".join(parts) or READING


def lines_of_a_file(path, tests, known):
    about = " ".join(tests[0].function.__globals__["__doc__"].split())
    yield from ("", f"## `{path.parent.name}/{path.name}`", "", about, "",
                "| case | incident, advisory | stopped by | event | hosts |", "|---|---|---|---|---|")
    for test in tests:
        facts = test.facts
        yield (f"| {cell(title(test))} | {cell(seen_in(test, known))} | {facts['stops']} | {events_in_words(facts['event'])} | "
               f"{facts.get('hosts', 'any')} |")


def lines(tests, known):
    """The list, in Markdown."""
    yield from ("# Attacks that are tried at each change", "",
                "An attack is tried without the sandbox first, on a harmless target, and must succeed there: else its failure",
                "inside would say nothing.", "",
                "| layer | what it is |", "|---|---|")
    yield from (f"| {name} | {cell(text)} |" for name, text in known["layers"].items())
    files = {}
    for test in tests:
        files.setdefault(source_of(test), []).append(test)
    for path, of_file in files.items():
        yield from lines_of_a_file(path, of_file, known)
    yield from ("", "## By incident", "", "| | what | seen in | tried by |", "|---|---|---|---|")
    for row, says in known["rows"].items():
        cases = [title(test) for test in tests if row in test.facts.get("rows", "").split()]
        if "unit" in says:
            cases.append(f"{says['unit']} (unit test)")
        more = [f"and {len(cases) - SHOWN} more"] if len(cases) > SHOWN else []
        tried = "; ".join(cases[:SHOWN] + more) or f"not tried: {says['why_not']}"
        yield f"| {row} | {cell(says['what'])} | {cell(says.get('seen', ''))} | {cell(tried)} |"
