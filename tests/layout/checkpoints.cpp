// SPDX-License-Identifier: Apache-2.0

// The tensors of GPTQ, AWQ and compressed-tensors checkpoints against the packages that write them.

#include "support.hpp"

using namespace layout_test;
using namespace nvq::layout;

namespace {

static_assert(GptqWeights<4>({3, 16}).offset(0, 7) == 7 && GptqWeights<4>({3, 16}).offset(1, 0) == 8);
static_assert(GptqWeights<4>({3, 16}).offset(0, 8) == 24 && GptqWeights<8>({3, 16}).offset(2, 5) == 21);
static_assert(GptqZeros<4>({8, 2}).offset(3, 1) == 11);
static_assert(GptqZeros<4>::stored(8) == 7 && GptqZeros<4>::stored(0) == 15 && GptqZeros<4>::loaded(15) == 0);
static_assert(GptqZeros<8>::stored(0) == 255 && GptqZeros<4, GptqVersion::v2>::stored(8) == 8);
static_assert(AwqWeights({16, 4}).offset(1, 0) == 4 && AwqWeights({16, 4}).offset(2, 0) == 1);
static_assert(AwqWeights({16, 4}).offset(15, 2) == 47 && AwqWeights({16, 4}).offset(8, 1) == 24);
static_assert(PackQuantizedWeights<4>({2, 9}).bytes() == 16 && PackQuantizedZeros<4>({9, 3}).bytes() == 24);

template <int Bits>
void gptq(const nvq_test::Vectors& v) {
  const std::string bits = "_" + std::to_string(Bits);
  const auto codes = v.tensor<std::uint8_t>("codes" + bits);
  check_both_ways(GptqWeights<Bits>(shape_of(codes)), packed_codes(codes, Bits),
                  file_bytes(v.tensor<std::int32_t>("qweight" + bits)));
  const auto zeros = v.tensor<std::uint8_t>("zeros" + bits);
  check_both_ways(GptqZeros<Bits, GptqVersion::v1>(shape_of(zeros)), zeros.data,
                  file_bytes(v.tensor<std::int32_t>("qzeros_v1" + bits)));
  check_both_ways(GptqZeros<Bits, GptqVersion::v2>(shape_of(zeros)), zeros.data,
                  file_bytes(v.tensor<std::int32_t>("qzeros_v2" + bits)));
  const auto scales = v.tensor<std::uint16_t>("scales" + bits);
  check_both_ways(GroupMajorScales<>({scales.dim(0), scales.dim(1)}), scales.data,
                  v.tensor<std::uint16_t>("qscales" + bits).data);
}

/// Signed values in a byte each as two's complement codes of `bits`.
nvq_test::Tensor<std::uint8_t> codes_of(const nvq_test::Tensor<std::int8_t>& values, int bits) {
  nvq_test::Tensor<std::uint8_t> codes;
  codes.shape = values.shape;
  for (const std::int8_t q : values)
    codes.data.push_back(static_cast<std::uint8_t>(static_cast<std::uint8_t>(q) & ((1 << bits) - 1)));
  return codes;
}

template <int Bits>
void pack_quantized(const nvq_test::Vectors& v, const std::string& shape) {
  const std::string name = "_" + std::to_string(Bits) + "_" + shape;
  INFO(v.provenance() << ", " << name);
  const auto values = v.tensor<std::int8_t>("values" + name);
  const auto codes = codes_of(values, Bits);
  check_both_ways(PackQuantizedWeights<Bits>(shape_of(codes)), packed_codes(codes, Bits),
                  file_bytes(v.tensor<std::int32_t>("packed1" + name)), nvq::Recode::offset_binary);
  // Zero points: nvq holds the unsigned z; compressed-tensors packs z - 2^(Bits-1) after adding it back.
  bytes zeros;
  for (const std::int8_t q : values) zeros.push_back(static_cast<std::uint8_t>(q + (1 << (Bits - 1))));
  check_both_ways(PackQuantizedZeros<Bits>(shape_of(codes)), zeros,
                  file_bytes(v.tensor<std::int32_t>("packed0" + name)));
}

}  // namespace

TEST_CASE("GPTQ tensors are GPTQModel's", "[layout]") {
  const nvq_test::Vectors v("layout_gptqmodel.safetensors");
  INFO(v.provenance());
  gptq<4>(v);
  gptq<8>(v);
}

TEST_CASE("AWQ tensors are AutoAWQ's", "[layout]") {
  const nvq_test::Vectors v("layout_autoawq.safetensors");
  INFO(v.provenance());
  const auto codes = v.tensor<std::uint8_t>("codes");
  check_both_ways(AwqWeights(shape_of(codes)), packed_codes(codes, 4),
                  file_bytes(v.tensor<std::int32_t>("qweight")));
  const auto zeros = v.tensor<std::uint8_t>("zeros");
  check_both_ways(AwqZeros(shape_of(zeros)), zeros.data, file_bytes(v.tensor<std::int32_t>("qzeros")));
  const auto scales = v.tensor<std::uint16_t>("scales");
  check_both_ways(GroupMajorScales<>({scales.dim(0), scales.dim(1)}), scales.data,
                  v.tensor<std::uint16_t>("qscales").data);
}

TEST_CASE("pack-quantized tensors are compressed-tensors'", "[layout]") {
  const nvq_test::Vectors v("layout_compressed_tensors.safetensors");
  for (const char* shape : {"24x64", "13x22"}) {
    pack_quantized<4>(v, shape);
    pack_quantized<8>(v, shape);
  }
}

TEST_CASE("a symmetric GPTQ checkpoint stores its zero points as 0x77777777 in v1, 0x88888888 in v2",
          "[layout]") {
  const bytes zeros(16, 8);
  check_both_ways(GptqZeros<4, GptqVersion::v1>({16, 1}), zeros, bytes(8, 0x77));
  check_both_ways(GptqZeros<4, GptqVersion::v2>({16, 1}), zeros, bytes(8, 0x88));
}

TEST_CASE("one layout converts into another directly", "[layout]") {
  const nvq_test::Vectors gptq_vectors("layout_gptqmodel.safetensors");
  const auto codes = gptq_vectors.tensor<std::uint8_t>("codes_4");
  const auto qweight = file_bytes(gptq_vectors.tensor<std::int32_t>("qweight_4"));
  const GptqWeights<4> gptq_layout(shape_of(codes));
  const AwqWeights awq_layout(shape_of(codes));
  bytes through_linear(qweight.size()), direct(qweight.size());
  REQUIRE(nvq::to_layout(awq_layout, packed_codes(codes, 4), through_linear));
  REQUIRE(nvq::convert_layout(gptq_layout, qweight, awq_layout, direct));
  CHECK(direct == through_linear);
}
