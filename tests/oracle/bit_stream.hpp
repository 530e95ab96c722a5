// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace oracle {

/// Codes [rows, columns], one a byte, as nvq stores them: a row is a bit stream, least significant bit first,
/// and starts on a byte. Bit by bit.
inline std::vector<std::uint8_t> pack(const std::vector<std::uint8_t>& codes, std::size_t rows,
                                      std::size_t columns, std::size_t bits) {
  const std::size_t row_bytes = (columns * bits + 7) / 8;
  std::vector<std::uint8_t> bytes(rows * row_bytes, 0);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c)
      for (std::size_t b = 0; b < bits; ++b) {
        const std::size_t at = c * bits + b;
        const unsigned bit = (static_cast<unsigned>(codes[r * columns + c]) >> b) & 1u;
        bytes[r * row_bytes + at / 8] =
            static_cast<std::uint8_t>(bytes[r * row_bytes + at / 8] | (bit << (at % 8)));
      }
  return bytes;
}

inline std::vector<std::uint8_t> unpack(const std::vector<std::uint8_t>& bytes, std::size_t rows,
                                        std::size_t columns, std::size_t bits) {
  const std::size_t row_bytes = (columns * bits + 7) / 8;
  std::vector<std::uint8_t> codes(rows * columns, 0);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c)
      for (std::size_t b = 0; b < bits; ++b) {
        const std::size_t at = c * bits + b;
        const unsigned bit = (static_cast<unsigned>(bytes[r * row_bytes + at / 8]) >> (at % 8)) & 1u;
        codes[r * columns + c] = static_cast<std::uint8_t>(codes[r * columns + c] | (bit << b));
      }
  return codes;
}

}  // namespace oracle
