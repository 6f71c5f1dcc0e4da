"""Very many connections at once, of clients and servers that behave and that do not.

    many_flows.py serve           prints its port, and serves until its input ends
    many_flows.py ask PORT EACH   opens EACH of every kind; says `held` when they stand, goes on for a line;
                                  then asks as often once more, and prints what came of each kind as JSON
"""

import asyncio
import collections
import json
import socket
import struct
import sys

BODY = b"b" * 65536
KINDS = ("plain", "silent", "stalled", "reset", "cut", "flooded")


def reset(writer):
    """Closed as by a process that is gone: not an end, but an error."""
    handle = writer.get_extra_info("socket")
    handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def answer(reader, writer):
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        kind = head.split(b" ")[1].decode().strip("/")
        if kind == "plain":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(BODY) + BODY)
            await writer.drain()
            writer.close()
        elif kind == "reset":
            reset(writer)
        elif kind == "stalled":
            await reader.read()  # until the client has had enough
            writer.close()
        else:
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                writer.write(BODY)
                await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        writer.close()


async def serve():
    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def ask_one(kind, port, go):
    """What came of it, in a word."""
    try:
        reader, writer = await asyncio.open_connection("localhost", port, limit=4096)
        if kind != "silent":
            writer.write(f"GET /{kind} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
        if kind in ("plain", "reset"):
            text = await reader.read(-1)
            writer.close()
            return "whole" if text.endswith(BODY) and text.startswith(b"HTTP/1.1 200") else f"{len(text)} bytes"
        if kind == "cut":
            await reader.readexactly(2 * len(BODY))
            reset(writer)
            return "cut"
        await go.wait()  # a client that reads nothing, or says nothing
        writer.transport.abort()
        return "held"
    except OSError as error:
        return type(error).__name__


async def wave(port, each):
    go = asyncio.Event()
    asked = {kind: [asyncio.ensure_future(ask_one(kind, port, go)) for _ in range(each)] for kind in KINDS}
    await asyncio.gather(*asked["plain"], *asked["reset"], *asked["cut"])
    print("held", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    go.set()
    return {kind: dict(collections.Counter(await asyncio.gather(*futures))) for kind, futures in asked.items()}


async def ask(port, each):
    print(json.dumps([await wave(port, each), await wave(port, each)]), flush=True)


asyncio.run(serve() if sys.argv[1] == "serve" else ask(int(sys.argv[2]), int(sys.argv[3])))
