// SPDX-License-Identifier: Apache-2.0
#include <nvq/int4.hpp>
#include <nvq/nf4.hpp>

#include "quality/sqnr.hpp"

using namespace quality;
namespace recipe = nvq::recipe;

TEST_CASE("SQNR of INT4 under symmetric scales") {
  check_row<nvq::INT4_G32>(recipe::amax, {20.260, 18.332, 18.245});
  check_row<nvq::INT4_G64>(recipe::amax, {19.360, 17.022, 16.710});
  check_row<nvq::INT4_G128>(recipe::amax, {18.612, 15.895, 15.285});
  check_row<nvq::INT4_G32>(recipe::compressed_tensors, {20.463, 18.516, 18.441});
  check_row<nvq::INT4_G64>(recipe::compressed_tensors, {19.760, 17.407, 17.103});
  check_row<nvq::INT4_G128>(recipe::compressed_tensors, {19.113, 16.379, 15.776});
  check_row<nvq::INT4_G32>(recipe::signed_max, {21.318, 19.418, 19.353});
  check_row<nvq::INT4_G64>(recipe::signed_max, {20.452, 18.126, 17.835});
  check_row<nvq::INT4_G128>(recipe::signed_max, {19.731, 17.008, 16.418});
  check_row<nvq::INT4_G32>(recipe::ggml, {21.318, 19.418, 19.353});
}

TEST_CASE("SQNR of INT4 with searched scales") {
  // Sixty scales a group take their time: half the samples where they do.
  const std::size_t half = default_count / 2;
  check_row<nvq::INT4_G32>(recipe::mse, {21.317, 19.266, unchecked}, {}, half);
  check_row<nvq::INT4_G64>(recipe::mse, {20.482, 18.066, unchecked}, {}, half);
  check_row<nvq::INT4_G128>(recipe::mse, {19.934, 17.191, unchecked}, {}, half);
  check_row<nvq::INT4_G32>(recipe::mse, {unchecked, unchecked, 19.181});
  check_row<nvq::INT4_G64>(recipe::mse, {unchecked, unchecked, 17.761});
  check_row<nvq::INT4_G128>(recipe::mse, {unchecked, unchecked, 16.613});
}

TEST_CASE("SQNR of INT4 with zero points") {
  check_row<nvq::INT4_G32_ZP>(recipe::asymmetric, {21.855, 20.500, 20.645});
  check_row<nvq::INT4_G64_ZP>(recipe::asymmetric, {20.813, 18.985, 19.009});
  check_row<nvq::INT4_G128_ZP>(recipe::asymmetric, {19.955, 17.685, 17.500});
  check_row<nvq::INT4_G128_ZP>(recipe::gptq, {19.955, 17.685, 17.500});
  check_row<nvq::INT4_G128_ZP>(recipe::awq, {19.955, 17.685, 17.500});
}

TEST_CASE("SQNR of NF4") {
  using NF4_G32 = nvq::Format<nvq::NormalFloat4, nvq::Block32, nvq::ScaleFP32, nvq::TensorNone>;
  using NF4_G128 = nvq::Format<nvq::NormalFloat4, nvq::Block128, nvq::ScaleFP32, nvq::TensorNone>;
  check_row<NF4_G32>(recipe::bitsandbytes, {21.180, 20.608, 20.646});
  check_row<nvq::NF4>(recipe::bitsandbytes, {20.726, 19.683, 19.597});
  check_row<NF4_G128>(recipe::bitsandbytes, {20.391, 18.888, 18.570});
}
