// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/io/dialect.hpp>
#include <string>
#include <string_view>
#include <vector>

/// What a checkpoint's configuration says about its quantization, whatever the dialect.
NVQ_BEGIN_NAMESPACE
namespace io {

/// A scheme and the modules that have it.
struct scheme_use {
  weight_scheme scheme;
  /// Full names of modules, or patterns "re:..." of compressed-tensors (from the name's start), or the class
  /// name "Linear". Empty: every module that no other use names.
  std::vector<std::string> targets;
};

struct quantization {
  dialect owner = dialect::compressed_tensors;
  std::vector<scheme_use> uses;     ///< The one without targets, if any, first.
  std::vector<std::string> ignore;  ///< Modules left as they were: names or, read from others, patterns.
  bool fp8_kv_cache = false;        ///< k_scale and v_scale stand beside the attention layers.
  std::string version;              ///< Of the writer, where the dialect has a place for it.

  /// The scheme of a module by its name, nullptr when no use takes it. `ignore` is not asked: which modules
  /// are quantized is told by their tensors.
  const weight_scheme* find(std::string_view module) const;
};

}  // namespace io
NVQ_END_NAMESPACE

#include <nvq/io/detail/quantization_find.hpp>
