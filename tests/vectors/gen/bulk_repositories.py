# SPDX-License-Identifier: Apache-2.0
"""Bulk vectors of DeepGEMM, DeepSeek-V3, TransformerEngine (FP8), AutoGPTQ and AutoAWQ (INT4).

    python bulk_repositories.py OUT_DIR DEEPGEMM DEEPSEEK_V3 TRANSFORMER_ENGINE AUTOGPTQ AUTOAWQ

the latter being checkouts of the commits that fp8_repositories.py and int_repositories.py name. Writes
bulk_{deepgemm,deepseek,transformer_engine,gptq,awq}.safetensors, see bulk.py.
"""

import sys

import fp8_repositories as fp8  # first: it sets how Triton runs

import bulk
import int_repositories as integer
import numpy as np
import torch


def fp8_of(run, name):
    def convert(x):
        x = torch.from_numpy(np.ascontiguousarray(x))
        codes, scales = run(x.to(torch.bfloat16) if name.endswith("bf16") else x)
        return codes.contiguous().view(torch.uint8).numpy(), scales.float().numpy(), None

    return convert


def groups(recipe, run):
    for name in ("fp8_groups", "fp8_groups_bf16"):
        yield recipe, name, bulk.by_row(fp8_of(run, name))


def blocks(recipe, run):
    for name in ("fp8_wide", "fp8_tall", "fp8_square"):
        yield recipe, name, bulk.by_chunk(fp8_of(run, name))


def deepgemm(checkout):
    rows, tiles, _ = fp8.deepgemm(checkout)
    for recipe, run in rows.items():
        yield from groups(recipe, run)
    for recipe, run in tiles.items():
        yield from blocks(recipe, run)


def deepseek(checkout):
    rows, _, _ = fp8.deepseek(checkout)
    yield from groups("group128", rows["group128"])


def transformer_engine(checkout):
    rows, tiles, _ = fp8.transformer_engine(checkout)
    yield from groups("group128", rows["group128"])
    yield from blocks("block128x128", tiles["block128x128"])
    current = rows["current_scaling"]
    yield "row", "fp8_rows", bulk.by_row(fp8_of(current, ""))
    yield "tensor", "fp8_tensors", bulk.by_chunk(fp8_of(lambda x: current(x.reshape(1, -1)), ""))


def int_of(run, signed):
    """signed: the codes have 8 added, which nvq's do not."""

    def convert(x):
        values, scale, zero = run(torch.from_numpy(x.copy()))
        codes = integer.codes_of(values, scale, zero).numpy()
        scale = scale.reshape(-1, 1).numpy()
        return (codes ^ 0x88, scale, None) if signed else (codes, scale, zero.reshape(-1, 1).numpy())

    return convert


def gptq(checkout):
    run = integer.gptq(checkout)["asymmetric"]
    for name in ("int_groups_normal", "int_groups_f16"):
        yield "asymmetric", name, bulk.by_row(int_of(run, False))


def awq(checkout):
    recipes = integer.awq(checkout)
    yield "asymmetric", "int_groups_normal", bulk.by_row(int_of(recipes["asymmetric"], False))
    yield "symmetric", "int_groups_nonzero", bulk.by_row(int_of(recipes["symmetric"], True))


def main(directory, *checkouts):
    commits = {**fp8.COMMITS, **integer.COMMITS}
    for owner, checkout in zip((deepgemm, deepseek, transformer_engine, gptq, awq), checkouts):
        package = owner.__name__
        metadata = {"package": package, "version": commits[package], "torch": torch.__version__}
        bulk.save(f"{directory}/bulk_{package}.safetensors", owner(checkout), metadata)


if __name__ == "__main__":
    main(*sys.argv[1:])
