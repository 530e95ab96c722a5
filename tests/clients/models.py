# SPDX-License-Identifier: Apache-2.0
"""Tiny models of the architectures that people quantize, written by transformers itself: two layers, random weights.

DeepSeek-V3 has shapes that are no multiples of 128 (its low-rank keys and values), so partial tiles occur. Qwen3-MoE is
written twice: with an expert per module, as on the hub, and stacked, as transformers 5 holds it (`qwen3_moe_stacked`).
"""

import json
from pathlib import Path

from common import MODEL, fresh

import torch
import transformers
from tokenizers import Tokenizer, models as vocabularies

COMMON = dict(vocab_size=256, hidden_size=256, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=256,
              tie_word_embeddings=False, bos_token_id=0, eos_token_id=1)
EXPERTS = dict(num_experts_per_tok=2, num_key_value_heads=2)
MODELS = {
    "llama": ("LlamaForCausalLM", "LlamaConfig", dict(intermediate_size=512, num_key_value_heads=2)),
    "qwen2": ("Qwen2ForCausalLM", "Qwen2Config", dict(intermediate_size=512, num_key_value_heads=2)),  # not in ALL
    "qwen3": ("Qwen3ForCausalLM", "Qwen3Config", dict(intermediate_size=512, num_key_value_heads=2, head_dim=64)),
    "qwen3_moe": ("Qwen3MoeForCausalLM", "Qwen3MoeConfig",
                  dict(EXPERTS, intermediate_size=512, moe_intermediate_size=128, num_experts=4, head_dim=64, norm_topk_prob=True)),
    "mixtral": ("MixtralForCausalLM", "MixtralConfig", dict(EXPERTS, intermediate_size=384, num_local_experts=4)),
    "deepseek_v3": ("DeepseekV3ForCausalLM", "DeepseekV3Config",
                    dict(num_experts_per_tok=2, num_key_value_heads=4, intermediate_size=512, moe_intermediate_size=128,
                         n_routed_experts=4, n_shared_experts=1, n_group=2, topk_group=1, first_k_dense_replace=1,
                         q_lora_rank=128, kv_lora_rank=96, qk_rope_head_dim=32, qk_nope_head_dim=64, v_head_dim=64,
                         num_nextn_predict_layers=0)),
    "gpt_oss": ("GptOssForCausalLM", "GptOssConfig",
                dict(EXPERTS, intermediate_size=192, num_local_experts=4, head_dim=64, sliding_window=32,
                     max_position_embeddings=4096)),
}
STACKED = "qwen3_moe_stacked"
ALL = ("llama", "qwen3", "qwen3_moe", STACKED, "mixtral", "deepseek_v3", "gpt_oss")
WINDOW = torch.tensor([list((MODEL / "heldout.txt").read_bytes()[:128])])


def build(name: str):
    """The model in BF16, the same every time."""
    of, config_of, options = MODELS[name.removesuffix("_stacked")]
    torch.manual_seed(0)
    model = getattr(transformers, of)(getattr(transformers, config_of)(**{**COMMON, **options}))
    model.config.architectures = [of]
    # Biases and gains that differ from 0 and 1, so that losing one shows.
    with torch.no_grad():
        for p in model.parameters():
            if p.dim() == 1:
                p.add_(torch.randn(p.shape) * 0.02)
    return model.to(torch.bfloat16).eval()


def make(name: str, work: Path) -> Path:
    directory = work / "models" / name
    if not (directory / "config.json").exists():
        build(name).save_pretrained(fresh(directory), save_original_format=name != STACKED)
        config = json.loads((directory / "config.json").read_text())
        config["dtype"] = "bfloat16"
        (directory / "config.json").write_text(json.dumps(config, indent=2))
        # Some loaders insist on a tokenizer.
        words = Tokenizer(vocabularies.WordLevel({f"<{i}>": i for i in range(256)}, unk_token="<255>"))
        transformers.PreTrainedTokenizerFast(tokenizer_object=words, bos_token="<0>", eos_token="<1>", pad_token="<2>",
                                             unk_token="<255>").save_pretrained(directory)
    return directory


def load(directory: Path, unexpected=(), **options):
    """In float32 unless told, so that rounding of activations hides nothing. Every tensor must be there and known, but
    those whose names end in one of `unexpected`."""
    options.setdefault("dtype", torch.float32)
    model, info = transformers.AutoModelForCausalLM.from_pretrained(directory, output_loading_info=True, **options)
    info["unexpected_keys"] = [k for k in info["unexpected_keys"] if not k.endswith(tuple(unexpected))] if unexpected else info["unexpected_keys"]
    problems = [f"{what}: {sorted(map(str, names))[:2]}" for what, names in info.items() if names]
    if problems:
        raise ValueError("; ".join(problems))
    return model.eval()


def logits(model):
    with torch.no_grad():
        return model(WINDOW).logits.float()
