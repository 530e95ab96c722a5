// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "convert/pieces.hpp"

namespace app {

/// GPT-OSS in compressed-tensors, as llm-compressor writes it, has a module for each projection of each expert;
/// the dialect gpt-oss has the experts of a layer in one tensor, with the rows of gate and up taking turns, and
/// so their biases. The bytes of a row are the same. Calls add(shard, piece) for every such tensor, and adds the
/// biases it took to `consumed`. A Failure names the first weight that is no such module, or lacks another.
void stack_experts(const Checkpoint& source, const std::map<std::string, StoredWeight>& weights,
                   const std::function<void(int, Piece)>& add, std::set<const Tensor*>& consumed);

}  // namespace app
