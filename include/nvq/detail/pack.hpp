// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/config.hpp>

// Codes of a row as a bit stream, least significant bit first: code c occupies bits [c * Bits, (c + 1) *
// Bits) of the row.

NVQ_BEGIN_NAMESPACE

namespace detail {

template <int Bits>
NVQ_HD constexpr void store_code(std::uint8_t* row, std::int64_t column, std::uint8_t code) noexcept {
  if constexpr (Bits == 8) {
    row[column] = code;
  } else {
    const std::int64_t bit = column * Bits;
    const int shift = static_cast<int>(bit % 8);
    std::uint8_t* p = row + bit / 8;
    const unsigned mask = ((1u << Bits) - 1) << shift, value = static_cast<unsigned>(code) << shift;
    p[0] = static_cast<std::uint8_t>((p[0] & ~mask) | (value & mask));
    if (shift + Bits > 8) p[1] = static_cast<std::uint8_t>((p[1] & ~(mask >> 8)) | ((value & mask) >> 8));
  }
}

template <int Bits>
NVQ_HD constexpr std::uint8_t load_code(const std::uint8_t* row, std::int64_t column) noexcept {
  if constexpr (Bits == 8) {
    return row[column];
  } else {
    const std::int64_t bit = column * Bits;
    const int shift = static_cast<int>(bit % 8);
    const std::uint8_t* p = row + bit / 8;
    unsigned word = p[0];
    if (shift + Bits > 8) word |= static_cast<unsigned>(p[1]) << 8;
    return static_cast<std::uint8_t>((word >> shift) & ((1u << Bits) - 1));
  }
}

/// Stores n codes from column `first` on. Bits of the row outside them stay as they are.
template <int Bits>
NVQ_HD constexpr void pack_codes(const std::uint8_t* codes, std::int64_t n, std::uint8_t* row,
                                 std::int64_t first) noexcept {
  std::int64_t i = 0;
  if constexpr (Bits == 4) {
    if (first % 2 == 0)
      for (; i + 1 < n; i += 2)
        row[(first + i) / 2] = static_cast<std::uint8_t>(codes[i] | (codes[i + 1] << 4));
  }
  for (; i < n; ++i) store_code<Bits>(row, first + i, codes[i]);
}

template <int Bits>
NVQ_HD constexpr void unpack_codes(const std::uint8_t* row, std::int64_t first, std::int64_t n,
                                   std::uint8_t* codes) noexcept {
  std::int64_t i = 0;
  if constexpr (Bits == 4) {
    if (first % 2 == 0)
      for (; i + 1 < n; i += 2) {
        const std::uint8_t byte = row[(first + i) / 2];
        codes[i] = byte & 15u;
        codes[i + 1] = static_cast<std::uint8_t>(byte >> 4);
      }
  }
  for (; i < n; ++i) codes[i] = load_code<Bits>(row, first + i);
}

}  // namespace detail

NVQ_END_NAMESPACE
