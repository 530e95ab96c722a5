#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the results of nvq_bench: bench/host/plot.py RESULTS.json OUT.svg

A bar for every format: the bytes a second that encoding and decoding bfloat16 move on one thread, in memory, beside
lines for what that memory can do.
"""
import sys
from html import escape

from results import Results

STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 16px; font-weight: 600 }
  .small { font-size: 12px; fill: #59636e }
  .number { font-size: 12px }
  .background { fill: #ffffff }
  .encode { fill: #2f6fb5 }
  .decode { fill: #d9822b }
  .amax { fill: #4c9a6a }
  .line { stroke: #59636e; stroke-width: 1.5; stroke-dasharray: 5 4 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .small { fill: #9da7b1 }
    .background { fill: #0d1117 }
    .encode { fill: #6ca6e8 }
    .decode { fill: #f0a552 }
    .amax { fill: #7cc79a }
    .line { stroke: #9da7b1 }
  }
"""
WIDTH, LEFT, RIGHT, TOP, BAR = 860, 215, 60, 112, 18


def bars(results):
    """(label, class, bytes a second) by format, in the order of the cases."""
    formats = {}
    for case in results.cases():
        rate = results.rate(case, "memory", 1)
        if case.values == "bf16" and rate and case.what in ("amax", "encode", "decode"):
            formats.setdefault(case.format, []).append((case.what, rate))
    return formats


def draw(results):
    formats = bars(results)
    lines = [(name, results.limit(what, "memory", 1)) for what, name in
             (("read", "pure read"), ("write", "pure write"), ("memcpy", "memcpy"))]
    lines = sorted(((rate, name) for name, rate in lines if rate), reverse=True)
    most = max([rate for rate, _ in lines] + [rate for group in formats.values() for _, rate in group])
    height = TOP + sum(len(group) * BAR + 12 for group in formats.values()) + 46
    scale = (WIDTH - LEFT - RIGHT) / most
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="Speed of nvq beside the speed of memory"><style>{STYLE}</style>',
        f'<rect class="background" width="{WIDTH}" height="{height}"/>',
        '<text class="title" x="16" y="28">nvq on one core: bytes read and written a second; longer is faster</text>',
        f'<text class="small" x="16" y="48">{escape(results.title())}</text>',
        '<text class="small" x="16" y="66">bfloat16 tensors of 64 Mi values, in memory; '
        'dashed: what the same core reaches doing nothing else</text>',
    ]
    y = TOP
    for name, group in formats.items():
        middle = y + len(group) * BAR / 2 + 5
        out.append(f'<text x="{LEFT - 66}" y="{middle:.0f}" text-anchor="end">'
                   f'{escape("" if name == "-" else name)}</text>')
        for what, rate in group:
            out.append(f'<text class="small" x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{what}</text>')
            out.append(f'<rect class="{what}" x="{LEFT}" y="{y + 2}" width="{rate * scale:.1f}" height="{BAR - 4}"/>')
            out.append(f'<text class="number" x="{LEFT + rate * scale + 5:.1f}" y="{y + 13}">{rate / 1e9:.1f}</text>')
            y += BAR
        y += 12
    for i, (rate, name) in enumerate(lines):
        x, label_y = LEFT + rate * scale, TOP - 8 - 13 * (i % 3)
        out.append(f'<line class="line" x1="{x:.1f}" x2="{x:.1f}" y1="{label_y + 4}" y2="{y}"/>')
        out.append(f'<text class="small" x="{x:.1f}" y="{label_y}" text-anchor="middle">{name} {rate / 1e9:.0f}</text>')
    out.append(f'<text class="small" x="{LEFT}" y="{y + 22}">GB/s</text></svg>')
    return "\n".join(out) + "\n"


def main():
    with open(sys.argv[2], "w") as f:
        f.write(draw(Results(sys.argv[1])))


if __name__ == "__main__":
    main()
