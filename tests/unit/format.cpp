// SPDX-License-Identifier: Apache-2.0
// Sizes of every format, worked by hand for a 200 x 300 matrix.

#include <nvq/formats.hpp>
#include <string>

#include "../support/catch.hpp"

namespace {

template <class F>
void check(const char* name, std::size_t codes, std::size_t blocks, std::size_t scales_bytes,
           std::size_t block_size) {
  INFO(name);
  CHECK(std::string(nvq::format_name<F>) == name);
  CHECK(F::codes_bytes(200, 300) == codes);
  CHECK(F::blocks_count(200, 300) == blocks);
  CHECK(F::scales_bytes(200, 300) == scales_bytes);
  CHECK(+F::block_size == block_size);
}

}  // namespace

TEST_CASE("sizes of the formats", "[format]") {
  //                              codes  blocks           bytes of scales      block
  check<nvq::NVFP4>("NVFP4", 200 * 150, 200 * 19, 200 * 19, 16);
  check<nvq::NVFP4_2D>("NVFP4_2D", 200 * 150, 13 * 19, 13 * 19, 256);
  check<nvq::MXFP4>("MXFP4", 200 * 150, 200 * 10, 200 * 10, 32);
  check<nvq::MXFP6_E2M3>("MXFP6_E2M3", 200 * 225, 200 * 10, 200 * 10, 32);
  check<nvq::MXFP6_E3M2>("MXFP6_E3M2", 200 * 225, 200 * 10, 200 * 10, 32);
  check<nvq::MXFP8_E4M3>("MXFP8_E4M3", 200 * 300, 200 * 10, 200 * 10, 32);
  check<nvq::MXFP8_E5M2>("MXFP8_E5M2", 200 * 300, 200 * 10, 200 * 10, 32);
  check<nvq::FP8_E4M3>("FP8_E4M3", 200 * 300, 1, 4, 0);
  check<nvq::FP8_E5M2>("FP8_E5M2", 200 * 300, 1, 4, 0);
  check<nvq::FP8_E4M3_Row>("FP8_E4M3_Row", 200 * 300, 200, 800, 0);
  check<nvq::FP8_E4M3_1x128>("FP8_E4M3_1x128", 200 * 300, 200 * 3, 2400, 128);
  check<nvq::FP8_E4M3_128x128>("FP8_E4M3_128x128", 200 * 300, 2 * 3, 24, 16384);
  check<nvq::FP8_E4M3_1x128_UE8M0>("FP8_E4M3_1x128_UE8M0", 200 * 300, 200 * 3, 600, 128);
  check<nvq::FP8_E4M3_128x128_UE8M0>("FP8_E4M3_128x128_UE8M0", 200 * 300, 2 * 3, 6, 16384);
  check<nvq::INT8>("INT8", 200 * 300, 1, 4, 0);
  check<nvq::INT8_Row>("INT8_Row", 200 * 300, 200, 800, 0);
  check<nvq::INT8_G128>("INT8_G128", 200 * 300, 200 * 3, 2400, 128);
  check<nvq::INT4_G32>("INT4_G32", 200 * 150, 200 * 10, 4000, 32);
  check<nvq::INT4_G64>("INT4_G64", 200 * 150, 200 * 5, 2000, 64);
  check<nvq::INT4_G128>("INT4_G128", 200 * 150, 200 * 3, 1200, 128);
  check<nvq::INT4_Row>("INT4_Row", 200 * 150, 200, 400, 0);
  check<nvq::INT4_G32_ZP>("INT4_G32_ZP", 200 * 150, 200 * 10, 4000, 32);
  check<nvq::INT4_G64_ZP>("INT4_G64_ZP", 200 * 150, 200 * 5, 2000, 64);
  check<nvq::INT4_G128_ZP>("INT4_G128_ZP", 200 * 150, 200 * 3, 1200, 128);
  check<nvq::NF4>("NF4", 200 * 150, 200 * 5, 4000, 64);
  // A byte for each of 1000 scales, four floats for their groups of 256 and one for the mean.
  check<nvq::NF4_DQ>("NF4_DQ", 200 * 150, 200 * 5, 1000 + 4 * 4 + 4, 64);
  CHECK(std::tuple_size<nvq::AllFormats>::value == 26);
}

TEST_CASE("sizes of matrices with an empty extent, and of invalid ones", "[format]") {
  CHECK(nvq::NVFP4::codes_bytes(0, 64) == 0);
  CHECK(nvq::NVFP4::scales_bytes(0, 64) == 0);
  CHECK(nvq::NVFP4::codes_bytes(64, 0) == 0);
  CHECK(nvq::NVFP4::scales_bytes(64, 0) == 0);
  CHECK(nvq::FP8_E4M3::scales_bytes(0, 7) == 0);
  CHECK(nvq::FP8_E4M3_Row::scales_bytes(5, 0) == 0);
  CHECK(nvq::NF4_DQ::scales_bytes(0, 0) == 0);
  CHECK(nvq::NVFP4::codes_bytes(-1, 64) == 0);
  CHECK(nvq::NVFP4::scales_bytes(4, -64) == 0);
  CHECK(nvq::INT8::codes_bytes(INT64_MAX, INT64_MAX) == 0);
  // No size that a valid shape gives overflows.
  CHECK(nvq::MXFP6_E2M3::codes_bytes(0, INT64_MAX) == 0);
  CHECK(nvq::FP8_E4M3::codes_bytes(0, INT64_MAX) == 0);
  CHECK(nvq::FP8_E4M3::codes_bytes(INT64_MAX, 0) == 0);
  CHECK(nvq::NVFP4_2D::scales_bytes(INT64_MAX, 0) == 0);
  CHECK(nvq::INT8::codes_bytes(std::int64_t{1} << 29, std::int64_t{1} << 30) == std::size_t{1} << 59);
}

TEST_CASE("rows start on a byte", "[format]") {
  CHECK(nvq::NVFP4::row_bytes(1) == 1);
  CHECK(nvq::NVFP4::row_bytes(3) == 2);
  CHECK(nvq::MXFP6_E2M3::row_bytes(1) == 1);
  CHECK(nvq::MXFP6_E2M3::row_bytes(4) == 3);
  CHECK(nvq::MXFP6_E2M3::row_bytes(5) == 4);
  CHECK(nvq::INT8::row_bytes(5) == 5);
  CHECK(nvq::NVFP4::codes_bytes(5, 3) == 10);
}

TEST_CASE("a format of one's own has no name", "[format]") {
  using Own = nvq::Format<nvq::E2M1, nvq::Block<8>, nvq::ScaleBF16, nvq::TensorNone>;
  CHECK(std::string(nvq::format_name<Own>).empty());
  CHECK(Own::scales_bytes(2, 9) == 8);
  CHECK(nvq::is_format_v<Own>);
  CHECK_FALSE(nvq::is_format_v<int>);
}
