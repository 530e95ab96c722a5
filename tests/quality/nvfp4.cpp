// SPDX-License-Identifier: Apache-2.0
#include <nvq/nvfp4.hpp>

#include "quality/sqnr.hpp"

using namespace quality;
namespace recipe = nvq::recipe;

TEST_CASE("SQNR of NVFP4 by amax / 6, whoever computes it") {
  const Expected expected = {20.430, 20.657, 20.694};
  const RowOptions row = {0.02, false, true};
  check_row<nvq::NVFP4>(recipe::transformer_engine, expected, row);
  check_row<nvq::NVFP4>(recipe::modelopt, expected, row);
  check_row<nvq::NVFP4>(recipe::compressed_tensors, expected, row);
  check_row<nvq::NVFP4>(recipe::compressed_tensors_bf16, expected, row);
  check_row<nvq::NVFP4>(recipe::torchao, expected, row);
  check_row<nvq::NVFP4>(recipe::vllm, expected, row);
  check_row<nvq::NVFP4>(recipe::trtllm, expected, row);
  check_row<nvq::NVFP4>(recipe::ggml, expected, row);
}

TEST_CASE("SQNR of NVFP4 with searched scales, in tiles, and rounded stochastically") {
  const RowOptions row = {0.02, false, true};
  check_row<nvq::NVFP4>(recipe::four_over_six, {21.212, 21.192, 21.243}, row);
  check_row<nvq::NVFP4>(recipe::four_over_six_448, {21.212, 21.192, 21.243}, row);
  check_row<nvq::NVFP4>(recipe::mse, {21.808, 21.673, 21.712}, row);
  check_row<nvq::NVFP4_2D>(recipe::transformer_engine, {19.062, 17.763, 17.295}, row);
  check_row<nvq::NVFP4>(recipe::transformer_engine, {17.238, 17.382, 17.420}, {0.02, true, true});
}
