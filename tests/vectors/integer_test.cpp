// SPDX-License-Identifier: Apache-2.0
#include <nvq/int4.hpp>
#include <nvq/int8.hpp>

#include "compare.hpp"

using namespace nvq_test;

namespace {

/// The sets of gen/int_inputs.py, rows of 128; mx_a is set a of mx_inputs as rows of 128.
Matrix load_set(const std::string& set) {
  if (set != "mx_a") return load_matrix(Vectors("int_inputs.safetensors"), set);
  const Matrix a = load_matrix(Vectors("mx_inputs.safetensors"), "a");
  return {a.rows * a.columns / 128, 128, a.values};
}

template <class F>
std::vector<typename F::scale_type> as_stored(const std::vector<float>& scales) {
  std::vector<typename F::scale_type> stored;
  for (const float s : scales) {
    stored.push_back(F::block_scale::encode(s));
    const bool exact = F::block_scale::decode(stored.back()) == s || std::isnan(s);
    REQUIRE(exact);
  }
  return stored;
}

/// Codes, scales and zero points equal the owner's. Owners with signed codes have codes and zero points
/// less 8.
template <class F, class R>
void check(const Vectors& owner, const std::string& what, const std::string& set, R recipe) {
  const std::string prefix = what + "." + set;
  INFO(prefix << " of " << owner.provenance());
  const Matrix in = load_set(set), scales = load_matrix(owner, prefix + ".scales");
  const auto q = nvq::quantize<F>(in.values, {in.rows, in.columns}, recipe);
  std::vector<std::uint8_t> codes = owner.tensor<std::uint8_t>(prefix + ".codes").data;
  const bool is_signed = F::has_zero_point && owner.dtype(prefix + ".zero_points") == "I8";
  if (is_signed)
    for (std::uint8_t& byte : codes) byte ^= 0x88u;  // adds 8 to each code
  const Differences d = differences(in, q, codes, as_stored<F>(scales.values));
  INFO(d.first);
  CHECK(d.codes == 0);
  CHECK(d.scales == 0);
  if (F::has_zero_point) {
    std::vector<std::uint8_t> zero_points;
    if (is_signed)
      for (const int z : owner.tensor<std::int8_t>(prefix + ".zero_points"))
        zero_points.push_back(static_cast<std::uint8_t>(z + 8));
    else
      zero_points = owner.tensor<std::uint8_t>(prefix + ".zero_points").data;
    CHECK(q.zero_points() == zero_points);
  }
  if (owner.has(prefix + ".decoded")) {
    std::vector<float> ours = nvq::dequantize<float>(q);
    const auto theirs = owner.tensor<float>(prefix + ".decoded");
    ours.resize(theirs.size());
    // Zero blocks decode to 0 * scale, whose sign follows the scale's.
    for (float& x : ours) x += 0.0f;
    CHECK(worst_ulp(ours, theirs.data) == 0.0);
  }
}

using INT4_F32 = nvq::INT4_G128_With<nvq::ScaleFP32>;
using INT4_BF16 = nvq::INT4_G128_With<nvq::ScaleBF16>;
using INT4_ZP_F32 = nvq::INT4_G128_ZP_With<nvq::ScaleFP32>;

/// The blocks of a ggml type in the order nvq has: [rows, blocks of a row], each 2 bytes of scale, then
/// codes.
struct GgmlBlocks {
  std::vector<std::uint16_t> scales;
  std::vector<std::uint8_t> codes;
};

GgmlBlocks q4_0(const Tensor<std::uint8_t>& blocks) {
  GgmlBlocks out;
  for (std::size_t b = 0; b < blocks.size(); b += 18) {
    out.scales.push_back(static_cast<std::uint16_t>(blocks[b] | (blocks[b + 1] << 8)));
    unsigned q[32];
    for (std::size_t j = 0; j < 16; ++j) {
      q[j] = blocks[b + 2 + j] & 15u;
      q[j + 16] = blocks[b + 2 + j] >> 4u;
    }
    // Codes are stored with 8 added; as two's complement that flips the top bit.
    for (std::size_t j = 0; j < 32; j += 2)
      out.codes.push_back(static_cast<std::uint8_t>((q[j] | (q[j + 1] << 4)) ^ 0x88u));
  }
  return out;
}

GgmlBlocks q8_0(const Tensor<std::uint8_t>& blocks) {
  GgmlBlocks out;
  for (std::size_t b = 0; b < blocks.size(); b += 34) {
    out.scales.push_back(static_cast<std::uint16_t>(blocks[b] | (blocks[b + 1] << 8)));
    for (std::size_t j = 0; j < 32; ++j) out.codes.push_back(blocks[b + 2 + j]);
  }
  return out;
}

template <class F, class Blocks>
std::size_t check_ggml(const Vectors& owner, const std::string& type, const std::string& set, Blocks blocks,
                       float least) {
  const Matrix in = load_set(set);
  const auto q = nvq::quantize<F>(in.values, {in.rows, in.columns}, nvq::recipe::ggml);
  const GgmlBlocks theirs = blocks(owner.tensor<std::uint8_t>(type + "." + set + ".blocks"));
  REQUIRE(theirs.scales.size() == q.scales().size());
  REQUIRE(theirs.codes.size() == q.codes().size());
  const std::size_t bytes = q.codes().size() / q.scales().size();
  std::size_t compared = 0;
  for (std::size_t b = 0; b < q.scales().size(); ++b) {
    float amax = 0.0f;
    for (std::size_t i = 0; i < 32; ++i) amax = std::fmax(amax, std::fabs(in.values[b * 32 + i]));
    const bool overflows = std::isinf(nvq::to_float(nvq::half::from_bits(theirs.scales[b])));
    if (overflows || (amax > 0.0f && amax < least)) continue;
    ++compared;
    INFO(type << "." << set << " block " << b << " amax " << amax);
    // 0 / -8 is -0 in ggml's C; gguf divides the first element of a zero block, which may be -0.
    if (amax == 0.0f)
      CHECK(((q.scales()[b] | theirs.scales[b]) & 0x7FFFu) == 0);
    else
      CHECK(q.scales()[b] == theirs.scales[b]);
    CHECK(std::equal(q.codes().begin() + static_cast<std::ptrdiff_t>(b * bytes),
                     q.codes().begin() + static_cast<std::ptrdiff_t>((b + 1) * bytes),
                     theirs.codes.begin() + static_cast<std::ptrdiff_t>(b * bytes)));
  }
  return compared;
}

}  // namespace

