"""The name inside a connection: behind an allowed name's address there may be others, and the server
goes by what TLS or HTTP says. Nothing is ever sent anywhere but to servers on this machine's loopback."""

import os
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from denials import logged, refused  # noqa: E402
from harness import test  # noqa: E402

FACTS = {"stops": "broker", "event": "flow.denied"}

PYTHON = "/usr/bin/python3"

SAY = """
import socket, sys
connection = socket.create_connection((sys.argv[1], int(sys.argv[2])), 20)
try:
    for part in sys.argv[3:]:
        connection.sendall(part.encode("latin-1").decode("unicode_escape").encode("latin-1"))
    answer = b""
    while b"stolen" not in answer:
        more = connection.recv(4096)
        if not more:
            break
        answer += more
    print("got", answer)
    if b"stolen" not in answer:
        sys.exit("blocked: closed")
except OSError as error:
    sys.exit(f"blocked: {error!r}")
"""

REQUEST = "GET / HTTP/1.1\\r\\nHost: {}\\r\\n\\r\\n"


def contents(data):
    """Of TLS records, if that is what it is."""
    if not data.startswith(b"\x16"):
        return data
    joined = b""
    while len(data) >= 5:
        size = int.from_bytes(data[3:5], "big")
        joined, data = joined + data[5:5 + size], data[5 + size:]
    return joined


class Front:
    """A shared front, as a CDN's: it goes by the name that a connection gives, and evil.example.net is
    one of its customers. Remembers what arrived."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.arrived = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.answer, args=[connection], daemon=True).start()

    def answer(self, connection):
        text = b""
        try:
            while more := connection.recv(4096):
                text += more
                self.arrived.append(more)
                if b"evil.example.net" in contents(text):
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen")
                elif text.startswith(b"\x16"):
                    connection.sendall(bytes([22, 3, 3, 0, 42, 2, 0, 0, 38, 3, 3]) + bytes(36))
                elif text.endswith(b"\r\n\r\n"):
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except OSError:
            pass

    def saw(self, text):
        return text in contents(b"".join(self.arrived))


def fronted(t, parts, reason, claimed="evil.example.net", front=None):
    """What `parts` get from a front without the sandbox, they don't get through a rule for its name."""
    front = front or Front()
    control = t.bare(PYTHON, "-c", SAY, "127.0.0.1", front.port, *parts)
    t.contains(t.succeeded(control, "control").out, "stolen", "control")
    front.arrived.clear()
    result = t.sandbox(PYTHON, "-c", SAY, "localhost", front.port, *parts,
                       options=["--allow-host", f"localhost:{front.port}"])
    refused(t, result)
    t.true(not front.saw(b"evil.example.net"), front.arrived)
    event = logged(t, result, "flow.denied", reason)
    t.equal(event["details"].get("claimed"), claimed, event)
    t.equal(event["details"]["name"], "localhost", event)
    return result


def escaped(data):
    return "".join(f"\\x{byte:02x}" for byte in data)


def client_hello(name, more=b""):
    """A ClientHello that names `name`, with the extensions `more`."""
    names = len(name).to_bytes(2, "big") + name
    extension = b"\0\0" + (len(names) + 3).to_bytes(2, "big") + (len(names) + 1).to_bytes(2, "big") + b"\0" + names
    extensions = (extension if name else b"") + more
    body = (b"\3\3" + bytes(32) + b"\0\0\2\x13\1\1\0" + len(extensions).to_bytes(2, "big") + extensions)
    message = b"\1" + len(body).to_bytes(3, "big") + body
    return message


def records(message, piece=16384):
    return b"".join(b"\x16\3\1" + len(part).to_bytes(2, "big") + part
                    for part in (message[at:at + piece] for at in range(0, len(message), piece)))


OTHER_HOST = "names another host than the one looked up"


