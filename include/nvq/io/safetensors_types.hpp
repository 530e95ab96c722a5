// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/config.hpp>
#include <nvq/io/dtype.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

NVQ_BEGIN_NAMESPACE
namespace io {

/// One tensor of a safetensors file. `begin` and `end` are byte offsets from the start of the data section.
struct tensor_entry {
  std::string name;
  dtype type = dtype::u8;
  std::vector<std::int64_t> shape;
  std::int64_t begin = 0;
  std::int64_t end = 0;

  std::int64_t bytes() const noexcept { return end - begin; }
};

/// A checked header: tensors in the order of their bytes, without holes or overlaps, filling the file
/// exactly.
struct safetensors_header {
  std::vector<tensor_entry> tensors;
  std::vector<std::pair<std::string, std::string>> metadata;
  std::int64_t data_begin = 0;  ///< File offset of the data section: 8 + the header's length.

  /// Linear search; nullptr when there is no such tensor.
  const tensor_entry* find(std::string_view name) const noexcept {
    for (const tensor_entry& t : tensors)
      if (t.name == name) return &t;
    return nullptr;
  }
};

}  // namespace io
NVQ_END_NAMESPACE
