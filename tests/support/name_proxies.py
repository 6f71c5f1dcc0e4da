"""Proxies on 127.0.0.1 that lead every name to one server of the test's, and remember what was asked."""

import contextlib
import select
import socket
import ssl
import threading


def read_exactly(connection, count):
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise OSError("closed")
        data += more
    return data


def relay(one, other):
    def copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    back = threading.Thread(target=copy, args=(other, one), daemon=True)
    back.start()
    copy(one, other)
    back.join()


class NameProxy:
    """`asked` holds a string for each connection: "CONNECT host:port" or "SOCKS host:port", and the
    credentials that came with it."""

    def __init__(self, target_port):
        self.target_port = target_port
        self.asked = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.serve_quietly, args=(connection,), daemon=True).start()

    def serve_quietly(self, connection):
        with connection:
            try:
                self.serve(connection)
            except OSError:
                pass

    def go_on(self, connection):
        with socket.create_connection(("127.0.0.1", self.target_port)) as server:
            relay(connection, server)


class ConnectProxy(NameProxy):
    def serve(self, connection):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += read_exactly(connection, 1)
        lines = head.decode().split("\r\n")
        given = [line.split(": ", 1)[1] for line in lines if line.startswith("Proxy-Authorization: ")]
        self.asked.append((" ".join(lines[0].split(" ")[:2]), given[0] if given else None))
        # In pieces: an answer need not come at once.
        connection.sendall(b"HTTP/1.1 200 Conn")
        connection.sendall(b"ection established\r\nServer: test\r\n\r\n")
        self.go_on(connection)


class SocksProxy(NameProxy):
    def serve(self, connection):
        _, count = read_exactly(connection, 2)
        methods = read_exactly(connection, count)
        given = None
        if 2 in methods:
            connection.sendall(b"\x05\x02")
            _, length = read_exactly(connection, 2)
            user = read_exactly(connection, length)
            given = (user + b":" + read_exactly(connection, read_exactly(connection, 1)[0])).decode()
            connection.sendall(b"\x01\x00")
        else:
            connection.sendall(b"\x05\x00")
        _, _, _, kind, length = read_exactly(connection, 5)
        assert kind == 3, "a name, not an address"
        name = read_exactly(connection, length).decode()
        port = int.from_bytes(read_exactly(connection, 2), "big")
        self.asked.append((f"SOCKS {name}:{port}", given))
        connection.sendall(b"\x05\x00\x00")
        connection.sendall(b"\x01\x00\x00\x00\x00\x00\x00")
        self.go_on(connection)


class TlsFront(NameProxy):
    """Speaks TLS with who connects, and passes everything on to `target_port`, the end of either
    direction too. One thread for each connection: OpenSSL's are not for two at once."""

    def __init__(self, target_port, certificate, key, version=ssl.TLSVersion.TLSv1_3):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.context.minimum_version = self.context.maximum_version = version
        super().__init__(target_port)

    def serve(self, connection):
        with self.context.wrap_socket(connection, server_side=True) as front, \
                socket.create_connection(("127.0.0.1", self.target_port)) as back:
            sources = {front: back, back: front}
            while sources:
                for source in [front] if front.pending() else select.select(list(sources), [], [])[0]:
                    if not self.pass_on(source, sources[source]):
                        self.end(sources.pop(source))

    @staticmethod
    def pass_on(source, sink):
        """False: that was all."""
        source.setblocking(False)
        try:
            data = source.recv(65536)
        except (ssl.SSLWantReadError, BlockingIOError):
            return True
        sink.setblocking(True)
        sink.sendall(data)
        return bool(data)

    @staticmethod
    def end(sink):
        if not isinstance(sink, ssl.SSLSocket):
            sink.shutdown(socket.SHUT_WR)
            return
        sink.setblocking(False)
        with contextlib.suppress(ssl.SSLWantReadError):
            sink.unwrap()
