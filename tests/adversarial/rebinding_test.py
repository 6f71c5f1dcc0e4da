"""A name that is allowed, and has an address that is not for it: a service of this machine, or the cloud's."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from denials import refused  # noqa: E402
from harness import BINARY, read_events, test  # noqa: E402
from local_server import LocalServer  # noqa: E402

FACTS = {"stops": "broker", "event": "flow.denied"}

FETCH = """
import sys, urllib.request
try:
    print("got", urllib.request.urlopen(sys.argv[1], timeout=5).read())
except Exception as error:
    sys.exit(f"blocked: {error!r}")
"""
# The name's address comes from a file in /etc/hosts' place, in mounts of the test's own.
AS_NAMED = 'printf "127.0.0.1 localhost\\n%s %s\\n" "$1" "$2" > "$3"; mount --bind "$3" /etc/hosts; shift 3; exec "$@"'
NAME = "rebound.example.com"


@test(rows="A138")
def address_of_this_machine(t):
    """an allowed name with an address of this machine, a private one or the metadata service's is refused"""
    server = LocalServer({"/": b"the host's own service"})
    fetch = ["/usr/bin/python3", "-c", FETCH, f"http://{NAME}:{server.port}/"]
    hosts = t.base / "hosts"
    bare = t.in_own_mounts(AS_NAMED, "127.0.0.1", NAME, hosts, *fetch)
    t.contains(bare.out, "the host's own service", "control")
    del server.requests[:]
    for address in ("127.0.0.1", "::1", "169.254.169.254", "10.1.2.3", "::ffff:127.0.0.1"):
        log = t.base / f"events-{address.replace(':', '-')}.jsonl"
        result = t.in_own_mounts(AS_NAMED, address, NAME, hosts, BINARY, "--events", log,
                                 "--allow-host", f"{NAME}:{server.port}", "--", *fetch)
        result.events = read_events(log)
        refused(t, result)
        t.true([e for e in result.of_type("flow.denied") if NAME in str(e["details"])], f"{address}: {result.events}")
    t.equal(server.requests, [])
