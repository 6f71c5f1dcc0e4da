"""Hosts that are reached by an upstream proxy: the broker asks it, the sandboxee learns nothing of it."""

import base64
import hashlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import SECRET, require, test, wait_until  # noqa: E402
from local_server import LocalServer  # noqa: E402
from name_proxies import ConnectProxy, SocksProxy, TlsFront  # noqa: E402

PYTHON = "/usr/bin/python3"
HOST = "packages.example.com"
PORT = 8443

FETCH = f"""
import os, urllib.request
print("variables:", [name for name in os.environ if "proxy" in name.lower()])
try:
    print("got", urllib.request.urlopen("http://{HOST}:{PORT}/", timeout=10).read())
except Exception as error:
    raise SystemExit(f"failed: {{error!r}}")
"""
NO_PROXIES = {name: None for word in ("http", "https", "all", "no")
              for name in (f"{word}_proxy", f"{word.upper()}_PROXY")}


def fetch(t, env):
    result = t.sandbox(PYTHON, "-c", FETCH, options=["--allow-host", f"{HOST}:{PORT}"],
                       env={**NO_PROXIES, **env})
    t.lacks(json.dumps(result.events) + result.out + result.err, SECRET, "a password")
    return result


def reached(t, result, proxy_port):
    t.contains(result.out, "got b'data'", result)
    t.contains(result.out, "variables: []", "no proxy variable inside")
    opened = result.of_type("flow.opened")[0]["details"]
    t.equal(opened["proxy"], f"127.0.0.1:{proxy_port}")
    t.equal(opened["host"], HOST)


@test
def connect_with_credentials(t):
    """a name is asked of the http proxy in HTTPS_PROXY, with credentials that stay outside"""
    server = LocalServer({"/": b"data"})
    proxy = ConnectProxy(server.port)
    url = f"http://me:{SECRET}%21@127.0.0.1:{proxy.port}"
    reached(t, fetch(t, {"HTTPS_PROXY": url}), proxy.port)
    basic = base64.b64encode(f"me:{SECRET}!".encode()).decode()
    t.equal(proxy.asked, [(f"CONNECT {HOST}:{PORT}", f"Basic {basic}")])


@test
def socks_with_credentials(t):
    """a name is asked of the SOCKS proxy in ALL_PROXY, with and without credentials"""
    server = LocalServer({"/": b"data"})
    proxy = SocksProxy(server.port)
    reached(t, fetch(t, {"ALL_PROXY": f"socks5h://me:{SECRET}@127.0.0.1:{proxy.port}"}), proxy.port)
    reached(t, fetch(t, {"all_proxy": f"socks5h://127.0.0.1:{proxy.port}"}), proxy.port)
    t.equal(proxy.asked, [(f"SOCKS {HOST}:{PORT}", f"me:{SECRET}"), (f"SOCKS {HOST}:{PORT}", None)])


@test
def proxy_that_speaks_tls(t):
    """a proxy that itself speaks TLS is asked through it, if its certificate is right"""
    body = os.urandom(3 << 20)
    server = LocalServer({"/": b"data", "/large": body})
    proxy = ConnectProxy(server.port)
    crt, key = t.certificate("IP:127.0.0.1")
    front = TlsFront(proxy.port, crt, key)
    url = f"https://me:{SECRET}@127.0.0.1:{front.port}"
    env = {"HTTPS_PROXY": url, "SSL_CERT_FILE": str(crt)}
    reached(t, fetch(t, env), front.port)
    basic = base64.b64encode(f"me:{SECRET}".encode()).decode()
    t.equal(proxy.asked, [(f"CONNECT {HOST}:{PORT}", f"Basic {basic}")])
    program = f"""import hashlib, urllib.request
body = urllib.request.urlopen("http://{HOST}:{PORT}/large", timeout=20).read()
print(hashlib.sha256(body).hexdigest())
urllib.request.urlopen("http://{HOST}:{PORT}/", body, timeout=20).read()"""
    result = t.sandbox(PYTHON, "-c", program, options=["--allow-host", f"{HOST}:{PORT}"], env={**NO_PROXIES, **env})
    t.contains(result.out, hashlib.sha256(body).hexdigest(), result)
    t.true(server.bodies == [body], "the same bytes come back")
    del proxy.asked[:]
    result = fetch(t, {"HTTPS_PROXY": url, "SSL_CERT_FILE": None})
    t.true(result.code != 0, result)
    t.contains(result.of_type("flow.failed")[0]["details"]["reason"], "certificate verify failed")
    other = TlsFront(proxy.port, *t.certificate("DNS:other.example.com"))
    result = fetch(t, {"HTTPS_PROXY": f"https://me:{SECRET}@127.0.0.1:{other.port}", "SSL_CERT_FILE": str(crt)})
    t.contains(result.of_type("flow.failed")[0]["details"]["reason"], "certificate verify failed")
    result = fetch(t, {"HTTPS_PROXY": f"https://127.0.0.1:{server.port}", "SSL_CERT_FILE": str(crt)})
    t.contains(result.of_type("flow.failed")[0]["details"]["reason"], "TLS: ")
    t.equal([asked for asked, _ in proxy.asked if HOST in asked], [], "nothing is said to a proxy that is not known")


