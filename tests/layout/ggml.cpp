// SPDX-License-Identifier: Apache-2.0

// ggml's blocks: what we unpack decodes to what gguf decodes, and packs into the same bytes again.

#include <cmath>

#include "support.hpp"

using namespace layout_test;
using namespace nvq::layout;

namespace {

static_assert(GgmlCodes<GgmlMXFP4>({1, 32}).bytes() == 17 && GgmlCodes<GgmlNVFP4>({2, 64}).bytes() == 72);
static_assert(GgmlScales<GgmlQ4_0>({1, 2}).bytes() == 18 && GgmlScales<GgmlNVFP4>({2, 4}).bytes() == 72);
static_assert(GgmlCodes<GgmlMXFP4>({1, 64}).offset(0, 0) == 2 &&
              GgmlCodes<GgmlMXFP4>({1, 64}).offset(0, 16) == 3);
static_assert(GgmlCodes<GgmlMXFP4>({1, 64}).offset(0, 32) == 36 &&
              GgmlCodes<GgmlNVFP4>({1, 64}).offset(0, 8) == 9);
static_assert(GgmlCodes<GgmlNVFP4>({1, 64}).offset(0, 17) == 2 * (4 + 8 + 1));

double e2m1(int code) {
  const double magnitude[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
  return code & 8 ? -magnitude[code & 7] : magnitude[code & 7];
}
double int4_biased(int code) { return code - 8; }
double e8m0(const std::uint8_t* s) { return std::ldexp(1.0, *s - 127); }
double e4m3(const std::uint8_t* s) {
  const int exponent = *s >> 3 & 15, mantissa = *s & 7;
  return exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 10);
}
double fp16(const std::uint8_t* s) {
  const int bits = s[0] | s[1] << 8, exponent = bits >> 10 & 31, mantissa = bits & 1023;
  return exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
}

/// `group`: codes that share a scale of `scale_bytes` bytes. `element`, `scale`: what a code, a scale is
/// worth.
template <class Block>
void check_block(const std::string& kind, double (*element)(int), double (*scale)(const std::uint8_t*),
                 std::size_t group, std::size_t scale_bytes) {
  const nvq_test::Vectors v("layout_gguf.safetensors");
  INFO(v.provenance() << ", " << kind);
  const bytes blocks = v.tensor<std::uint8_t>("blocks_" + kind).data;
  const auto values = v.tensor<float>("values_" + kind);
  const std::size_t rows = values.dim(0), columns = values.dim(1),
                    scale_columns = columns / group * scale_bytes;
  const GgmlCodes<Block> code_layout({rows, columns});
  const GgmlScales<Block> scale_layout({rows, scale_columns});
  REQUIRE(code_layout.bytes() == static_cast<std::int64_t>(blocks.size()));
  REQUIRE(scale_layout.bytes() == static_cast<std::int64_t>(blocks.size()));

  bytes codes(rows * columns / 2), scales(rows * scale_columns);
  REQUIRE(nvq::from_layout(code_layout, blocks, codes));
  REQUIRE(nvq::from_layout(scale_layout, blocks, scales));
  int wrong = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const int code = codes[i / 2] >> (i % 2 * 4) & 15;
    const double value =
        element(code) * scale(&scales[i / columns * scale_columns + i % columns / group * scale_bytes]);
    wrong += static_cast<float>(value) != values[i];
  }
  CHECK(wrong == 0);

  // Codes and scales each write their part of the buffer and nothing else.
  bytes rebuilt(blocks.size(), 0xA5);
  REQUIRE(nvq::to_layout(code_layout, codes, rebuilt));
  int scale_bytes_touched = 0, codes_differ = 0;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const bool of_scales = static_cast<std::int64_t>(i) % Block::bytes() < Block::scale_bytes();
    scale_bytes_touched += of_scales && rebuilt[i] != 0xA5;
    codes_differ += !of_scales && rebuilt[i] != blocks[i];
  }
  CHECK(scale_bytes_touched == 0);
  CHECK(codes_differ == 0);
  REQUIRE(nvq::to_layout(scale_layout, scales, rebuilt));
  CHECK(rebuilt == blocks);
}

}  // namespace

TEST_CASE("ggml MXFP4 blocks are gguf's", "[layout]") { check_block<GgmlMXFP4>("MXFP4", e2m1, e8m0, 32, 1); }
TEST_CASE("ggml NVFP4 blocks are gguf's", "[layout]") { check_block<GgmlNVFP4>("NVFP4", e2m1, e4m3, 16, 1); }
TEST_CASE("ggml Q4_0 blocks are gguf's", "[layout]") {
  check_block<GgmlQ4_0>("Q4_0", int4_biased, fp16, 32, 2);
}
