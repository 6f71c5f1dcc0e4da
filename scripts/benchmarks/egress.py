"""A client's way to a server on loopback, through sandbox-run's broker and through
what others have for it; one run, interleaved rounds, ratios to the direct way."""

import contextlib
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent / "tests/support/net_load.c"
LIMIT, QUICK_LIMIT = 60, 8  # seconds of one measurement; a way that does not work may hang
TICKS = os.sysconf("SC_CLK_TCK")

# A proxy as package managers' sandboxes have it: CONNECT, then bytes through Node's event loop.
PROXY = """
const net = require('net'), http = require('http');
const server = http.createServer();
server.on('connect', (request, client, head) => {
  const [host, port] = request.url.split(':');
  const upstream = net.connect(port, '127.0.0.1', () => {
    client.write('HTTP/1.1 200 OK\\r\\n\\r\\n');
    upstream.setNoDelay(true); client.setNoDelay(true);
    upstream.write(head); upstream.pipe(client); client.pipe(upstream);
  });
  for (const socket of [client, upstream]) socket.on('error', () => { client.destroy(); upstream.destroy(); });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
"""


def cpu_of(pids):
    """Seconds of CPU that these processes have used."""
    total = 0
    for pid in pids:
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def pids_named(name):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if (entry / "comm").read_text().strip().startswith(name):
                found.append(int(entry.name))
    return found


class Way:
    """How a client gets out: a command to put before it, and its options."""

    limit = LIMIT

    def __init__(self, name, prefix, options=(), relay=None, port=None):
        self.name, self.prefix, self.options, self.port = name, prefix, list(options), port
        self.relay = relay  # the pids that carry the bytes, of the Popen of the command

    def run(self, load, port, arguments):
        """The client's numbers, and the relay's seconds of CPU."""
        command = [*self.prefix, load, *self.options, *arguments, str(self.port or port)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   stdin=subprocess.DEVNULL, text=True, start_new_session=True)
        used, deadline = 0.0, time.monotonic() + self.limit
        # The client writes its connections' numbers when all is done: its relay is still there then.
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.02)
            if self.relay:
                used = max(used, cpu_of(self.relay(process.pid)))
            if time.monotonic() > deadline:
                os.killpg(process.pid, signal.SIGKILL)
                break
        try:
            line, errors = process.communicate(timeout=QUICK_LIMIT)
        except subprocess.TimeoutExpired:  # what it left behind holds the pipe
            raise RuntimeError(f"{self.name}: no answer in {self.limit} s") from None
        if process.returncode != 0:
            raise RuntimeError(f"{self.name}: exit code {process.returncode}: {errors[-500:]}")
        return [float(word) for word in line.split()], used


def pasta_ways(port):
    """Of the namespace's loopback by splice, and by its tap device."""
    base = ["pasta", "-q"]
    relay = lambda _: pids_named("pasta")  # noqa: E731
    yield Way("pasta, splice", [*base, "-T", str(port), "--"], relay=relay)
    gateway = subprocess.run(["ip", "-4", "route", "show", "default"], capture_output=True, text=True).stdout.split()
    if "via" in gateway:
        address = gateway[gateway.index("via") + 1]
        yield Way("pasta, tap", [*base, "--config-net", "--"], ["-a", address], relay)


