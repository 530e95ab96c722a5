// SPDX-License-Identifier: Apache-2.0
#include <nvq/fp8.hpp>
#include <nvq/int8.hpp>

#include "quality/sqnr.hpp"

using namespace quality;
namespace recipe = nvq::recipe;

// 0.05 dB where the amax of the tensor moves the figure.

TEST_CASE("SQNR of FP8") {
  const RowOptions by_amax = {0.05, false, true};
  check_row<nvq::FP8_E4M3>(recipe::amax, {31.522, 31.537, 31.539}, by_amax);
  check_row<nvq::FP8_E5M2>(recipe::amax, {25.541, 25.556, 25.558}, by_amax);
  check_row<nvq::FP8_E4M3_1x128>(recipe::amax, {31.797, 32.107, 32.188});
  check_row<nvq::FP8_E4M3_128x128>(recipe::amax, {31.547, 31.557, 31.576});
  // The engines differ in the last bits and in tiny amaxes only.
  check_row<nvq::FP8_E4M3>(recipe::vllm, {31.522, 31.537, 31.539}, by_amax);
  check_row<nvq::FP8_E4M3_1x128>(recipe::deepseek, {31.797, 32.107, 32.188});
  check_row<nvq::FP8_E4M3_1x128>(recipe::deepgemm, {31.797, 32.107, 32.188});
  check_row<nvq::FP8_E4M3_1x128>(recipe::transformer_engine, {31.797, 32.107, 32.188});
}

TEST_CASE("SQNR of INT8") {
  using Q8_0 = nvq::Format<nvq::Int8, nvq::Block32, nvq::ScaleFP16, nvq::TensorNone>;
  // The figure of Student's t is the amax of those samples and nothing else: 20.37 dB.
  check_row<nvq::INT8>(recipe::amax, {37.50, 30.70, unchecked}, {0.05, false, true});
  check_row<nvq::INT8_G128>(recipe::amax, {43.79, 40.97, 40.42});
  check_row<Q8_0>(recipe::amax, {45.43, 43.44, 43.40});
  check_row<Q8_0>(recipe::ggml, {45.43, 43.44, 43.40});
}

TEST_CASE("SQNR of INT8 by row") {
  // Few rows and heavy tails: only all of the 2^24 samples give the figure, for Student's t none but its own.
  check_row<nvq::INT8_Row>(recipe::amax, {41.23, 36.78, unchecked}, {}, std::size_t{1} << 24);
}
