#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The results of nvq_bench as Markdown: bench/host/table.py RESULTS.json [PAGE.md, which gets them, too]"""
import sys

from results import Results, record


def number(x, digits):
    return "" if x is None else f"{x:.{digits}f}"


def ratio(a, b):
    return None if a is None or b is None else a / b


def limits(results):
    yield ["threads", "memcpy", "read", "write"]
    for place, threads in [("cache", 1)] + [("memory", t) for t in results.threads()]:
        rates = (results.limit(what, place, threads) for what in ("memcpy", "read", "write"))
        yield [f"{threads}, in {place}"] + [number(r and r / 1e9, 1) for r in rates]


def codecs(results):
    threads = results.threads()
    head = ["", "format", "values", "recipe", "cycles a value, in cache"]
    for t in threads:
        head += [f"GB/s, {t} thread{'s' * (t > 1)}", "x memcpy", "x read", "x write"]
    yield head
    for case in results.cases():
        row = [case.what, case.format, case.values, case.recipe, number(results.cycles(case), 2)]
        for t in threads:
            rate = results.rate(case, "memory", t)
            row.append(number(rate and rate / 1e9, 1))
            row += [number(ratio(rate, results.limit(what, "memory", t)), 2) for what in ("memcpy", "read", "write")]
        yield ["" if cell == "-" else cell for cell in row]


def markdown(rows, left):
    """Aligned for terminals; the first `left` columns hold words."""
    rows = list(rows)
    width = [max(3, *(len(row[i]) for row in rows)) for i in range(len(rows[0]))]
    lines = [[cell.ljust(w) if i < left else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, width))]
             for row in rows]
    lines.insert(1, ["-" * w if i < left else "-" * (w - 1) + ":" for i, w in enumerate(width)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main():
    results = Results(sys.argv[1])
    busy = results.context["load_avg"][0] > 0.5
    warning = "Other programs were running: the figures of several threads are too low.\n\n" if busy else ""
    text = f"""{results.title()}

{warning}Memory, GB/s; the bytes of memcpy are counted twice, read and written:

{markdown(limits(results), 1)}

{markdown(codecs(results), 4)}
"""
    print(text, end="")
    for page in sys.argv[2:]:
        record(page, "bench", text)


if __name__ == "__main__":
    main()
