// SPDX-License-Identifier: Apache-2.0
// A program may have names of its own that the library uses for local ones, under -Wshadow.
#include <nvq/int4.hpp>
#include <nvq/nvfp4.hpp>
#include <vector>

#include "../support/catch.hpp"

namespace {
constexpr int row = 1, rows = 1, columns = 1, column = 1, n = 1, r = 1, c = 1, i = 1, j = 1, x = 1, a = 1,
              b = 1, s = 1, block = 1, blocks = 1, first = 1, last = 1, begin = 1, end = 1, value = 1,
              values = 1, scaled = 1, codes = 1, code = 1, isa = 1, out = 1, in = 1, count = 1, amax = 1,
              scale = 1, step = 1, task = 1, r0 = 1, r1 = 1, c0 = 1, c1 = 1, b0 = 1, b1 = 1;
constexpr int all[] = {row,    rows,   columns, column, n,      r,     c,    i,     j,    x,
                       a,      b,      s,       block,  blocks, first, last, begin, end,  value,
                       values, scaled, codes,   code,   isa,    out,   in,   count, amax, scale,
                       step,   task,   r0,      r1,     c0,     c1,    b0,   b1};
}  // namespace

TEST_CASE("names of the including file do not matter") {
  const std::vector<float> ones(64, static_cast<float>(all[0]));
  CHECK(nvq::dequantize<float>(nvq::quantize<nvq::NVFP4>(ones, {2, 32})) == ones);
  CHECK(nvq::dequantize<float>(nvq::quantize<nvq::INT4_G32>(ones, {2, 32}, nvq::recipe::mse)).size() == 64);
}
