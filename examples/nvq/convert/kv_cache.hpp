// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/io/quantization.hpp>
#include <string>

#include "convert/pieces.hpp"

namespace app {

/// "....k_scale" and "....v_scale".
bool is_kv_scale(const std::string& name);

/// A Failure when the dialect cannot tell the scheme of the KV cache.
void check_kv_cache(const Checkpoint& source, const nvq::io::quantization& before, nvq::io::dialect to);

/// The scale under the name that the dialect has for it: beside the attention in compressed-tensors, beside
/// the projection in Model Optimizer's.
Piece kv_scale(const Checkpoint& source, const Tensor& t, nvq::io::dialect to, const Undo& undo,
               UndoNotes& notes, PieceMaker& maker);

}  // namespace app
