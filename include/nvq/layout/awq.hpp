// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/layout/permutation.hpp>

NVQ_BEGIN_NAMESPACE
namespace layout {

/// The qweight tensor of AWQ checkpoints (version "gemm"): int32 [columns, rows / 8], eight outputs in a
/// word, nibble i holding output [0 2 4 6 1 3 5 7][i] of the eight.
///
///     offset(n, k) = k * rows + n/8 * 8 + [0 4 1 5 2 6 3 7][n%8]
///
/// rows: outputs, a multiple of 8; columns: inputs. No padding. Codes are unsigned; those of a symmetric Int4
/// format become so by Recode::offset_binary. Source: AutoAWQ, WQLinear_GEMM.from_linear.
using AwqWeights = Transposed<std::uint8_t, 4, EvenOdd<8>, 8, LinearCodes<4>>;

/// The qzeros tensor of AWQ checkpoints: int32 [columns, rows / 8] = [groups, outputs / 8], in the order of
/// AwqWeights. The zero point is stored as it is. The linear side holds one byte a zero point. Scales:
/// GroupMajorScales.
using AwqZeros = Transposed<std::uint8_t, 4, EvenOdd<8>, 8, Linear<>>;

}  // namespace layout
NVQ_END_NAMESPACE
