#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tensors of a checkpoint, or the bytes of one.

    tensor.py DIR                  name, type and shape of each tensor
    tensor.py DIR GLOB             of those that match
    tensor.py DIR NAME FROM COUNT  that many bytes of one, and what they are as numbers of its type
    tensor.py DIR NAME FROM =HEX   other bytes instead, to see what becomes of it
    tensor.py DIR GLOB differs B   how many bytes of the tensors that match are others in the checkpoint B

The end of a name will do where no other tensor's ends so.
"""
import fnmatch
import json
import math
import re
import struct
import sys
from pathlib import Path


def e4m3(byte):
    exponent, fraction = byte >> 3 & 15, byte & 7
    if exponent == 15 and fraction == 7:
        return float("nan")
    value = (8 + fraction) * 2.0 ** (exponent - 10) if exponent else fraction * 2.0**-9
    return -value if byte & 128 else value


READ = {
    "F8_E4M3": (1, lambda b: f"{e4m3(b[0]):g}"),
    "F16": (2, lambda b: f"{struct.unpack('<e', b)[0]:.7g}"),
    "BF16": (2, lambda b: f"{struct.unpack('<f', bytes(2) + b)[0]:.7g}"),
    "F32": (4, lambda b: f"{struct.unpack('<f', b)[0]:.9g}"),
    "I32": (4, lambda b: f"0x{struct.unpack('<I', b)[0]:08X}"),
    "I64": (8, lambda b: f"{struct.unpack('<q', b)[0]}"),
}


def tensors(directory):
    for path in sorted(directory.glob("*.safetensors")):
        with open(path, "rb") as file:
            length = struct.unpack("<Q", file.read(8))[0]
            header = json.loads(file.read(length))
        for name, entry in header.items():
            if name != "__metadata__":
                yield name, entry["dtype"], entry["shape"], path, 8 + length + entry["data_offsets"][0]


def show(dtype, path, begin, first, count):
    with open(path, "rb") as file:
        file.seek(begin + first)
        data = file.read(count)
    for at in range(0, len(data), 16):
        print(f"{first + at:04x}  " + data[at : at + 16].hex(" "))
    if dtype in READ:
        width, text = READ[dtype]
        print(f"{dtype:>4}  " + " ".join(text(data[i : i + width]) for i in range(0, len(data), width)))
    elif dtype == "U8" and data.isascii() and data.decode().isprintable():
        print(f"text  {data.decode()}")


def payload(path, begin, dtype, shape):
    count = math.prod(shape) * (1 if dtype[-1] == "8" or "F8" in dtype else int(re.sub(r"\D", "", dtype)) // 8)
    with open(path, "rb") as file:
        file.seek(begin)
        return file.read(count)


def differs(a, b, glob):
    count = total = 0
    for (name, dtype, shape, path, begin), other in zip(a, b):
        if not fnmatch.fnmatchcase(name, glob):
            continue
        if (name, dtype, shape) != other[:3]:
            sys.exit(f"{name} is not in both, or of another type or shape")
        x, y = payload(path, begin, dtype, shape), payload(*other[3:], dtype, shape)
        total += len(x)
        count += sum(p != q for p, q in zip(x, y))
    print(f"{count} of {total} bytes")


def main(arguments):
    found = sorted(tensors(Path(arguments[0])))
    if len(arguments) == 4 and arguments[2] == "differs":
        differs(found, sorted(tensors(Path(arguments[3]))), arguments[1])
    elif len(arguments) == 4:
        matching = [t for t in found if t[0].endswith(arguments[1])]
        if len(matching) != 1:
            sys.exit(f"{arguments[0]}: {len(matching)} tensors have a name that ends in {arguments[1]}")
        _, dtype, _, path, begin = matching[0]
        if arguments[3].startswith("="):
            with open(path, "r+b") as file:
                file.seek(begin + int(arguments[2]))
                file.write(bytes.fromhex(arguments[3][1:]))
        else:
            show(dtype, path, begin, int(arguments[2]), int(arguments[3]))
    else:
        for name, dtype, shape, _, _ in found:
            if len(arguments) < 2 or fnmatch.fnmatchcase(name, arguments[1]):
                print(f"{dtype:8} {str(shape):14} {name}")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3, 5):
        sys.exit(__doc__)
    main(sys.argv[1:])
