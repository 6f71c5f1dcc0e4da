"""What sandbox-run-events(5) promises of a log, checked: every line is as the schema has it, with no
type and no member that the schema does not name, and the chain of digests holds.

Cheap enough for every log of every test: a line is held against the schema of its own type alone,
and a shape that was right once is not looked at again.
"""

import copy
import hashlib
import json
import pathlib

import jsonschema

MANUALS = pathlib.Path(__file__).resolve().parents[2] / "man"
SCHEMA_FILE = MANUALS / "sandbox-run-events.schema.json"
NO_DIGEST = "0" * 64


def strict(schema):
    """The schema without its leave to add members: a reader passes over what it does not know, a
    test does not."""
    if isinstance(schema, dict):
        schema = {key: strict(value) for key, value in schema.items()}
        if schema.get("type") == "object" and "properties" in schema:
            schema["additionalProperties"] = False
        return schema
    return [strict(item) for item in schema] if isinstance(schema, list) else schema


class EventSchema:
    def __init__(self, path=SCHEMA_FILE):
        self.schema = json.loads(path.read_text())
        self.types = [rule["if"]["properties"]["type"]["const"] for rule in self.schema["allOf"]]
        whole = strict(copy.deepcopy(self.schema))
        del whole["allOf"]
        self.every = jsonschema.Draft202012Validator(whole)
        self.of_type = {
            name: jsonschema.Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": whole["$defs"]})
            for name in self.types
        }
        self.seen = set()

    def problem(self, event):
        """What is wrong with an event, in words; None if nothing is."""
        shape = self.shape(event)
        if shape in self.seen:
            return None
        if event.get("type") not in self.of_type:
            return f"the type {event.get('type')!r} is not in the schema"
        for validator in (self.every, self.of_type[event["type"]]):
            error = jsonschema.exceptions.best_match(validator.iter_errors(event))
            if error:
                return f"{'/'.join(map(str, error.absolute_path))}: {error.message}"
        self.seen.add(shape)
        return None

    @staticmethod
    def shape(event):
        """The event with all that the schema leaves open taken out: free strings and numbers."""

        def kind(key, value):
            if isinstance(value, dict):
                return tuple(sorted((k, kind(k, v)) for k, v in value.items()))
            if isinstance(value, list):
                return ("list", *{kind("", v) for v in value})
            closed = ("type", "severity", "kind", "verdict", "change", "protocol", "outcome")
            if isinstance(value, str):
                return value if key in closed else "string"
            return type(value).__name__ if not isinstance(value, int) or value >= 0 else value

        return kind("", event)


def chain_problem(lines):
    """Where the chain of digests of one run's lines (bytes, without newlines) breaks; None."""
    previous, number = NO_DIGEST, 0
    for index, line in enumerate(lines, 1):
        try:
            event = json.loads(line)
        except ValueError:
            previous, number = hashlib.sha256(line).hexdigest(), number + 1
            continue
        if event["prev_sha256"] != previous or event["seq"] != number + 1:
            return f"line {index} does not follow the one before it"
        previous, number = hashlib.sha256(line).hexdigest(), event["seq"]
    return None


def log_problem(path, schema):
    """The first thing that is wrong with a log file; None. A torn last line is none: a run was
    killed."""
    lines = pathlib.Path(path).read_bytes().split(b"\n")[:-1]
    by_run = {}
    for number, line in enumerate(lines, 1):
        try:
            event = json.loads(line)
        except ValueError:
            return f"{path}:{number}: no JSON: {line[:200]!r}"
        problem = schema.problem(event)
        if problem:
            return f"{path}:{number}: {problem}: {line[:1000].decode()}"
        by_run.setdefault(event["run"], []).append(line)
    for run, of_run in by_run.items():
        problem = chain_problem(of_run)
        if problem:
            return f"{path}: run {run}: {problem}"
    return None
