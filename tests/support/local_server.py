"""Small HTTP servers on 127.0.0.1 for the tests: they answer from a table and remember the requests."""

import http.server
import threading


class LocalServer:
    """Serves `answers` (path → (content type, bytes), or bytes) on a free port of 127.0.0.1."""

    def __init__(self, answers):
        self.answers = answers
        self.requests = []
        self.bodies = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.requests.append(self.path)
                found = outer.answers.get(self.path.split("?")[0])
                kind, body = found if isinstance(found, tuple) else ("text/plain", found)
                self.send_response(200 if body is not None else 404)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def do_POST(self):
                outer.bodies.append(self.read_body())
                self.do_GET()

            def read_body(self):
                if self.headers.get("Transfer-Encoding") != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            do_PUT = do_POST

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def url(self, host="localhost"):
        return f"http://{host}:{self.port}"
