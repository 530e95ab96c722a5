// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/config.hpp>
#include <nvq/metrics/error_sums.hpp>
#include <nvq/metrics/measure.hpp>
#include <nvq/metrics/quantization_errors.hpp>

/// \file
/// What quantization cost.
///
///     const auto q = nvq::quantize<nvq::NVFP4>(weights, {rows, columns});
///     const auto e = nvq::measure(weights, q);
///     e.sqnr_db(), e.mse(), e.cosine(), e.max_abs_error   // of the values
///     e.clipped, e.flushed                                // values beyond the codes; values that became 0
///     e.worst_block, e.worst_sqnr_db(), e.histogram       // of the blocks
///     e.scales.saturated, e.scales.zero, e.scales.code    // of the block scales
///
/// measure(original, decoded) has the figures of the values alone. error_sums gathers them pair by pair, and
/// measure<F>(rows, codes, scales, ...) range by range of rows, for tensors that are not in memory at once.

NVQ_BEGIN_NAMESPACE

/// Signal to quantization noise ratio in decibels, 10 log10(sum x^2 / sum (x - y)^2): +infinity when x equals
/// y, NaN when the sizes differ.
template <class A, class B>
double sqnr_db(const A& reference, const B& decoded) {
  return measure(reference, decoded).sqnr_db();
}

NVQ_END_NAMESPACE