class ServerOfEnds:
    """Answers a request, or all that was said up to the client's end; hears what comes after its own."""

    def __init__(self, at_the_end):
        self.at_the_end = at_the_end
        self.heard = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            with connection:
                self.serve(connection)

    def serve(self, connection):
        said = b""
        while more := connection.recv(65536):
            said += more
            if not self.at_the_end and said.endswith(b"\r\n\r\n"):
                break
        self.heard.append(said)
        if not self.at_the_end:
            time.sleep(1)  # the client's end is known to the relay by now
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nall of the answer")
        connection.shutdown(socket.SHUT_WR)
        while more := connection.recv(65536):
            self.heard.append(more)


REQUEST = f"GET / HTTP/1.1\\r\\nHost: {HOST}:{PORT}\\r\\n\\r\\n"
ASK = f"""
import socket
connection = socket.create_connection(("{HOST}", {PORT}), timeout=10)
connection.sendall(b"{REQUEST}")
"""
READ = """
answer = b""
while more := connection.recv(65536):
    answer += more
print(answer)
"""


def ask_by_tls(t, server, program, version):
    crt, key = t.certificate("IP:127.0.0.1")
    front = TlsFront(ConnectProxy(server.port).port, crt, key, version)
    result = t.sandbox(PYTHON, "-c", ASK + program, options=["--allow-host", f"{HOST}:{PORT}"],
                       env={**NO_PROXIES, "HTTPS_PROXY": f"https://127.0.0.1:{front.port}",
                            "SSL_CERT_FILE": str(crt)})
    t.contains(result.out, "all of the answer", result)


@test
def ends_of_one_direction_through_tls(t):
    """the end of what either side says is passed on through a proxy that speaks TLS 1.3; by 1.2 no answer is lost"""
    half_closed = "connection.shutdown(socket.SHUT_WR)" + READ
    server = ServerOfEnds(at_the_end=True)
    ask_by_tls(t, server, half_closed, ssl.TLSVersion.TLSv1_3)
    t.true(server.heard[0].endswith(b"\r\n\r\n"), "the server answered what had an end")
    server = ServerOfEnds(at_the_end=False)
    ask_by_tls(t, server, half_closed, ssl.TLSVersion.TLSv1_2)
    server = ServerOfEnds(at_the_end=False)
    ask_by_tls(t, server, READ + f'connection.sendall(b"{REQUEST}"); connection.close()', ssl.TLSVersion.TLSv1_3)
    wait_until(lambda: len(server.heard) == 2, "the second request arrives")
    t.true(server.heard[1].startswith(b"GET "), "after the server's own end")


@test
def without_proxy(t):
    """what NO_PROXY names is not asked of the proxy, and neither is this host's loopback"""
    server = LocalServer({"/": b"data"})
    proxy = ConnectProxy(server.port)
    env = {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}", "NO_PROXY": "other.example,.example.com"}
    t.true(fetch(t, env).code != 0, "the name is looked up here, where it does not exist")
    t.equal(proxy.asked, [])
    program = FETCH.replace(f"{HOST}:{PORT}", f"localhost:{server.port}")
    result = t.sandbox(PYTHON, "-c", program, options=["--allow-host", f"localhost:{server.port}"],
                       env={**NO_PROXIES, **env, "NO_PROXY": None})
    t.contains(result.out, "got b'data'", result)
    t.equal(proxy.asked, [])


