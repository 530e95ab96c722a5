#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every command of the application has a page "# nvq COMMAND", whose tables of options are those of its --help.

    options.py NVQ DOCS_DIR

An option is documented where it stands in the first cell of a row of a table.
"""
import re
import subprocess
import sys
from pathlib import Path

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def help_of(nvq, *command):
    return subprocess.run([nvq, *command, "--help"], check=True, text=True, stdout=subprocess.PIPE).stdout


def main(nvq, docs):
    listed = help_of(nvq).split("Subcommands:\n")[1]
    commands = re.findall(r"^  ([a-z-]+) ", listed, re.M)
    pages = {}
    for page in sorted(Path(docs).glob("*.md")):
        title = re.match(r"# nvq ([a-z-]+)\n", page.read_text())
        if title:
            pages[title[1]] = page
    wrong = [f"{pages[c]}: there is no such command" for c in pages if c not in commands]
    options = 0
    for command in commands:
        if command not in pages:
            wrong.append(f"nvq {command}: there is no page that begins with '# nvq {command}'")
            continue
        has = set(re.findall(r"^  (?:-\w,)?(--[a-z-]+)", help_of(nvq, command), re.M)) - {"--help"}
        cells = re.findall(r"^\| (`[^|]*)\|", pages[command].read_text(), re.M)
        told = {option for cell in cells for option in OPTION.findall(cell)}
        wrong += [f"{pages[command]}: {o} is in no table of options" for o in sorted(has - told)]
        wrong += [f"{pages[command]}: nvq {command} has no {o}" for o in sorted(told - has)]
        options += len(has)
    print("\n".join(wrong) if wrong else f"{len(commands)} commands, {options} options")
    sys.exit(bool(wrong) or len(commands) < 8 or options < 40)


if __name__ == "__main__":
    main(*sys.argv[1:])