@contextlib.contextmanager
def slirp_way():
    """In a namespace of its own, held open by `cat`."""
    holder = subprocess.Popen(["unshare", "-n" if os.geteuid() == 0 else "-rn", "cat"], stdin=subprocess.PIPE)
    ready, told = os.pipe()
    try:
        wait_for_namespace(holder.pid)
        slirp = subprocess.Popen(
            ["slirp4netns", "--configure", "--mtu=65520", "-r", str(told), str(holder.pid), "tap0"],
            pass_fds=[told], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(told)
        if os.read(ready, 1) != b"1":
            raise RuntimeError("slirp4netns did not start")
        enter = ["nsenter", "-t", str(holder.pid), "-n"] + ([] if os.geteuid() == 0 else ["-U", "--preserve-credentials"])
        yield Way("slirp4netns, mtu 65520", enter, ["-a", "10.0.2.2"], lambda _: [slirp.pid])
        slirp.terminate()
        slirp.wait()
    finally:
        os.close(ready)
        holder.stdin.close()
        holder.wait()


def wait_for_namespace(pid):
    ours = os.readlink("/proc/self/ns/net")
    while os.readlink(f"/proc/{pid}/ns/net") == ours:
        pass


@contextlib.contextmanager
def proxy_way(port):
    proxy = subprocess.Popen(["node", "-e", PROXY], stdout=subprocess.PIPE, text=True)
    try:
        own_port = proxy.stdout.readline().strip()
        yield Way("Node CONNECT proxy, no sandbox", [], ["-p", str(port)], lambda _: [proxy.pid], own_port)
    finally:
        proxy.terminate()
        proxy.wait()


@contextlib.contextmanager
def all_ways(binary, port):
    with contextlib.ExitStack() as stack:
        ours = [binary, "-q", "--allow-host", f"localhost:{port}", "--"]
        ways = [Way("direct", []), Way("sandbox-run", ours, relay=lambda pid: [pid])]
        if shutil.which("pasta") and os.geteuid() != 0:  # as root it gives up its right to set a namespace up
            ways += pasta_ways(port)
        if shutil.which("slirp4netns"):
            try:
                ways.append(stack.enter_context(slirp_way()))
            except RuntimeError as problem:
                print(f"  left out: {problem} (is /dev/net/tun open to this user?)")
        if shutil.which("node"):
            ways.append(stack.enter_context(proxy_way(port)))
        yield ways


def usable(ways, load, port):
    found = []
    for way in ways:
        try:
            way.run(load, port, ["-n", "1", "-m", "0"])
            found.append(way)
        except (RuntimeError, OSError) as problem:
            print(f"  left out: {str(problem).strip()}")
    return found


def measure_once(way, load, port, connections, mib):
    plain, _ = way.run(load, port, ["-n", str(connections), "-m", "0"])
    tls, _ = way.run(load, port, ["-t", "-n", str(connections), "-m", "0"])
    (down, up), used = way.run(load, port, ["-n", "0", "-m", str(mib)])
    return {"us": plain[0], "tls_us": tls[0], "rate": plain[2], "down": down / 1e9, "up": up / 1e9,
            "cpu": used / (2 * mib * 1048576 / 1e9)}


def measure(ways, load, port, rounds, connections, mib):
    """By name, by round; a peer that fails in a round (pasta of 2023 may hang or reset under load) has
    no numbers of that round, and says so."""
    results = {way.name: {} for way in ways}
    for index in range(rounds):
        for way in ways[index % len(ways):] + ways[: index % len(ways)]:
            try:
                results[way.name][index] = measure_once(way, load, port, connections, mib)
            except RuntimeError as problem:
                if way.name in ("direct", "sandbox-run"):
                    raise
                print(f"  round {index + 1}: {str(problem).strip()}")
    return {name: rounds for name, rounds in results.items() if rounds}


def print_table(results):
    direct = results["direct"]
    print(f"  {'':<32}{'HTTP us':>9}{'TLS us':>9}{'conn/s':>9}{'down GB/s':>11}{'x':>6}{'up GB/s':>9}{'x':>6}{'CPU s/GB':>10}")
    for name, rounds in results.items():
        middle = {key: statistics.median(one[key] for one in rounds.values()) for key in next(iter(rounds.values()))}
        down = statistics.median(one["down"] / direct[index]["down"] for index, one in rounds.items())
        up = statistics.median(one["up"] / direct[index]["up"] for index, one in rounds.items())
        print(f"  {name:<32}{middle['us']:>9.1f}{middle['tls_us']:>9.1f}{middle['rate']:>9.0f}"
              f"{middle['down']:>11.2f}{down:>6.2f}{middle['up']:>9.2f}{up:>6.2f}{middle['cpu']:>10.3f}")


def add_to(results, found):
    for key, title, unit in (("us", "connect and first byte, HTTP", "us"), ("tls_us", "connect and first byte, TLS", "us"),
                             ("down", "bulk down", "GB/s"), ("up", "bulk up", "GB/s"), ("cpu", "processor time of the relay", "s/GB")):
        table = results.table("egress", title, unit, "direct" if key != "cpu" else "sandbox-run")
        for name, rounds in found.items():
            for one in rounds.values():
                table.add(name, one[key])


def run(results, binary, rounds, options):
    connections, mib = (50, 16) if options.quick else (1000, 1024)
    Way.limit = QUICK_LIMIT if options.quick else LIMIT
    # Below no home, which is no project.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        load = os.path.join(directory, "net_load")
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", load, SOURCE], check=True)
        os.chdir(directory)
        server = subprocess.Popen([load, "serve"], stdout=subprocess.PIPE, text=True)
        try:
            port = int(server.stdout.readline())
            print(f"a client's way to a server on loopback, {rounds} interleaved rounds: medians; x: to direct\n"
                  f"us: connect, first bytes, first byte back ({connections} connections); {mib} MiB each way;\n"
                  "CPU of the process that relays. sandbox-run looks at the name, the others do not.")
            with all_ways(binary, port) as ways:
                found = measure(usable(ways, load, port), load, port, rounds, connections, mib)
                print_table(found)
                add_to(results, found)
        finally:
            server.terminate()
            server.wait()
