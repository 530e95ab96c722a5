// SPDX-License-Identifier: Apache-2.0
#include <nvq/mxfp4.hpp>
#include <nvq/mxfp6.hpp>
#include <nvq/mxfp8.hpp>

#include "quality/sqnr.hpp"

using namespace quality;
namespace recipe = nvq::recipe;

TEST_CASE("SQNR of MXFP4") {
  check_row<nvq::MXFP4>(recipe::ocp_floor, {18.789, 17.989, 17.997});
  check_row<nvq::MXFP4>(recipe::rceil, {18.756, 17.556, 17.567});
  check_row<nvq::MXFP4>(recipe::ceil, {16.820, 15.432, 15.314});
  check_row<nvq::MXFP4>(recipe::even, {19.029, 18.154, 18.163});
  check_row<nvq::MXFP4>(recipe::compressed_tensors, {19.029, 18.154, 18.163});
  check_row<nvq::MXFP4>(recipe::mse, {19.050, 18.241, 18.252});
}

TEST_CASE("SQNR of MXFP6") {
  check_row<nvq::MXFP6_E2M3>(recipe::ocp_floor, {30.941, 30.305, 30.318});
  check_row<nvq::MXFP6_E2M3>(recipe::rceil, {30.958, 30.250, 30.268});
  check_row<nvq::MXFP6_E2M3>(recipe::ceil, {28.765, 27.307, 27.259});
  check_row<nvq::MXFP6_E2M3>(recipe::even, {30.988, 30.342, 30.357});
  check_row<nvq::MXFP6_E2M3>(recipe::mse, {30.992, 30.358, 30.374});
  check_row<nvq::MXFP6_E3M2>(recipe::ocp_floor, {25.355, 25.236, 25.237});
  check_row<nvq::MXFP6_E3M2>(recipe::rceil, {25.540, 25.560, 25.560});
  check_row<nvq::MXFP6_E3M2>(recipe::mse, {25.540, 25.560, 25.560});
}

TEST_CASE("SQNR of MXFP8") {
  check_row<nvq::MXFP8_E4M3>(recipe::ocp_floor, {30.642, 30.067, 30.073});
  check_row<nvq::MXFP8_E4M3>(recipe::even, {31.182, 30.853, 30.861});
  check_row<nvq::MXFP8_E4M3>(recipe::rceil, {31.522, 31.533, 31.529});
  check_row<nvq::MXFP8_E4M3>(recipe::mse, {31.522, 31.533, 31.529});
  check_row<nvq::MXFP8_E5M2>(recipe::ocp_floor, {25.356, 25.236, 25.237});
  check_row<nvq::MXFP8_E5M2>(recipe::rceil, {25.540, 25.561, 25.561});
}
