#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the commands of the pages' ```console blocks and compares what they print with what the pages say.

    commands.py NVQ WORK_DIR [--least N] [--update] PAGE...

A command begins with "$ " and goes on in lines that begin with "> "; the commands of a page run one after the other in
a directory of its own, in which docs/, examples/, include/ and tests/ are the repository's. What a page needs but does not show is in a comment, from "<!-- console" to "-->". A line "..." of the page stands for any lines,
"..." within a line for any text. Times, speeds and memory may be any. --update writes what was printed into the pages,
but for outputs with a "..." in them.
"""
import argparse
import difflib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^(?:```|<!-- )console\n(.*?)^(?:```|-->)$", re.M | re.S)
ANY = [(re.compile(p), r) for p, r in [(r"\b[0-9.]+ s\b", "# s"), (r"\b[0-9.]+ GB/s\b", "# GB/s"),
                                       (r"\b[0-9]+ MiB at most\b", "# MiB at most"), (r"\.weight +[0-9.]+$", ".weight #")]]


def commands(block):
    """(command, expected output) of a block."""
    found = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append(([line[2:]], []))
        elif not found:
            sys.exit(f"a block begins with '{line}', which is no command")
        elif line.startswith("> ") and not found[-1][1]:
            found[-1][0].append(line[2:])
        else:
            found[-1][1].append(line)
    return found


def same(expected, printed):
    def plain(line):
        for pattern, replacement in ANY:
            line = pattern.sub(replacement, line)
        return line.rstrip()

    text = "".join(plain(line) + "\n" for line in printed)
    pattern = ""
    for line in expected:
        if line == "...":
            pattern += "(?:.*\n)*?"
        else:
            pattern += ".*".join(re.escape(part) for part in plain(line).split("...")) + "\n"
    return re.fullmatch(pattern, text) is not None


def check(page, work, environment, update):
    text = page.read_text()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    for folder in ("docs", "examples", "include", "tests"):
        (work / folder).symlink_to(ROOT / folder)
    count, wrong, out, last = 0, 0, [], 0
    for block in BLOCK.finditer(text):
        new = []
        for command, expected in commands(block.group(1)):
            ran = subprocess.run(["bash", "-c", "\n".join(command)], cwd=work, env=environment, text=True,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
            printed = ran.stdout.replace(str(work), "/home/me").splitlines()
            count += 1
            new += ["$ " + command[0]] + ["> " + line for line in command[1:]]
            agrees = same(expected, printed)
            new += expected if agrees or not update or any("..." in line for line in expected) else printed
            if not agrees and not update:
                wrong += 1
                print(f"{page}: $ " + "\n> ".join(command))
                print("\n".join(difflib.unified_diff(expected, printed, "the page", "printed", lineterm="", n=1)))
        out += [text[last : block.start(1)], "\n".join(new) + "\n"]
        last = block.end(1)
    if update:
        page.write_text("".join(out) + text[last:])
    return count, wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("nvq", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("pages", type=Path, nargs="+")
    parser.add_argument("--least", type=int, default=1)
    parser.add_argument("--update", action="store_true")
    a = parser.parse_args()
    environment = {**os.environ, "PATH": f"{a.nvq.resolve().parent}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
    environment.pop("PYTHONPATH", None)
    results = [check(p.resolve(), a.work.resolve() / p.stem, environment, a.update) for p in a.pages]
    count, wrong = (sum(r[i] for r in results) for i in (0, 1))
    print(f"{count} commands in {len(results)} pages, {wrong} print something else")
    sys.exit(wrong != 0 or count < a.least)


if __name__ == "__main__":
    main()
