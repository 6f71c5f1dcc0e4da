"""What was measured: samples of contestants, side by side, as medians, spreads and ratios to one of them."""

import json
import os
import platform
import statistics
import subprocess


class Table:
    """One thing that is measured. `base`: whose median is 1.00 x, and round by round."""

    def __init__(self, suite, title, unit, base):
        self.suite, self.title, self.unit, self.base = suite, title, unit, base
        self.samples, self.more = {}, {}

    def add(self, name, value, **more):
        """One sample; `more`: other figures of the same round, by their names (cpu_ms, peak_kib)."""
        self.samples.setdefault(name, []).append(value)
        for key, figure in more.items():
            self.more.setdefault(name, {}).setdefault(key, []).append(figure)

    def ratio(self, name):
        """The median of the rounds' ratios, where both have as many."""
        own, base = self.samples[name], self.samples.get(self.base, [])
        if not base:
            return None
        if len(own) == len(base):
            return statistics.median(one / other for one, other in zip(own, base) if other)
        return statistics.median(own) / statistics.median(base)

    def rows(self):
        for name, taken in self.samples.items():
            ordered = sorted(taken)
            yield {"name": name, "median": statistics.median(ordered), "fastest": ordered[0],
                   "slowest_tenth": ordered[min(len(ordered) - 1, len(ordered) * 9 // 10)], "rounds": len(ordered),
                   "ratio": self.ratio(name),
                   **{key: statistics.median(figures) for key, figures in self.more.get(name, {}).items()}}

    def print(self):
        rows = list(self.rows())
        extra = sorted({key for row in rows for key in row} - {"name", "median", "fastest", "slowest_tenth", "rounds", "ratio"})
        print(f"{self.title}, {self.unit}; x: to {self.base}")
        print(f"  {'':<34}{'median':>11}{'fastest':>11}{'slow 10th':>11}{'x':>7}" + "".join(f"{key:>12}" for key in extra))
        for row in rows:
            ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
            print(f"  {row['name']:<34}{row['median']:>11.2f}{row['fastest']:>11.2f}{row['slowest_tenth']:>11.2f}{ratio:>7}" +
                  "".join(f"{row.get(key, float('nan')):>12.1f}" for key in extra), flush=True)


class Results:
    def __init__(self):
        self.tables, self.left_out = [], []

    def table(self, suite, title, unit, base):
        self.tables.append(Table(suite, title, unit, base))
        return self.tables[-1]

    def leave_out(self, name, why):
        """A peer that is not here, or does not run here: said, not guessed."""
        self.left_out.append({"name": name, "why": why})
        print(f"  left out: {name} ({why})")

    def write(self, path):
        said = {"machine": {"kernel": platform.release(), "processors": os.cpu_count(), "machine": platform.machine(),
                            "user": "root" if os.geteuid() == 0 else "ordinary"},
                "versions": versions(),
                "tables": [{"suite": table.suite, "title": table.title, "unit": table.unit, "base": table.base,
                            "rows": list(table.rows())} for table in self.tables],
                "left_out": self.left_out}
        with open(path, "w", encoding="utf-8") as file:
            json.dump(said, file, indent=1)
            file.write("\n")


def versions():
    found = {}
    for name, words in {"bwrap": ["--version"], "firejail": ["--version"], "podman": ["--version"], "pasta": ["--version"],
                        "slirp4netns": ["--version"], "node": ["--version"], "npm": ["--version"]}.items():
        try:
            said = subprocess.run([name, *words], capture_output=True, text=True, timeout=20).stdout
        except (OSError, subprocess.TimeoutExpired):
            continue
        if said.strip():
            found[name] = said.strip().splitlines()[0]
    return found


def rotated(names, index):
    """Each round begins with another one."""
    names = list(names)
    return names[index % len(names):] + names[:index % len(names)]
