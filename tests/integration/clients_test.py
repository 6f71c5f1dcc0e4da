"""What packages are fetched with works unaltered, needs no variable, over TLS and without."""

import os
import shutil
import socket
import ssl
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from harness import require, test  # noqa: E402
from local_server import LocalServer  # noqa: E402

PYTHON = "/usr/bin/python3"
BODY = b"the file" * 1000


class Site:
    """A server with a certificate for localhost, and one without; and the rules for both."""

    def __init__(self, t):
        certificate, key = t.certificate("DNS:localhost")
        self.certificate = shutil.copy(certificate, t.project)
        self.plain = LocalServer({"/file": BODY})
        self.secure = LocalServer({"/file": BODY})
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.secure.server.socket = context.wrap_socket(self.secure.server.socket, server_side=True,
                                                        do_handshake_on_connect=False)
        self.urls = [self.plain.url(), self.secure.url().replace("http:", "https:")]
        self.options = ["--allow-host", f"localhost:{self.plain.port}",
                        "--allow-host", f"localhost:{self.secure.port}"]


def fetches(t, *command, env=None):
    """The command's arguments with a URL in place of URL fetch both sites, inside as outside."""
    site = Site(t)
    require(shutil.which(command[0]), f"no {command[0]}")
    for url in site.urls:
        words = [word.replace("URL", url).replace("CA", str(site.certificate)) for word in command]
        # A variable for the certificate of our own making: a site of the world needs none.
        more = {name: str(site.certificate) for name in (env or [])}
        t.equal(t.succeeded(t.bare(*words, env=more), "control").out, BODY.decode(), "control")
        result = t.sandbox(*words, options=site.options, env=more)
        t.equal(t.succeeded(result, url).out, BODY.decode(), url)
        t.equal([e["details"]["host"] for e in result.of_type("flow.opened")], ["localhost"], url)
        t.equal(result.of_type("flow.denied", "flow.failed"), [], url)


@test
def curl(t):
    """curl fetches over HTTP and TLS"""
    fetches(t, "curl", "-sS", "--cacert", "CA", "URL/file")


@test
def wget(t):
    """wget fetches over HTTP and TLS"""
    fetches(t, "wget", "-q", "--ca-certificate=CA", "-O", "-", "URL/file")


@test
def urllib(t):
    """Python's urllib fetches over HTTP and TLS"""
    program = "import sys, urllib.request as r; sys.stdout.write(r.urlopen(sys.argv[1]).read().decode())"
    fetches(t, PYTHON, "-c", program, "URL/file", env=["SSL_CERT_FILE"])


@test
def node(t):
    """Node's fetch works over HTTP and TLS"""
    program = "fetch(process.argv[1]).then(r => r.text()).then(t => process.stdout.write(t))"
    fetches(t, "node", "-e", program, "URL/file", env=["NODE_EXTRA_CA_CERTS"])


# Not java.net.http: over plain HTTP it asks for an upgrade to HTTP/2, which is refused to all.
JAVA = """
class Fetch {
  public static void main(String[] words) throws Exception {
    new java.net.URL(words[0]).openStream().transferTo(System.out);
    System.out.flush();
  }
}
"""


@test
def java(t):
    """Java fetches over HTTP and TLS"""
    site = Site(t)
    require(shutil.which("java"), "no Java")
    program = t.write("Fetch.java", JAVA)
    store = t.project / "store"
    t.succeeded(t.bare("keytool", "-importcert", "-noprompt", "-file", site.certificate, "-keystore", store,
                       "-storepass", "changeit"))
    for url in site.urls:
        words = ["java", f"-Djavax.net.ssl.trustStore={store}",
                 "-Djavax.net.ssl.trustStorePassword=changeit", program, f"{url}/file"]
        t.equal(t.succeeded(t.bare(*words), "control").out, BODY.decode(), "control")
        result = t.sandbox(*words, options=site.options)
        t.equal(t.succeeded(result, url).out, BODY.decode(), url)
        t.equal(result.of_type("flow.denied", "flow.failed"), [], url)


@test
def git(t):
    """git clones from an https server"""
    site = Site(t)
    made = t.base / "made"
    t.succeeded(t.bare("sh", "-ec", """git init -q "$1" && cd "$1"
        git -c user.name=n -c user.email=e@example.com commit -q --allow-empty -m first
        git update-server-info""", "sh", made))
    for path in (made / ".git").rglob("*"):
        if path.is_file():
            site.secure.answers[f"/r.git/{path.relative_to(made / '.git')}"] = path.read_bytes()
    command = ["git", "-c", f"http.sslCAInfo={site.certificate}", "clone", "-q", f"{site.urls[1]}/r.git", "clone"]
    result = t.sandbox(*command, options=[*site.options, "--profile", t.accepting_profile()])
    t.succeeded(result, "clone")
    t.equal(t.bare("git", "-C", "clone", "log", "--format=%s").out, "first\n")


@test
def posted(t):
    """bodies are sent over one kept-alive connection, with a length and in chunks"""
    program = """
import http.client, sys
connection = http.client.HTTPConnection("localhost", int(sys.argv[1]))
connection.request("POST", "/file", b"x" * 3_000_000)
connection.getresponse().read()
connection.request("POST", "/file", iter([b"a" * 70_000, b"b" * 9]), {"Transfer-Encoding": "chunked"},
                   encode_chunked=True)
connection.getresponse().read()
"""
    site = Site(t)
    t.succeeded(t.sandbox(PYTHON, "-c", program, site.plain.port, options=site.options))
    t.equal([len(body) for body in site.plain.bodies], [3_000_000, 70_009])


@test
def denied_at_once(t):
    """a denied host fails as hosts that are not there do: at once, with the usual words"""
    require(shutil.which("curl"), "no curl")
    options = ["--allow-host", "registry.example.com"]
    for url, words in (("https://evil.example.net/", "Could not resolve host"),
                       ("http://192.0.2.1:81/", "Failed to connect")):
        result = t.sandbox("curl", "-sS", "--max-time", "30", url, options=options)
        t.true(result.code in (6, 7), result)
        t.contains(result.err, words)


@test
def results_of_connect(t):
    """connect(2) gives what it gives without the sandbox, however it is called"""
    program = t.project / "connect_results"
    shutil.copy2(t.compiled("integration/programs/connect_results.c"), program)
    server = LocalServer({})
    with socket.create_server(("127.0.0.1", 0)) as closed:
        other = closed.getsockname()[1]
    expected = t.succeeded(t.bare(program, server.port, other)).out
    result = t.sandbox(program, server.port, other, options=["--allow-host", f"localhost:{server.port}"])
    t.equal(t.succeeded(result).out, expected)
    t.contains(expected, "blocking: connected\n")


@test
def not_paced(t):
    """what goes through the sandbox's loopback is not held back by the host's congestion control (BBR)"""
    program = """
import socket, sys
with socket.create_connection(("localhost", int(sys.argv[1]))) as connection:
    print(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\\0").decode())
"""
    server = LocalServer({})
    result = t.sandbox(PYTHON, "-c", program, server.port, options=["--allow-host", f"localhost:{server.port}"])
    t.equal(t.succeeded(result).out, "reno\n")
