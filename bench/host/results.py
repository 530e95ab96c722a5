# SPDX-License-Identifier: Apache-2.0
"""What nvq_bench wrote with --benchmark_out: medians, by the fields of a case's name (see case.hpp)."""
import json
import re
from collections import namedtuple

Case = namedtuple("Case", "what format values recipe")
Time = namedtuple("Time", "seconds bytes count gigahertz")

SCALE = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}


class Results:
    """times[case][place, threads]; `context` is Google Benchmark's, with our processor, compiler and isa."""

    def __init__(self, path):
        with open(path) as f:
            content = json.load(f)
        self.context = content["context"]
        self.times = {}
        # Interleaved runs come in any order.
        for run in sorted(content["benchmarks"], key=lambda run: run["family_index"]):
            if run.get("aggregate_name", "median") != "median":
                continue
            *case, place, threads = run["run_name"].removesuffix("/real_time").split("/")
            kind = "real_time" if int(threads) > 1 else "cpu_time"
            seconds = run[kind] * SCALE[run["time_unit"]]
            moved = run["read"] + run["written"]
            self.times.setdefault(Case(*case), {})[place, int(threads)] = Time(
                seconds, moved, run["values"], run["gigahertz"])

    def threads(self):
        return sorted({threads for times in self.times.values() for place, threads in times if place == "memory"})

    def cases(self):
        """The cases that are not of the memory itself."""
        return [case for case in self.times if case.what not in ("memcpy", "read", "write")]

    def rate(self, case, place, threads):
        """Bytes a second, read and written, each counted once; None where it was not measured."""
        time = self.times.get(case, {}).get((place, threads))
        return time and time.bytes / time.seconds

    def limit(self, what, place, threads):
        """Of memcpy, read or write: the fastest that was measured."""
        rates = [self.rate(case, place, threads) for case in self.times if case.what == what]
        return max((rate for rate in rates if rate), default=None)

    def cycles(self, case):
        """Clock cycles a value, in cache; None where there is no clock."""
        time = self.times[case].get(("cache", 1))
        return time and time.gigahertz * 1e9 * time.seconds / time.count or None

    def title(self):
        c = self.context
        return (f"{c['processor']}, {c['num_cpus']} cores, {c['isa']}, {c['compiler']}, {c['date'][:10]}, "
                f"load {c['load_avg'][0]:.1f}")


def record(page, name, text):
    """Puts text between <!-- NAME:begin ... --> and <!-- NAME:end --> of a Markdown page."""
    with open(page) as f:
        old = f.read()
    pattern = re.compile(rf"(<!-- {name}:begin.*?-->\n).*?(<!-- {name}:end -->)", re.DOTALL)
    if not pattern.search(old):
        raise SystemExit(f"{page} has no place for {name}")
    with open(page, "w") as f:
        f.write(pattern.sub(lambda found: found[1] + text + found[2], old))
