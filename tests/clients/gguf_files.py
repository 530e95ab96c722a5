# SPDX-License-Identifier: Apache-2.0
"""Checkpoints turned into GGUF by llama.cpp's own converter, which is where the third argument of the program says."""

import sys
from pathlib import Path

import torch

converter = Path(sys.argv[3])
sys.path[:0] = [str(converter), str(converter / "gguf-py")]
import gguf
from conversion import ModelBase, ModelType, get_model_architecture, get_model_class

# llama.cpp takes these apart itself, and needs rows of a multiple of 64.
KEPT = {("deepseek_v3", "nvfp4"): ("--keep", "*.kv_b_proj")}


def no_vocabulary(model) -> None:
    """The models have no tokenizer; tokens are bytes."""
    writer = model.gguf_writer
    writer.add_tokenizer_model("none")
    if not any(key.endswith(".vocab_size") for keys in writer.kv_data for key in keys):
        writer.add_vocab_size(model.hparams["vocab_size"])


def gguf_of(directory: Path) -> Path:
    target = directory.with_suffix(".gguf")
    hparams = ModelBase.load_hparams(directory, False)
    of = get_model_class(get_model_architecture(hparams, ModelType.TEXT))
    with torch.inference_mode():
        model = of(directory, gguf.LlamaFileType.ALL_F32, target)
        model.set_vocab = lambda: no_vocabulary(model)
        model.write()
    return target
