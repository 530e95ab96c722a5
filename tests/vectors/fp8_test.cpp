// SPDX-License-Identifier: Apache-2.0
#include <nvq/fp8.hpp>

#include "compare.hpp"

using namespace nvq_test;

namespace {

/// The sets of gen/fp8_inputs.py: rows of 128, and the matrices of squares().
Matrix load_set(const std::string& set) {
  const Vectors inputs("fp8_inputs.safetensors");
  if (set == "a2" || set == "a256") {
    Matrix a = load_matrix(inputs, "a");
    if (set == "a2") return {2, 49152, a.values};
    a.values.resize(128 * 256);
    return {128, 256, a.values};
  }
  return load_matrix(inputs, set);
}

/// The owner's scales as F holds them: float, or the exponent byte of a power of two.
template <class F>
std::vector<typename F::scale_type> as_stored(const std::vector<float>& scales) {
  std::vector<typename F::scale_type> stored;
  for (const float s : scales) {
    if constexpr (std::is_same<typename F::scale_type, float>::value) {
      stored.push_back(s);
    } else {
      const auto e = static_cast<std::uint8_t>(nvq::float_bits(s) >> 23);
      REQUIRE((nvq::float_bits(s) & 0x807FFFFFu) == 0);
      stored.push_back(e);
    }
  }
  return stored;
}

template <class F, class R, class Explain = bool (*)(const CodeDifference&)>
Differences compare(const Vectors& owner, const std::string& what, R recipe,
                    const std::vector<std::string>& sets, Explain explain = nothing_explains) {
  Differences all;
  INFO(owner.provenance());
  for (const std::string& set : sets) {
    const std::string prefix = what + "." + set;
    const Matrix in = load_set(set), scales = load_matrix(owner, prefix + ".scales");
    const auto q = nvq::quantize<F>(in.values, {in.rows, in.columns}, recipe);
    Differences d = differences(in, q, owner.tensor<std::uint8_t>(prefix + ".codes").data,
                                as_stored<F>(scales.values), explain);
    if (!d.first.empty()) d.first = prefix + ": " + d.first;
    all += d;
  }
  return all;
}

// torch leaves the sign of a NaN code to the processor.
bool both_nan(const CodeDifference& d) { return (d.ours & 0x7F) == 0x7F && (d.theirs & 0x7F) == 0x7F; }

void check(const Differences& d, std::size_t explained = 0, std::size_t scales = 0) {
  INFO(d.first);
  CHECK(d.codes == 0);
  CHECK(d.scales == scales);
  CHECK(d.explained == explained);
}

const std::vector<std::string> rows = {"a", "b", "s"}, matrices = {"a2", "a256", "t"};

}  // namespace

TEST_CASE("FP8 deepgemm equals DeepGEMM's casts", "[vectors][fp8]") {
  const Vectors owner("fp8_deepgemm.safetensors");
  const auto r = nvq::recipe::deepgemm;
  check(compare<nvq::FP8_E4M3_1x128>(owner, "group128", r, rows, both_nan), 20);
  check(compare<nvq::FP8_E4M3_1x128_UE8M0>(owner, "group128_ue8m0", r, rows, both_nan), 12);
  check(compare<nvq::FP8_E4M3_128x128>(owner, "block128x128", r, matrices));
  check(compare<nvq::FP8_E4M3_128x128_UE8M0>(owner, "block128x128_ue8m0", r, matrices));
}

TEST_CASE("FP8 deepseek equals DeepSeek-V3's kernel", "[vectors][fp8]") {
  const Vectors owner("fp8_deepseek.safetensors");
  check(compare<nvq::FP8_E4M3_1x128>(owner, "group128", nvq::recipe::deepseek, rows, both_nan), 39);
}

TEST_CASE("FP8 transformer_engine equals TransformerEngine's references", "[vectors][fp8]") {
  const Vectors owner("fp8_transformer_engine.safetensors");
  const auto r = nvq::recipe::transformer_engine;
  // Its reference takes the largest bfloat16 for 448 / amax that overflows when the input is bfloat16: 9 rows
  // of set a. In set s it lets NaN and Inf into the amax, which its kernels replace by a scale of 1, as nvq
  // does.
  check(compare<nvq::FP8_E4M3_1x128>(owner, "group128", r, {"a"}), 0, 9);
  check(compare<nvq::FP8_E4M3_1x128>(owner, "group128", r, {"b"}));
  check(compare<nvq::FP8_E4M3_Row>(owner, "current_scaling", r, {"a", "b"}));
  check(compare<nvq::FP8_E4M3_128x128>(owner, "block128x128", r, matrices));
}

TEST_CASE("FP8 compressed_tensors equals compressed-tensors", "[vectors][fp8]") {
  const Vectors owner("fp8_compressed_tensors.safetensors");
  check(compare<nvq::FP8_E4M3_Row>(owner, "channel", nvq::recipe::compressed_tensors, {"b", "s"}, both_nan),
        2055);
  check(compare<nvq::FP8_E4M3_128x128>(owner, "block128x128", nvq::recipe::compressed_tensors, {"t"}));
  check(compare<nvq::FP8_E4M3_Row>(owner, "channel", nvq::recipe::compressed_tensors_bf16, {"a"}));
  check(compare<nvq::FP8_E4M3_128x128>(owner, "block128x128", nvq::recipe::compressed_tensors_bf16,
                                       {"a2", "a256"}));
}

TEST_CASE("FP8 amax equals torchao and ModelOpt on float32", "[vectors][fp8]") {
  // In 5 rows of set b amax / 448 is 0. Both then divide by it and saturate; nvq's codes are 0. All decode to
  // 0.
  const auto zero = [](const CodeDifference& d) { return d.block_scale == 0.0f; };
  const Vectors torchao("fp8_torchao.safetensors"), modelopt("fp8_modelopt.safetensors");
  const auto r = nvq::recipe::amax;
  check(compare<nvq::FP8_E4M3_Row>(torchao, "row", r, {"b"}, zero), 640);
  check(compare<nvq::FP8_E4M3_128x128>(torchao, "block128x128", r, {"t"}));
  check(compare<nvq::FP8_E4M3_Row>(modelopt, "channel", r, {"b"}, zero), 640);
  check(compare<nvq::FP8_E4M3_128x128>(modelopt, "block128x128", r, {"t"}));
}
