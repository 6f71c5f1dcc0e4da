"""What a refused way out looks like: to the program that tried, and in the log."""

import json


def refused(t, result):
    t.true(result.code != 0, result)
    t.contains(result.err, "blocked: ")


def logged(t, result, event_type, text):
    found = [e for e in result.of_type(event_type) if text in json.dumps(e["details"])]
    t.true(found, f"{event_type} with {text} in the log: {result.events}")
    return found[0]
