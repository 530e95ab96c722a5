// SPDX-License-Identifier: Apache-2.0
// The block codec on blocks small enough to work by hand.

#include <nvq/block.hpp>
#include <nvq/formats.hpp>
#include <vector>

#include "../support/catch.hpp"

namespace {

using bytes = std::vector<std::uint8_t>;

template <class F, class R>
bytes codes_of(const std::vector<float>& values, typename F::scale_code* scale, nvq::TensorScales ts,
               R recipe) {
  bytes codes(values.size());
  *scale =
      nvq::encode_block<F>(values.data(), static_cast<std::int64_t>(values.size()), codes.data(), ts, recipe);
  return codes;
}

}  // namespace

TEST_CASE("an NVFP4 block, worked by hand", "[block]") {
  // The tensor's amax is 2688 = 448 * 6, so both tensor scales are 1. The block's amax is 12: its scale is
  // 12 / 6 = 2, E4M3 code 0x40, and values are halved.
  const nvq::TensorScales ts = nvq::tensor_scales<nvq::NVFP4>(2688.0f);
  CHECK(ts.encode == 1.0f);
  CHECK(ts.decode == 1.0f);
  std::uint8_t scale = 0;
  const bytes codes = codes_of<nvq::NVFP4>({12.0f, -12.0f, 0.0f, -0.0f, 1.0f, 2.5f, 7.0f, -5.0f}, &scale, ts,
                                           nvq::recipe::transformer_engine);
  CHECK(scale == 0x40);
  // 6, -6, 0, -0, 0.5, 1.25 -> 1 (tie), 3.5 -> 4 (tie), -2.5 -> -2 (tie)
  CHECK(codes == bytes{0x7, 0xF, 0x0, 0x8, 0x1, 0x2, 0x6, 0xC});
  float values[8] = {};
  nvq::decode_block<nvq::NVFP4>(codes.data(), 8, scale, 1.0f, values);
  CHECK(std::vector<float>(values, values + 8) ==
        std::vector<float>{12.0f, -12.0f, 0.0f, 0.0f, 1.0f, 2.0f, 8.0f, -4.0f});
  nvq::decode_block<nvq::NVFP4>(codes.data(), 1, scale, 0.25f, values);
  CHECK(values[0] == 3.0f);
}

TEST_CASE("an MXFP4 block, worked by hand", "[block]") {
  // amax 7: to clip nothing the scale must be at least 7 / 6, so 2 (0x80); floor(log2(7)) - 2 gives 1 (0x7F)
  // and clips 7 to 6.
  const std::vector<float> block = {7.0f, -3.0f, 1.0f, 0.25f};
  std::uint8_t scale = 0;
  CHECK(codes_of<nvq::MXFP4>(block, &scale, {}, nvq::recipe::rceil) == bytes{0x6, 0xB, 0x1, 0x0});
  CHECK(scale == 0x80);
  CHECK(codes_of<nvq::MXFP4>(block, &scale, {}, nvq::recipe::ocp_floor) == bytes{0x7, 0xD, 0x2, 0x0});
  CHECK(scale == 0x7F);
  CHECK(codes_of<nvq::MXFP4>(block, &scale, {}, nvq::recipe::even) == bytes{0x6, 0xB, 0x1, 0x0});
  CHECK(scale == 0x80);
}

TEST_CASE("FP8, INT8 and INT4 blocks, worked by hand", "[block]") {
  float scale = 0.0f;
  // 896 / 448 = 2.
  CHECK(codes_of<nvq::FP8_E4M3>({896.0f, -2.0f, 4.0f, 0.0f}, &scale, {}, nvq::recipe::amax) ==
        bytes{0x7E, 0xB8, 0x40, 0x00});
  CHECK(scale == 2.0f);
  // 63.5 / 127 = 0.5; 1.25 / 0.5 = 2.5 -> 2.
  CHECK(codes_of<nvq::INT8>({63.5f, -63.5f, 1.25f, -1.75f}, &scale, {}, nvq::recipe::amax) ==
        bytes{0x7F, 0x81, 0x02, 0xFC});
  CHECK(scale == 0.5f);
  // -128 is used by signed_max: 64 / -128 = -0.5.
  CHECK(codes_of<nvq::INT8>({64.0f, -1.0f}, &scale, {}, nvq::recipe::signed_max) == bytes{0x80, 0x02});
  CHECK(scale == -0.5f);
  std::uint16_t half = 0;
  // 14 / 7 = 2, half 0x4000.
  CHECK(codes_of<nvq::INT4_G32>({14.0f, -14.0f, 5.0f, -3.0f}, &half, {}, nvq::recipe::amax) ==
        bytes{0x7, 0x9, 0x2, 0xE});
  CHECK(half == 0x4000);
}

TEST_CASE("an INT4 block with a zero point, worked by hand", "[block]") {
  // [-1, 6.5] in 15 steps of 0.5: zero is code 2.
  nvq::INT4_G32_ZP::scale_code code{};
  CHECK(codes_of<nvq::INT4_G32_ZP>({-1.0f, 0.0f, 6.5f, 1.25f, 1.75f}, &code, {}, nvq::recipe::asymmetric) ==
        bytes{0x0, 0x2, 0xF, 0x4, 0x6});
  CHECK(code.scale == 0x3800);
  CHECK(code.zero_point == 2);
  CHECK(nvq::decode_value<nvq::INT4_G32_ZP>(0xF, code, 1.0f) == 6.5f);
  CHECK(nvq::decode_value<nvq::INT4_G32_ZP>(0x0, code, 1.0f) == -1.0f);
}

TEST_CASE("an NF4 block, worked by hand", "[block]") {
  float scale = 0.0f;
  CHECK(codes_of<nvq::NF4>({4.0f, -4.0f, 0.0f, 0.35f, 1.0f}, &scale, {}, nvq::recipe::bitsandbytes) ==
        bytes{15, 0, 7, 8, 10});
  CHECK(scale == 4.0f);
}

TEST_CASE("importance weights decide which scale wins", "[block]") {
  bytes codes(4);
  const std::vector<float> close = {7.0f, 0.5f, 0.5f, 0.5f};
  const std::vector<float> on_small = {0.0f, 1.0f, 1.0f, 1.0f}, on_large = {1.0f, 0.0f, 0.0f, 0.0f};
  // Scale 1 gives 7 -> 6 and 0.5 exactly; scale 2 gives 7 -> 8 (tie to even) and 0.5 -> 0.
  CHECK(nvq::encode_block<nvq::MXFP4>(close.data(), 4, codes.data(), {}, nvq::recipe::mse, on_small.data()) ==
        0x7F);
  const std::vector<float> high = {7.5f, 0.5f, 0.5f, 0.5f};
  CHECK(nvq::encode_block<nvq::MXFP4>(high.data(), 4, codes.data(), {}, nvq::recipe::mse, on_small.data()) ==
        0x7F);
  CHECK(nvq::encode_block<nvq::MXFP4>(high.data(), 4, codes.data(), {}, nvq::recipe::mse, on_large.data()) ==
        0x80);
}

TEST_CASE("an empty block is encoded and decoded without a value", "[block]") {
  CHECK(nvq::encode_block<nvq::MXFP4>(nullptr, 0, nullptr, {}, nvq::recipe::rceil) == 0);
  nvq::decode_block<nvq::MXFP4>(nullptr, 0, 0x7F, 1.0f, nullptr);
}
