// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace app {

/// From two's complement nibbles, rows on bytes, to compressed-tensors' pack-quantized: each value stored as
/// value + 8, rows on 32-bit words, padding 0. On a little-endian machine the words are the bytes.
inline void offset_int4(std::vector<std::uint8_t>& codes, std::int64_t rows, std::int64_t columns) {
  const std::int64_t from = (columns + 1) / 2, to = (columns + 7) / 8 * 4;
  std::vector<std::uint8_t> packed(static_cast<std::size_t>(rows * to));
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t i = 0; i < from; ++i)
      packed[static_cast<std::size_t>(r * to + i)] = codes[static_cast<std::size_t>(r * from + i)] ^ 0x88u;
    if (columns % 2 != 0) packed[static_cast<std::size_t>(r * to + from - 1)] &= 0x0Fu;
  }
  codes.swap(packed);
}

/// The way back.
inline void signed_int4(std::vector<std::uint8_t>& packed, std::int64_t rows, std::int64_t columns) {
  const std::int64_t to = (columns + 1) / 2, from = (columns + 7) / 8 * 4;
  std::vector<std::uint8_t> codes(static_cast<std::size_t>(rows * to));
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t i = 0; i < to; ++i)
      codes[static_cast<std::size_t>(r * to + i)] = packed[static_cast<std::size_t>(r * from + i)] ^ 0x88u;
    if (columns % 2 != 0) codes[static_cast<std::size_t>(r * to + to - 1)] &= 0x0Fu;
  }
  packed.swap(codes);
}

}  // namespace app
