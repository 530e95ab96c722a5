# SPDX-License-Identifier: Apache-2.0
"""llama.cpp, the engine, answers from NVFP4 and MXFP4 checkpoints that `nvq quantize` wrote and its converter repacked.

Judged are the logits of a text, against those that llama.cpp and transformers compute from what `nvq dequantize` makes of the same
checkpoint. llama.cpp multiplies 4-bit weights with activations that it rounds to 8 bits in blocks; that is the difference
allowed. In models of some architectures it leaves scales out: there it must be wrong, and `nvq verify --target llama.cpp` have
said so. Needs the Python package llama-cpp-python, whose version is also that of the converter.
"""

import ctypes
import logging
import sys
from pathlib import Path

from common import MODEL, Report, decoded, findings, short, versions

from gguf_files import gguf_of
import llama_cpp
import models
import numpy as np
import torch

CASES = [
    ("compressed-tensors", "nvfp4", ()),
    ("modelopt", "nvfp4", ()),
    ("modelopt", "nvfp4", ("--activation-amax", "10")),
    ("gpt-oss", "mxfp4", ()),
]
# llama.cpp has no scales for the matrices of low-rank attention: "wrong number of tensors".
KEPT = {"deepseek_v3": ("--keep", "*.q_a_proj,*.q_b_proj,*.kv_a_proj_with_mqa,*.kv_b_proj")}
# Its converter does not know how the hub names their experts.
UNREAD = {"mixtral": "Can not map tensor"}
# Of the root of the mean square. Eight bits of activation in each of a few layers; a wrong scale or order is around 1.
# What differs in float32 is llama.cpp's own: its experts of DeepSeek-V3 are not quite those of transformers.
PACKED, PLAIN = 0.05, 0.1


said = []


@llama_cpp.llama_log_callback
def listen(level, text, data):
    said.append(text.decode(errors="replace").strip())


def engine(file: Path, windows: list) -> np.ndarray:
    """The logits at every position of every window, computed by llama.cpp."""
    said.clear()
    model = llama_cpp.llama_model_load_from_file(str(file).encode(), llama_cpp.llama_model_default_params())
    if not model:
        raise ValueError("".join(line.partition("error loading model: ")[2] for line in said) or "llama.cpp does not load it")
    options, length = llama_cpp.llama_context_default_params(), len(windows[0])
    options.n_ctx = options.n_batch = options.n_ubatch = length
    options.type_k = options.type_v = llama_cpp.GGML_TYPE_F32
    options.n_threads = options.n_threads_batch = 2
    vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))
    logits = []
    for window in windows:
        context = llama_cpp.llama_init_from_model(model, options)
        batch = llama_cpp.llama_batch_init(length, 0, 1)
        batch.n_tokens = length
        for i, token in enumerate(window):
            batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.logits[i] = token, i, 1, 1
            batch.seq_id[i][0] = 0
        if llama_cpp.llama_decode(context, batch) != 0:
            raise ValueError("llama.cpp does not compute")
        got = ctypes.cast(llama_cpp.llama_get_logits(context), ctypes.POINTER(ctypes.c_float * (length * vocabulary)))
        logits.append(np.array(got.contents, np.float32).reshape(length, vocabulary))
        llama_cpp.llama_batch_free(batch)
        llama_cpp.llama_free(context)
    llama_cpp.llama_model_free(model)
    return np.stack(logits)


def off(a: np.ndarray, b: np.ndarray) -> float:
    a, b = (x - x.mean(-1, keepdims=True) for x in (a, b))  # a constant added to all logits changes nothing
    return float(np.sqrt(np.square(a - b).mean() / np.square(b).mean()))


def bits(logits: np.ndarray, windows: list) -> float:
    """Bits a byte of the text."""
    log = torch.log_softmax(torch.from_numpy(logits[:, :-1]).double(), -1)
    return float(-log.gather(-1, torch.tensor(windows)[:, 1:, None]).mean() / np.log(2))


def main() -> None:
    nvq, work = Path(sys.argv[1]), Path(sys.argv[2])
    logging.disable(logging.WARNING)
    llama_cpp.llama_log_set(listen, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()
    print(versions("llama-cpp-python", "transformers", "torch"))
    text = list((MODEL / "heldout.txt").read_bytes())
    windows = [text[i : i + 256] for i in range(0, 4096, 256)]
    report = Report("model", "dialect", "format", "off, packed", "off, decoded", "bits a byte", "of decoded", "foreseen", "verdict")
    for name in ("trained", "qwen2", *models.ALL):
        source = MODEL if name == "trained" else models.make(name, work)
        for dialect, format_, options in CASES:
            if (dialect == "gpt-oss") != (name == "gpt_oss"):
                continue
            packed = work / f"llama-cpp-engine-{name}-{dialect}-{format_}{len(options)}"
            case = format_ + (" calibrated" if options else "")
            try:
                plain = decoded(nvq, source, packed, "--dialect", dialect, "--format", format_, *options,
                                *KEPT.get(name, ()), dtype="f32")
                theirs, ours = (engine(gguf_of(d), windows) for d in (packed, plain))
                with torch.no_grad():
                    reference = models.load(plain)(torch.tensor(windows)).logits.numpy()
                packed_off, plain_off = off(theirs, ours), off(ours, reference)
                found = findings(nvq, packed, source, "--target", "llama.cpp")
                foreseen = any(f.startswith("N-target model_type") for f in found)
                report.row(plain_off <= PLAIN and (packed_off <= PACKED) != foreseen and len(found) == foreseen, name, dialect, case,
                           f"{packed_off:.2g}", f"{plain_off:.2g}", f"{bits(theirs, windows):.4f}", f"{bits(reference, windows):.4f}",
                           "wrong" if foreseen else "right")
            except Exception as error:
                known = name in UNREAD and UNREAD[name] in str(error)
                report.row(known, name, dialect, case, "not read", short(error), "", "", "")
    report.finish()


main()
