// SPDX-License-Identifier: Apache-2.0

// Scale layouts of Blackwell kernels against the packages that own them.

#include "support.hpp"

using namespace layout_test;
using nvq::layout::Blocked128x4;
using nvq::layout::Blocked8x4;
using nvq::layout::DeepGemmUE8M0;

namespace {

constexpr Blocked128x4 grid({256, 8});
static_assert(grid.bytes() == 256 * 8);
static_assert(grid.offset(0, 0) == 0 && grid.offset(0, 3) == 3 && grid.offset(0, 4) == 512);
static_assert(grid.offset(1, 0) == 16 && grid.offset(31, 0) == 496 && grid.offset(32, 0) == 4);
static_assert(grid.offset(127, 3) == 511 && grid.offset(128, 0) == 1024 && grid.offset(255, 7) == 2047);
static_assert(grid.position(4) == nvq::layout::position{32, 0} &&
              grid.position(528) == nvq::layout::position{1, 4});
static_assert(Blocked128x4({1, 1}).bytes() == 512 && Blocked128x4({129, 5}).bytes() == 2048);
static_assert(Blocked128x4({0, 5}).bytes() == 0 && Blocked128x4({5, 0}).bytes() == 0);

constexpr Blocked8x4 small({16, 8});
static_assert(small.offset(0, 3) == 3 && small.offset(1, 0) == 4 && small.offset(0, 4) == 32 &&
              small.offset(8, 0) == 64);
static_assert(Blocked8x4({1, 1}).bytes() == 32 && Blocked8x4({9, 5}).bytes() == 128);

constexpr DeepGemmUE8M0 words({6, 6});
static_assert(words.bytes() == 64);  // 8 rows (6 rounded up to 4s) x 2 words
static_assert(words.offset(0, 1) == 1 && words.offset(1, 0) == 4 && words.offset(5, 3) == 23 &&
              words.offset(0, 4) == 32);

/// CuTe's layout function of ((32,4),(V,4)):((16,4),(0,1)), the CUTLASS scale-factor atom, at row m and K
/// element k.
constexpr std::int64_t cutlass_atom(std::int64_t m, std::int64_t k, std::int64_t v) {
  const std::int64_t shape_m0 = 32, stride_m0 = 16, stride_m1 = 4, stride_k0 = 0, stride_k1 = 1;
  return m % shape_m0 * stride_m0 + m / shape_m0 * stride_m1 + k % v * stride_k0 + k / v * stride_k1;
}

}  // namespace

TEST_CASE("128x4 is the CUTLASS atom, tiled along K first", "[layout]") {
  for (const std::int64_t v : {16, 32}) {
    const std::int64_t m = 384, k = 12 * v;
    const Blocked128x4 layout({m, k / v});
    std::int64_t wrong = 0;
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < k; ++j) {
        const std::int64_t tile = i / 128 * (k / (4 * v)) + j / (4 * v);
        wrong += layout.offset(i, j / v) != tile * 512 + cutlass_atom(i % 128, j % (4 * v), v);
      }
    CHECK(wrong == 0);
  }
}

TEST_CASE("128x4 is torchao's to_blocked, padding included", "[layout]") {
  const nvq_test::Vectors v("layout_torchao.safetensors");
  for (const char* shape : {"1x1", "128x4", "129x5", "32x16", "256x12", "300x33"}) {
    INFO(v.provenance() << ", " << shape);
    const auto scales = v.tensor<std::uint8_t>(std::string("scales_") + shape);
    check_both_ways(Blocked128x4(shape_of(scales)), scales.data,
                    v.tensor<std::uint8_t>(std::string("blocked_") + shape).data);
  }
}

TEST_CASE("128x4 and 8x4 offsets are FlashInfer's", "[layout]") {
  const nvq_test::Vectors v("layout_flashinfer.safetensors");
  for (const char* shape : {"7x3", "40x9", "130x6", "260x12"}) {
    INFO(v.provenance() << ", " << shape);
    const auto of128 = v.tensor<std::int32_t>(std::string("offset_128x4_") + shape);
    const auto of8 = v.tensor<std::int32_t>(std::string("offset_8x4_") + shape);
    const nvq::shape2d grid_shape(of128.dim(0), of128.dim(1));
    const Blocked128x4 big(grid_shape);
    const Blocked8x4 little(grid_shape);
    int wrong = 0;
    for (std::int64_t r = 0; r < grid_shape.rows(); ++r)
      for (std::int64_t c = 0; c < grid_shape.columns(); ++c) {
        const auto i = static_cast<std::size_t>(r * grid_shape.columns() + c);
        wrong += big.offset(r, c) != of128[i];
        wrong += little.offset(r, c) != of8[i];
      }
    CHECK(wrong == 0);
  }
}

TEST_CASE("DeepGEMM's packed UE8M0 is DeepGEMM's, gaps included", "[layout]") {
  const nvq_test::Vectors v("layout_deepgemm.safetensors");
  for (const char* shape : {"4x4", "1x1", "13x7", "128x9", "66x16"}) {
    INFO(v.provenance() << ", " << shape);
    const auto scales = v.tensor<std::uint8_t>(std::string("scales_") + shape);
    check_both_ways(DeepGemmUE8M0(shape_of(scales)), scales.data,
                    v.tensor<std::uint8_t>(std::string("packed_") + shape).data);
  }
}

TEST_CASE("scale layouts by name are the layout types", "[layout]") {
  using nvq::ScaleLayout;
  const nvq::shape2d shape(130, 6);
  CHECK(nvq::scales_bytes(ScaleLayout::linear, shape) == 780);
  CHECK(nvq::scales_bytes(ScaleLayout::blocked_128x4, shape) == 2048);
  CHECK(nvq::scales_bytes(ScaleLayout::blocked_8x4, shape) == 1088);
  CHECK(nvq::scales_bytes(ScaleLayout::deepgemm, shape) == 1056);
  CHECK(nvq::scales_bytes(ScaleLayout::blocked_128x4, nvq::shape2d(-1, 4)) == 0);
  CHECK(nvq::scales_offset(ScaleLayout::linear, shape, 129, 5) == 779);
  CHECK(nvq::scales_offset(ScaleLayout::blocked_128x4, shape, 129, 5) == 1536 + 16 + 1);
  CHECK(nvq::scales_offset(ScaleLayout::blocked_8x4, shape, 129, 5) == 33 * 32 + 4 + 1);
  CHECK(nvq::scales_offset(ScaleLayout::deepgemm, shape, 129, 5) == (132 + 129) * 4 + 1);
  CHECK(std::string(nvq::to_string(ScaleLayout::blocked_128x4)) == "blocked_128x4");
}
