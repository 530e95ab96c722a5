// SPDX-License-Identifier: Apache-2.0
#include <nvq/nvfp4.hpp>
#include <set>

#include "compare.hpp"

using namespace nvq_test;

namespace {

struct Expectation {
  std::size_t cases;      ///< tensors compared, so that a case cannot drop out unnoticed
  std::size_t explained;  ///< codes that differ for the reason given
};

/// Encodes every input tensor that the owner's file has and compares codes, scales and tensor scale.
template <class F, class R, class Explain = bool (*)(const CodeDifference&)>
void check(const std::string& file, R recipe, Expectation expected, Explain explain = nothing_explains,
           const std::set<std::string>& skip = {}, bool to_bf16 = false) {
  const Vectors inputs("nvfp4_inputs.safetensors"), owner(file);
  INFO(owner.provenance());
  std::size_t cases = 0, explained = 0, blocks = 0;
  double decode_ulp = 0.0;
  for (const std::string& name : inputs.names()) {
    if (!owner.has(name + ".codes") || skip.count(name) != 0) continue;
    Matrix in = load_matrix(inputs, name);
    if (to_bf16)
      for (float& x : in.values) x = nvq::to_float(nvq::bfloat16(x));
    nvq::encode_options options;
    if (inputs.has(name + ".amax")) options.amax = inputs.scalar<float>(name + ".amax");
    const auto q = nvq::quantize<F>(in.values, {in.rows, in.columns}, recipe, options);
    const Differences d = differences(in, q, owner.tensor<std::uint8_t>(name + ".codes").data,
                                      owner.tensor<std::uint8_t>(name + ".scales").data, explain);
    INFO(name << ": " << d.first);
    CHECK(d.codes == 0);
    CHECK(d.scales == 0);
    explained += d.explained;
    ++cases;
    blocks += q.scales().size();
    const float amax = options.amax < 0.0f ? nvq::amax(in.values, nvq::NaN::propagate) : options.amax;
    if (owner.has(name + ".decode_scale"))
      CHECK(nvq::float_bits(q.tensor_scale()) ==
            nvq::float_bits(owner.scalar<float>(name + ".decode_scale")));
    if (owner.has(name + ".encode_scale"))
      CHECK(nvq::tensor_scales<F>(amax, recipe).encode == owner.scalar<float>(name + ".encode_scale"));
    if (owner.has(name + ".decoded"))
      decode_ulp = std::fmax(
          decode_ulp, worst_ulp(nvq::dequantize<float>(q), owner.tensor<float>(name + ".decoded").data));
  }
  CHECK(cases == expected.cases);
  CHECK(explained == expected.explained);
  CHECK(blocks * F::block_size >= 10000 * 16);
  // Owners round the product of the two scales, or the reciprocal of the stored divisor, before the last
  // product.
  CHECK(decode_ulp <= 2.0);
}

// TransformerEngine's reference tests x >= 0 before it packs, so -0 gets code 0; its kernels keep the sign
// (cvt.rn.satfinite).
bool negative_zero(const CodeDifference& d) { return d.x == 0.0f && d.ours == 8 && d.theirs == 0; }

// Under a NaN scale everything decodes to NaN; which code an owner leaves there follows the bits of its NaN.
bool under_nan_scale(const CodeDifference& d) { return std::isnan(d.block_scale); }

}  // namespace

TEST_CASE("NVFP4 transformer_engine equals TransformerEngine", "[vectors][nvfp4]") {
  check<nvq::NVFP4>("nvfp4_transformer_engine.safetensors", nvq::recipe::transformer_engine, {29, 2505},
                    negative_zero);
}
TEST_CASE("NVFP4_2D transformer_engine equals TransformerEngine", "[vectors][nvfp4]") {
  check<nvq::NVFP4_2D>("nvfp4_transformer_engine_2d.safetensors", nvq::recipe::transformer_engine, {29, 2505},
                       negative_zero);
}
TEST_CASE("NVFP4 modelopt equals nvidia-modelopt", "[vectors][nvfp4]") {
  check<nvq::NVFP4>("nvfp4_modelopt.safetensors", nvq::recipe::modelopt, {28, 0});
}
TEST_CASE("NVFP4 compressed_tensors equals compressed-tensors on float32", "[vectors][nvfp4]") {
  check<nvq::NVFP4>("nvfp4_compressed_tensors.safetensors", nvq::recipe::compressed_tensors, {30, 0});
}
TEST_CASE("NVFP4 compressed_tensors_bf16 equals compressed-tensors on bfloat16", "[vectors][nvfp4]") {
  check<nvq::NVFP4>("nvfp4_compressed_tensors_bf16.safetensors", nvq::recipe::compressed_tensors_bf16,
                    {30, 96}, under_nan_scale, {}, true);
}
TEST_CASE("NVFP4 torchao equals torchao", "[vectors][nvfp4]") {
  check<nvq::NVFP4>("nvfp4_torchao.safetensors", nvq::recipe::torchao, {28, 64}, under_nan_scale);
}
TEST_CASE("NVFP4 vllm equals vLLM's reference with correctly rounded reciprocals", "[vectors][nvfp4]") {
  // Left out: where 2688 / amax is infinite or zero, which vLLM leaves to its caller and nvq keeps finite.
  check<nvq::NVFP4>("nvfp4_vllm_reference.safetensors", nvq::recipe::vllm, {24, 1993}, negative_zero,
                    {"inf", "negative_inf", "subnormal", "tiny_1e37"});
}
TEST_CASE("NVFP4 ggml equals quantize_row_nvfp4_ref", "[vectors][nvfp4]") {
  check<nvq::NVFP4>("nvfp4_ggml.safetensors", nvq::recipe::ggml, {25, 0});
}
TEST_CASE("NVFP4 four_over_six equals TransformerEngine", "[vectors][nvfp4]") {
  check<nvq::NVFP4>("nvfp4_transformer_engine_4over6_mse_256.safetensors", nvq::recipe::four_over_six,
                    {29, 2505}, negative_zero);
  check<nvq::NVFP4>("nvfp4_transformer_engine_4over6_mae_256.safetensors", nvq::recipe::four_over_six_mae,
                    {29, 2505}, negative_zero);
  check<nvq::NVFP4>("nvfp4_transformer_engine_4over6_mse_448.safetensors", nvq::recipe::four_over_six_448,
                    {29, 2505}, negative_zero);
  check<nvq::NVFP4>("nvfp4_transformer_engine_4over6_mae_448.safetensors", nvq::recipe::four_over_six_mae_448,
                    {29, 2505}, negative_zero);
}
TEST_CASE("NVFP4_2D four_over_six equals TransformerEngine", "[vectors][nvfp4]") {
  check<nvq::NVFP4_2D>("nvfp4_transformer_engine_4over6_mse_256_2d.safetensors", nvq::recipe::four_over_six,
                       {29, 2505}, negative_zero);
  check<nvq::NVFP4_2D>("nvfp4_transformer_engine_4over6_mae_256_2d.safetensors",
                       nvq::recipe::four_over_six_mae, {29, 2505}, negative_zero);
}
