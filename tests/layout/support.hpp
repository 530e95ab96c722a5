// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <nvq/layout.hpp>
#include <vector>

#include "../support/catch.hpp"
#include "../support/vectors.hpp"

namespace layout_test {

using bytes = std::vector<std::uint8_t>;

inline nvq::shape2d shape_of(const nvq_test::Tensor<std::uint8_t>& t) { return {t.dim(0), t.dim(1)}; }

/// One code a byte, [rows, columns], into nvq's linear form: 4-bit codes two a byte, even column low.
inline bytes packed_codes(const nvq_test::Tensor<std::uint8_t>& codes, int bits) {
  if (bits == 8) return codes.data;
  const std::size_t rows = codes.dim(0), columns = codes.dim(1), row_bytes = (columns + 1) / 2;
  bytes out(rows * row_bytes);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c)
      out[r * row_bytes + c / 2] = static_cast<std::uint8_t>(out[r * row_bytes + c / 2] |
                                                             codes[r * columns + c] << (c % 2 == 0 ? 0 : 4));
  return out;
}

/// The bytes of a tensor of words, as they lie in a file.
inline bytes file_bytes(const nvq_test::Tensor<std::int32_t>& words) {
  bytes out;
  for (const std::int32_t word : words)
    for (int i = 0; i < 4; ++i)
      out.push_back(static_cast<std::uint8_t>(static_cast<std::uint32_t>(word) >> (8 * i)));
  return out;
}

/// `linear` becomes `expected` in `layout`, and `expected` becomes `linear` again.
template <class L, class Linear, class Expected>
void check_both_ways(const L& layout, const Linear& linear, const Expected& expected,
                     nvq::Recode recode = nvq::Recode::none) {
  REQUIRE(layout.check() == nvq::errc::ok);
  REQUIRE(layout.elements() == static_cast<std::int64_t>(expected.size()));
  Expected out(expected.size(), static_cast<typename Expected::value_type>(0x5A));
  const nvq::result there = nvq::to_layout(layout, linear, out, recode);
  REQUIRE(there);
  CHECK(there.count == layout.shape().size());
  CHECK(out == expected);
  Linear back(linear.size(), static_cast<typename Linear::value_type>(0x5A));
  REQUIRE(nvq::from_layout(layout, expected, back, recode));
  CHECK(back == linear);
}

}  // namespace layout_test