@test(rows="A132 A133")
def host_header_of_another(t):
    """an HTTP request for another host does not pass by an allowed name, in any spelling"""
    evil = REQUEST.format("evil.example.net")
    result = fronted(t, [evil], OTHER_HOST)
    t.contains(result.err, "evil.example.net", "the summary names it")
    fronted(t, ["GET http://evil.example.net/ HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n"], OTHER_HOST)
    fronted(t, ["GET / HTTP/1.1\\r\\nHost: localhost\\r\\nHost: evil.example.net\\r\\n\\r\\n"],
            "several Host fields", None)
    fronted(t, ["GET / HTTP/1.1\\r\\nHost: localhost\\r\\nX: x\\nHost: evil.example.net\\r\\n\\r\\n"],
            "ends in LF alone", None)
    fronted(t, ["GET / HTTP/1.1\\r\\nHost: localhost\\x00.evil.example.net\\r\\n\\r\\n"],
            "control character", None)


@test(rows="A134")
def later_request_for_another(t):
    """a second request of a connection, pipelined or smuggled in a body, is held to the name too"""
    good, evil = REQUEST.format("localhost"), REQUEST.format("evil.example.net")
    fronted(t, [good + evil], OTHER_HOST)
    fronted(t, [good, evil], OTHER_HOST)
    fronted(t, ["POST / HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: 4\\r\\n\\r\\nbody" + evil], OTHER_HOST)
    fronted(t, ["POST / HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: 4\\r\\n"
                "Transfer-Encoding: chunked\\r\\n\\r\\n0\\r\\n\\r\\n" + evil],
            "both Content-Length and Transfer-Encoding", None)
    fronted(t, ["POST / HTTP/1.1\\r\\nHost: localhost\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n"
                "0\\r\\n\\r\\n" + evil], OTHER_HOST)


@test(rows="A130")
def tunnels(t):
    """CONNECT, an upgrade and HTTP/2 without TLS are no ways out"""
    evil = REQUEST.format("evil.example.net")
    host = "Host: localhost\\r\\n"
    fronted(t, [f"CONNECT evil.example.net:443 HTTP/1.1\\r\\n{host}\\r\\n"], "CONNECT", None)
    fronted(t, [f"GET / HTTP/1.1\\r\\n{host}Upgrade: websocket\\r\\n\\r\\n" + evil], "Upgrade", None)
    fronted(t, ["PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\nevil.example.net"], "HTTP/2 without TLS", None)
    fronted(t, ["SSH-2.0-x\\r\\nevil.example.net"], "no HTTP/1 request", None)


@test(rows="A135 A136")
def server_name_of_another(t):
    """TLS for another host does not pass by an allowed name, whole or in pieces (of records, of segments)"""
    evil = client_hello(b"evil.example.net")
    fronted(t, [escaped(records(evil))], OTHER_HOST)
    fronted(t, [escaped(records(evil, 20))], OTHER_HOST)
    whole = escaped(records(evil, 30))
    fronted(t, [whole[:60 * 4], whole[60 * 4:]], OTHER_HOST)
    two = client_hello(b"localhost", b"\0\0\0\x15\0\x13\0\0\x10evil.example.net")
    fronted(t, [escaped(records(two))], "several server names", None)
    hidden = client_hello(b"localhost", b"\xfe\x0d\0\x10evil.example.net")
    fronted(t, [escaped(records(hidden))], "encrypted (ECH)", "localhost")


@test(rows="A137")
def server_first_protocol(t):
    """a rule is for TLS and HTTP: a try at another protocol is refused, and the log says why"""
    front = Front()
    t.contains(t.bare(PYTHON, "-c", SAY, "127.0.0.1", front.port, "\\x00evil.example.net").out, "stolen", "control")
    result = t.sandbox(PYTHON, "-c", SAY, "localhost", front.port, "\\x00evil.example.net",
                       options=["--allow-host", f"localhost:{front.port}"])
    refused(t, result)
    logged(t, result, "flow.denied", 'neither TLS nor HTTP')
