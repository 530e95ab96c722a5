// SPDX-License-Identifier: Apache-2.0

// Marlin's weights, scales and zero points against vLLM's packers.

#include "support.hpp"

using namespace layout_test;
using namespace nvq::layout;

namespace {

constexpr auto a16 = MarlinActivation::bits16;
constexpr auto a8 = MarlinActivation::bits8;

// Lane 0 of the first tile holds output 0 at inputs 0, 1, 8, 9 and output 8 at the same; even places first.
static_assert(MarlinWeights<4>({64, 16}).offset(0, 0) == 0 && MarlinWeights<4>({64, 16}).offset(0, 1) == 4);
static_assert(MarlinWeights<4>({64, 16}).offset(0, 8) == 1 && MarlinWeights<4>({64, 16}).offset(0, 9) == 5);
static_assert(MarlinWeights<4>({64, 16}).offset(8, 0) == 2 && MarlinWeights<4>({64, 16}).offset(16, 0) == 8);
static_assert(MarlinWeights<4>({64, 16}).offset(0, 2) == 32 &&
              MarlinWeights<4>({64, 16}).offset(1, 0) == 128);
static_assert(MarlinWeights<8>({64, 16}).offset(8, 0) == 4 && MarlinWeights<8>({64, 16}).offset(0, 8) == 1);
static_assert(MarlinWeights<4>({128, 32}).offset(64, 0) == 1024 &&
              MarlinWeights<4>({128, 32}).offset(0, 16) == 2048);

static_assert(marlin_scale_from_e4m3(0x38) == 0xB0);  // 1 * 2^7: exponent 22, mantissa 0
static_assert(marlin_scale_from_e4m3(0x7E) == 0xF6 && marlin_scale_from_e4m3(0x00) == 0);
static_assert(marlin_scale_from_e4m3(0x08) == 0x80);  // 2^-6 * 2^7 = 2, the smallest kept
static_assert(marlin_scale_from_e4m3(0x07) == 0 && marlin_scale_from_e4m3(0x07, 1) == 0x86);

template <int Bits, MarlinActivation A>
void weights_and_zeros(const nvq_test::Vectors& v, const std::string& suffix) {
  const std::string bits = std::to_string(Bits);
  INFO(v.provenance() << ", " << bits << suffix);
  const auto codes = v.tensor<std::uint8_t>("codes_" + bits);
  check_both_ways(MarlinWeights<Bits, A>(shape_of(codes)), packed_codes(codes, Bits),
                  file_bytes(v.tensor<std::int32_t>("weights_" + bits + suffix)));
  const auto zeros = v.tensor<std::uint8_t>("zeros_" + bits);
  check_both_ways(MarlinZeros<Bits, A>(shape_of(zeros)), zeros.data,
                  file_bytes(v.tensor<std::int32_t>("marlin_zeros_" + bits + suffix)));
}

}  // namespace

TEST_CASE("Marlin weights and zero points are vLLM's", "[layout]") {
  const nvq_test::Vectors v("layout_vllm.safetensors");
  weights_and_zeros<4, a16>(v, "_a16");
  weights_and_zeros<4, a8>(v, "_a8");
  weights_and_zeros<8, a16>(v, "_a16");
  weights_and_zeros<8, a8>(v, "_a8");
}

TEST_CASE("Marlin scales of 16 bits are vLLM's", "[layout]") {
  const nvq_test::Vectors v("layout_vllm.safetensors");
  for (const char* groups : {"1", "3"}) {
    INFO(v.provenance() << ", groups " << groups);
    const auto scales = v.tensor<std::uint16_t>(std::string("scales_") + groups);
    const std::string name = std::string("marlin_scales_") + groups;
    const nvq::shape2d shape(scales.dim(0), scales.dim(1));
    check_both_ways(MarlinScales<>(shape), scales.data, v.tensor<std::uint16_t>(name + "_a16").data);
    check_both_ways(MarlinScales<std::uint16_t, a8>(shape), scales.data,
                    v.tensor<std::uint16_t>(name + "_a8").data);
  }
}

TEST_CASE("Marlin scales of MXFP4 are vLLM's", "[layout]") {
  const nvq_test::Vectors v("layout_vllm.safetensors");
  for (const char* groups : {"1", "6"}) {
    INFO(v.provenance() << ", groups " << groups);
    const auto scales = v.tensor<std::uint8_t>(std::string("mxfp4_") + groups);
    const std::string name = std::string("marlin_mxfp4_") + groups;
    check_both_ways(MarlinScales<std::uint8_t>(shape_of(scales)), scales.data,
                    v.tensor<std::uint8_t>(name + "_a16").data);
    bytes raised =
        scales.data;  // E2M1's exponent bias seen as E4M3: 2^6, folded into the scale for fp8 activations
    for (std::uint8_t& b : raised) b = static_cast<std::uint8_t>(b + 6);
    check_both_ways(MarlinScales<std::uint8_t, a8>(shape_of(scales)), raised,
                    v.tensor<std::uint8_t>(name + "_a8").data);
  }
}

TEST_CASE("Marlin scales of NVFP4 are vLLM's, values included", "[layout]") {
  const nvq_test::Vectors v("layout_vllm.safetensors");
  for (const char* set : {"full_1", "full_6", "small_1", "small_6"})
    for (const char* activation : {"_fp16", "_bf16"}) {
      const std::string name = std::string("nvfp4_") + set;
      INFO(v.provenance() << ", " << name << activation);
      const auto shift = v.scalar<std::int64_t>("shift_" + name + activation);
      if (std::string(set).substr(0, 5) == "small")
        CHECK((shift > 0) == (std::string(activation) == "_bf16"));
      const auto scales = v.tensor<std::uint8_t>(name);
      bytes converted;
      for (const std::uint8_t s : scales)
        converted.push_back(marlin_scale_from_e4m3(s, static_cast<int>(shift)));
      check_both_ways(MarlinScales<std::uint8_t>(shape_of(scales)), converted,
                      v.tensor<std::uint8_t>("marlin_" + name + activation).data);
    }
}