TEST_CASE("INT compressed_tensors equals compressed-tensors", "[vectors][int]") {
  const Vectors owner("int_compressed_tensors.safetensors");
  const auto r = nvq::recipe::compressed_tensors;
  check<INT4_F32>(owner, "int4_group128", "b", r);
  check<INT4_F32>(owner, "int4_group128", "s", r);
  check<nvq::INT8_Row>(owner, "int8_channel", "b", r);
  check<nvq::INT8_Row>(owner, "int8_channel", "s", r);
  check<INT4_ZP_F32>(owner, "int4_group128_asymmetric", "b", r);
  check<INT4_BF16>(owner, "int4_group128", "mx_a", nvq::recipe::compressed_tensors_bf16);
}

TEST_CASE("INT4 gptq equals AutoGPTQ's quantizer", "[vectors][int]") {
  const Vectors owner("int_gptq.safetensors");
  check<INT4_ZP_F32>(owner, "asymmetric", "a", nvq::recipe::gptq);
  check<INT4_ZP_F32>(owner, "asymmetric", "b", nvq::recipe::gptq);
}

TEST_CASE("INT4 awq equals AutoAWQ's quantizer", "[vectors][int]") {
  check<INT4_ZP_F32>(Vectors("int_awq.safetensors"), "asymmetric", "b", nvq::recipe::awq);
}

TEST_CASE("INT4 and INT8 ggml equal Q4_0 and Q8_0", "[vectors][int]") {
  const Vectors owner("int_gguf.safetensors");
  INFO(owner.provenance());
  // Left out: blocks whose reciprocal scale overflows, where gguf's cast is undefined, and blocks whose scale
  // overflows binary16, which ggml stores as infinity and nvq saturates.
  const auto four = [](const auto& blocks) { return q4_0(blocks); };
  const auto eight = [](const auto& blocks) { return q8_0(blocks); };
  using Q4 = nvq::INT4_G32;
  using Q8 = nvq::Format<nvq::Int8, nvq::Block32, nvq::ScaleFP16, nvq::TensorNone>;
  const float q4_least = std::ldexp(8.0f, -128), q8_least = std::ldexp(127.0f, -128);
  std::size_t q4_blocks = check_ggml<Q4>(owner, "q4_0", "a", four, q4_least);
  q4_blocks += check_ggml<Q4>(owner, "q4_0", "b", four, q4_least) +
               check_ggml<Q4>(owner, "q4_0", "mx_a", four, q4_least);
  const std::size_t q8_blocks = check_ggml<Q8>(owner, "q8_0", "a", eight, q8_least) +
                                check_ggml<Q8>(owner, "q8_0", "b", eight, q8_least);
  CHECK(q4_blocks == 9271);
  CHECK(q8_blocks == 4775);
}
