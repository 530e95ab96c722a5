// SPDX-License-Identifier: Apache-2.0
#include "bulk.hpp"

#include <nvq/fp8.hpp>
#include <nvq/int4.hpp>
#include <nvq/int8.hpp>
#include <nvq/nvfp4.hpp>

#include "support/catch.hpp"
#include "support/vectors.hpp"

// Ten thousand blocks a recipe and owner, of which the files have hashes: gen/bulk.py.

using namespace nvq_test;

namespace {

/// Encodes every chunk of a set and compares the hashes of codes, scales and zero points with the owner's.
/// Returns the number of blocks.
template <class F, class R>
std::int64_t check(const Vectors& owner, const std::string& recipe_name, const std::string& set_name,
                   R recipe) {
  const BulkSet set(owner.tensor<std::int64_t>(set_name + ".set").data);
  const BulkGenerator generator(set);
  const std::string prefix = recipe_name + "." + set_name;
  const auto inputs = owner.tensor<std::uint64_t>(set_name + ".inputs");
  const auto codes = owner.tensor<std::uint64_t>(prefix + ".codes");
  const auto scales = owner.tensor<std::uint64_t>(prefix + ".scales");
  Tensor<std::uint64_t> zero_points;
  if (F::has_zero_point) zero_points = owner.tensor<std::uint64_t>(prefix + ".zero_points");
  REQUIRE(codes.size() == static_cast<std::size_t>(set.chunks));
  std::size_t other_inputs = 0, other_codes = 0, other_scales = 0, other_zero_points = 0;
  std::int64_t blocks = 0;
  std::string chunks;
  for (std::size_t k = 0; k < codes.size(); ++k) {
    const std::vector<float> x = generator.chunk(static_cast<std::int64_t>(k));
    const auto q = nvq::quantize<F>(x, {set.rows, set.columns}, recipe);
    Fnv1a of_inputs, of_codes, of_scales, of_zero_points;
    of_inputs.add(x);
    of_codes.add(q.codes());
    for (const auto& s : q.scales()) of_scales.add(F::block_scale::decode(s));
    const bool same_codes = of_codes.value() == codes[k], same_scales = of_scales.value() == scales[k];
    bool same_zero_points = true;
    if constexpr (F::has_zero_point) {
      of_zero_points.add(q.zero_points());
      same_zero_points = of_zero_points.value() == zero_points[k];
    }
    other_inputs += of_inputs.value() != inputs[k];
    other_codes += !same_codes;
    other_scales += !same_scales;
    other_zero_points += !same_zero_points;
    if (!(same_codes && same_scales && same_zero_points)) chunks += " " + std::to_string(k);
    blocks += static_cast<std::int64_t>(q.scales().size());
  }
  INFO(owner.provenance());
  INFO(prefix << ", chunks of " << set.blocks_of_chunk() << " blocks that differ:" << chunks);
  CHECK(other_inputs == 0);  // where this fails the generators differ, and the rest means nothing
  CHECK(other_codes == 0);
  CHECK(other_scales == 0);
  CHECK(other_zero_points == 0);
  return blocks;
}

template <class F, class R>
void check_fp8_tiles(const Vectors& owner, const std::string& recipe_name, const std::string& kind,
                     R recipe) {
  std::int64_t blocks = 0;
  for (const char* shape : {"fp8_wide", "fp8_tall", "fp8_square"})
    blocks += check<F>(owner, recipe_name, shape + kind, recipe);
  CHECK(blocks == 10272);
}

/// FP8 by row, by 128 x 128 and by tensor.
template <class R>
void check_fp8(const Vectors& owner, const std::string& kind, R recipe) {
  CHECK(check<nvq::FP8_E4M3_Row>(owner, "fp8_row", "fp8_rows" + kind, recipe) == 10240);
  check_fp8_tiles<nvq::FP8_E4M3_128x128>(owner, "fp8_block128x128", kind, recipe);
  CHECK(check<nvq::FP8_E4M3>(owner, "fp8_tensor", "fp8_tensors" + kind, recipe) == 320);
}

template <class F, class R>
void check_fp8_groups(const Vectors& owner, const std::string& recipe_name, R recipe) {
  CHECK(check<F>(owner, recipe_name, "fp8_groups", recipe) == 10240);
  CHECK(check<F>(owner, recipe_name, "fp8_groups_bf16", recipe) == 5120);
}

template <class R>
void check_nvfp4_tiles(const std::string& recipe_name, R recipe) {
  const Vectors owner("bulk_transformer_engine_nvfp4.safetensors");
  CHECK(check<nvq::NVFP4_2D>(owner, recipe_name, "nvfp4_tiles", recipe) +
            check<nvq::NVFP4_2D>(owner, recipe_name, "nvfp4_tiles_bf16", recipe) ==
        10240);
}

using INT4_F32 = nvq::INT4_G128_With<nvq::ScaleFP32>;
using INT4_BF16 = nvq::INT4_G128_With<nvq::ScaleBF16>;
using INT4_ZP_F32 = nvq::INT4_G128_ZP_With<nvq::ScaleFP32>;

}  // namespace

TEST_CASE("Bulk: FP8 deepgemm equals DeepGEMM's casts", "[vectors][fp8][bulk]") {
  const Vectors owner("bulk_deepgemm.safetensors");
  const auto r = nvq::recipe::deepgemm;
  check_fp8_groups<nvq::FP8_E4M3_1x128>(owner, "group128", r);
  check_fp8_groups<nvq::FP8_E4M3_1x128_UE8M0>(owner, "group128_ue8m0", r);
  check_fp8_tiles<nvq::FP8_E4M3_128x128>(owner, "block128x128", "", r);
  check_fp8_tiles<nvq::FP8_E4M3_128x128_UE8M0>(owner, "block128x128_ue8m0", "", r);
}

