# SPDX-License-Identifier: Apache-2.0
"""What the client checks share: running nvq, variants of the model, a table of results."""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TQDM_DISABLE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import torch
from safetensors import safe_open
from safetensors.torch import save_file

MODEL = Path(__file__).resolve().parents[2] / "examples" / "data"
DTYPES = {"bf16": torch.bfloat16, "f16": torch.float16, "f32": torch.float32}


def run(nvq: Path, *arguments) -> None:
    subprocess.run([str(nvq), *map(str, arguments)], check=True)


def findings(nvq: Path, packed: Path, source: Path, *options) -> list:
    """What `nvq verify` says of a checkpoint and of its source: a list that should be empty."""
    done = subprocess.run([str(nvq), "verify", str(packed), "--source", str(source), "--json", "-", *options], capture_output=True, text=True)
    if done.returncode > 1:
        raise ValueError(done.stderr.strip())
    return [f"{f['rule']} {f['subject']}: {f['seen']}" for f in json.loads(done.stdout)["findings"]]


def decoded(nvq: Path, source: Path, packed: Path, *options, dtype="bf16") -> Path:
    """Quantizes, and decodes again into the directory that is given back."""
    plain = packed.with_name(packed.name + "-decoded")
    run(nvq, "quantize", "--quiet", source, fresh(packed), *options)
    run(nvq, "dequantize", "--quiet", packed, fresh(plain), "--dtype", dtype)
    return plain


def differing(a: dict, b: dict) -> int:
    """How many values differ; names and shapes must be the same."""
    if a.keys() != b.keys():
        raise ValueError(f"tensors differ: {sorted(a.keys() ^ b.keys())[:4]}")
    for k in a:
        if a[k].shape != b[k].shape:
            raise ValueError(f"{k}: {tuple(a[k].shape)} and {tuple(b[k].shape)}")
    return sum(int((a[k].float() != b[k].float()).sum()) for k in a)


def named(model) -> dict:
    return {k: v.detach() for k, v in model.named_parameters()}


def short(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0][:150] if str(error) else ''}"


def fresh(path: Path) -> Path:
    shutil.rmtree(path, ignore_errors=True)
    return path


def read(directory: Path) -> dict:
    """All tensors of a checkpoint, read by the safetensors package."""
    tensors = {}
    for file in sorted(directory.glob("*.safetensors")):
        with safe_open(file, framework="pt") as f:
            for name in f.keys():
                tensors[name] = f.get_tensor(name)
    return tensors


def model_in(dtype: str, work: Path) -> Path:
    """The shared model with its weights stored as `dtype`."""
    if dtype == "bf16":
        return MODEL
    directory = work / f"model-{dtype}"
    if not directory.exists():
        directory.mkdir(parents=True)
        config = json.loads((MODEL / "config.json").read_text())
        config["torch_dtype"] = str(DTYPES[dtype]).removeprefix("torch.")
        (directory / "config.json").write_text(json.dumps(config))
        tensors = {k: v.to(DTYPES[dtype]) for k, v in read(MODEL).items()}
        save_file(tensors, directory / "model.safetensors", {"format": "pt"})
    return directory


def versions(*packages) -> str:
    return ", ".join(f"{p} {importlib.metadata.version(p)}" for p in packages)


class Report:
    """Rows of a table, printed as they come; remembers whether any check failed."""

    def __init__(self, *headings):
        self.widths = [max(len(h), 18 if h in ("model", "dialect") else 24 if h == "written by" else 14) for h in headings]
        self.failed = 0
        self._print(headings)
        self._print(["-" * w for w in self.widths])

    def _print(self, cells):
        print("  ".join(str(c).ljust(w) for c, w in zip(cells, self.widths)).rstrip(), flush=True)

    def row(self, ok: bool, *cells):
        self.failed += not ok
        self._print([*cells, "ok" if ok else "FAILED"])

    def finish(self):
        sys.exit(1 if self.failed else 0)