@test
def resolvers_of_their_own(t):
    """static programs that ask name servers as musl and Go do reach a host by its name"""
    program = t.project / "resolve_and_fetch"
    shutil.copy2(t.compiled("integration/programs/resolve_and_fetch.c", "-static"), program)
    server = LocalServer({"/": b"data"})
    proxy = ConnectProxy(server.port)
    env = {**NO_PROXIES, "HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"}
    for kind in ("musl", "go"):
        result = t.sandbox(program, kind, HOST, PORT, env=env, options=["--allow-host", f"{HOST}:{PORT}"])
        t.contains(t.succeeded(result, kind).out, "data", kind)
        t.true(result.of_type("flow.opened"), result.events)
        result = t.sandbox(program, kind, "evil.example.net", PORT, env=env,
                           options=["--allow-host", f"{HOST}:{PORT}"])
        t.contains(result.err, "the name does not resolve", kind)
    t.equal({asked for asked, _ in proxy.asked}, {f"CONNECT {HOST}:{PORT}"})


@test
def only_allowed_names_are_asked(t):
    """a proxy is asked for nothing that no rule allows"""
    proxy = ConnectProxy(1)
    result = t.sandbox(PYTHON, "-c", FETCH, options=["--allow-host", f"other.example.com:{PORT}"],
                       env={**NO_PROXIES, "HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"})
    t.true(result.code != 0, result)
    t.equal(proxy.asked, [])


@test
def unusable_proxies(t):
    """a proxy that can't be used is an error in words before anything runs, without its password"""
    for url in (f"ftp://me:{SECRET}@proxy.example.com",
                f"http://me:{SECRET}@:99999", "http://"):
        result = fetch(t, {"HTTPS_PROXY": url})
        t.one_clear_line(result, 2, "the host's proxy can't be used")
        t.equal(result.out, "")


def tinyproxy(t, upstream):
    """A real proxy that wants a password, and passes on to `upstream`. Its port."""
    program = shutil.which("tinyproxy")
    require(program, "no tinyproxy")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    config = t.write(t.base / "tinyproxy.conf",
                     f"Port {port}\nListen 127.0.0.1\nAllow 127.0.0.1\nTimeout 60\nMaxClients 20\n"
                     f"BasicAuth me {SECRET}\nConnectPort {PORT}\nUpstream http 127.0.0.1:{upstream}\n"
                     f"LogFile \"{t.base}/tinyproxy.log\"\n")
    process = subprocess.Popen([program, "-d", "-c", config], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)

    def listens():
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    wait_until(listens, "tinyproxy listens")
    return port, process


@test
def real_proxy(t):
    """tinyproxy carries a connection if the password is right, and else the event says why not"""
    server = LocalServer({"/": b"data"})
    behind = ConnectProxy(server.port)
    port, process = tinyproxy(t, behind.port)
    try:
        reached(t, fetch(t, {"HTTPS_PROXY": f"http://me:{SECRET}@127.0.0.1:{port}"}), port)
        crt, key = t.certificate("IP:127.0.0.1")
        front = TlsFront(port, crt, key)
        reached(t, fetch(t, {"HTTPS_PROXY": f"https://me:{SECRET}@127.0.0.1:{front.port}", "SSL_CERT_FILE": str(crt)}),
                front.port)
        del behind.asked[1:]
        t.equal(behind.asked[0][0], f"CONNECT {HOST}:{PORT}")
        result = fetch(t, {"HTTPS_PROXY": f"http://me:wrong@127.0.0.1:{port}"})
        t.true(result.code != 0, result)
        t.contains(result.of_type("flow.failed")[0]["details"]["reason"],
                   f"by the proxy 127.0.0.1:{port}: it ")
        t.equal(len(behind.asked), 1)
    finally:
        process.kill()
        process.wait()