TEST_CASE("Bulk: FP8 deepseek equals DeepSeek-V3's kernel", "[vectors][fp8][bulk]") {
  check_fp8_groups<nvq::FP8_E4M3_1x128>(Vectors("bulk_deepseek.safetensors"), "group128",
                                        nvq::recipe::deepseek);
}

TEST_CASE("Bulk: FP8 transformer_engine equals TransformerEngine's references", "[vectors][fp8][bulk]") {
  const Vectors owner("bulk_transformer_engine.safetensors");
  const auto r = nvq::recipe::transformer_engine;
  check_fp8_groups<nvq::FP8_E4M3_1x128>(owner, "group128", r);
  check_fp8_tiles<nvq::FP8_E4M3_128x128>(owner, "block128x128", "", r);
  CHECK(check<nvq::FP8_E4M3_Row>(owner, "row", "fp8_rows", r) == 10240);
  CHECK(check<nvq::FP8_E4M3>(owner, "tensor", "fp8_tensors", r) == 320);
}

TEST_CASE("Bulk: FP8 compressed_tensors equals compressed-tensors", "[vectors][fp8][bulk]") {
  const Vectors owner("bulk_compressed_tensors.safetensors");
  check_fp8(owner, "", nvq::recipe::compressed_tensors);
  check_fp8(owner, "_bf16", nvq::recipe::compressed_tensors_bf16);
}

TEST_CASE("Bulk: FP8 amax equals torchao and ModelOpt on float32", "[vectors][fp8][bulk]") {
  check_fp8(Vectors("bulk_torchao.safetensors"), "_nonzero", nvq::recipe::amax);
  check_fp8(Vectors("bulk_modelopt.safetensors"), "_nonzero", nvq::recipe::amax);
}

TEST_CASE("Bulk: INT compressed_tensors equals compressed-tensors", "[vectors][int][bulk]") {
  const Vectors owner("bulk_compressed_tensors.safetensors");
  const auto r = nvq::recipe::compressed_tensors;
  const auto bf16 = nvq::recipe::compressed_tensors_bf16;
  CHECK(check<INT4_F32>(owner, "int4_group128", "int_groups", r) == 10240);
  CHECK(check<INT4_BF16>(owner, "int4_group128", "int_groups_bf16", bf16) == 10240);
  CHECK(check<INT4_ZP_F32>(owner, "int4_group128_asymmetric", "int_groups", r) == 10240);
  CHECK(check<nvq::INT8_G128>(owner, "int8_group128", "int_groups", r) == 10240);
  CHECK(check<nvq::INT8_Row>(owner, "int8_channel", "int_rows", r) == 10240);
  CHECK(check<nvq::INT8_Row>(owner, "int8_channel", "int_rows_bf16", bf16) == 10240);
  CHECK(check<nvq::INT8>(owner, "int8_tensor", "int_tensors", r) == 320);
}

TEST_CASE("Bulk: INT4 gptq equals AutoGPTQ's quantizer", "[vectors][int][bulk]") {
  const Vectors owner("bulk_gptq.safetensors");
  CHECK(check<INT4_ZP_F32>(owner, "asymmetric", "int_groups_normal", nvq::recipe::gptq) == 10240);
  CHECK(check<INT4_ZP_F32>(owner, "asymmetric", "int_groups_f16", nvq::recipe::gptq) == 5120);
}

TEST_CASE("Bulk: INT4 awq and amax equal AutoAWQ's quantizer", "[vectors][int][bulk]") {
  const Vectors owner("bulk_awq.safetensors");
  CHECK(check<INT4_ZP_F32>(owner, "asymmetric", "int_groups_normal", nvq::recipe::awq) == 10240);
  // Without zero points AutoAWQ has nvq's own rule, but for blocks below its least amax, 1e-5.
  CHECK(check<INT4_F32>(owner, "symmetric", "int_groups_nonzero", nvq::recipe::amax) == 10240);
}

TEST_CASE("Bulk: INT8 amax equals ModelOpt on float32", "[vectors][int][bulk]") {
  const Vectors owner("bulk_modelopt.safetensors");
  CHECK(check<nvq::INT8_Row>(owner, "int8_channel", "int_rows_nonzero", nvq::recipe::amax) == 10240);
  CHECK(check<nvq::INT8>(owner, "int8_tensor", "int_tensors_nonzero", nvq::recipe::amax) == 320);
}

TEST_CASE("Bulk: INT4 and INT8 ggml equal Q4_0 and Q8_0", "[vectors][int][bulk]") {
  const Vectors owner("bulk_gguf.safetensors");
  using Q8 = nvq::Format<nvq::Int8, nvq::Block32, nvq::ScaleFP16, nvq::TensorNone>;
  CHECK(check<nvq::INT4_G32>(owner, "q4_0", "int_q4_0", nvq::recipe::ggml) == 10240);
  CHECK(check<Q8>(owner, "q8_0", "int_q8_0", nvq::recipe::ggml) == 10240);
}

TEST_CASE("Bulk: NVFP4_2D equals TransformerEngine", "[vectors][nvfp4][bulk]") {
  check_nvfp4_tiles("plain", nvq::recipe::transformer_engine);
  check_nvfp4_tiles("4over6_mse_256", nvq::recipe::four_over_six);
  check_nvfp4_tiles("4over6_mae_256", nvq::recipe::four_over_six_mae);
  check_nvfp4_tiles("4over6_mse_448", nvq::recipe::four_over_six_448);
  check_nvfp4_tiles("4over6_mae_448", nvq::recipe::four_over_six_mae_448);
}
