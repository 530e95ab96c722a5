// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "report/record.hpp"

/// The pictures of a report, each an <svg>; empty where there is nothing to show.
namespace app::report {

/// SQNR of every kind of weight in every layer.
std::string heat_map(const std::vector<TensorRecord>& tensors);
/// SQNR of each class, layer by layer.
std::string lines_by_layer(const std::vector<TensorRecord>& tensors);
std::string histogram(const ScaleHistogram& h);
/// What is left of the relative noise when more and more is kept.
std::string keep_curve(const std::vector<KeepChoice>& choices);

}  // namespace app::report
