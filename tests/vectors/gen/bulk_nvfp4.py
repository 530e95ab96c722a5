# SPDX-License-Identifier: Apache-2.0
"""Bulk vectors of TransformerEngine's NVFP4 with 16 x 16 tiles: plain and four over six.

    python bulk_nvfp4.py OUT_DIR

Writes bulk_transformer_engine_nvfp4.safetensors, see bulk.py; needs requirements-nvfp4.txt.
"""

import sys

import bulk
import ml_dtypes
import nvfp4
import nvfp4_owners
import torch

RECIPES = {
    "plain": nvfp4_owners.transformer_engine(16),
    "4over6_mse_256": nvfp4.te_4over6("MSE", 256, 16)(),
    "4over6_mae_256": nvfp4.te_4over6("MAE", 256, 16)(),
    "4over6_mse_448": nvfp4.te_4over6("MSE", 448, 16)(),
    "4over6_mae_448": nvfp4.te_4over6("MAE", 448, 16)(),
}


def convert(run, name):
    def chunk(x):
        x = torch.from_numpy(x.copy())
        result = run(x.to(torch.bfloat16) if name.endswith("bf16") else x, None)
        scales = result["scales"].contiguous().numpy().view(ml_dtypes.float8_e4m3fn)
        return result["codes"].contiguous().numpy(), scales.astype("float32"), None

    return bulk.by_chunk(chunk)


def main(directory):
    jobs = [(r, name, convert(run, name)) for r, run in RECIPES.items() for name in ("nvfp4_tiles", "nvfp4_tiles_bf16")]
    metadata = {"package": nvfp4.TE, "version": nvfp4_owners.version(nvfp4.TE, "torch")}
    bulk.save(f"{directory}/bulk_transformer_engine_nvfp4.safetensors", jobs, metadata)


if __name__ == "__main__":
    main(sys.argv[1])
