// SPDX-License-Identifier: Apache-2.0
#include <nvq/nf4.hpp>

#include "compare.hpp"

using namespace nvq_test;

namespace {

Matrix load_set(const std::string& set, std::size_t columns) {
  Matrix m;
  if (set == "n")
    m = load_matrix(Vectors("nf4_inputs.safetensors"), "n");
  else if (set == "int_a")
    m = load_matrix(Vectors("int_inputs.safetensors"), "a");
  else if (set == "fp8_a")
    m = load_matrix(Vectors("fp8_inputs.safetensors"), "a");
  else
    m = load_matrix(Vectors("mx_inputs.safetensors"), set.substr(3));
  m.rows = m.values.size() / columns;
  m.columns = columns;
  return m;
}

/// bitsandbytes has the even element in the high half of a byte.
std::vector<std::uint8_t> swapped(const Tensor<std::uint8_t>& codes) {
  std::vector<std::uint8_t> out;
  for (const unsigned c : codes) out.push_back(static_cast<std::uint8_t>((c >> 4) | (c << 4)));
  return out;
}

template <class F>
std::size_t check(const Vectors& owner, const std::string& what, const std::string& set) {
  const std::string prefix = what + "." + set;
  INFO(prefix << " of " << owner.provenance());
  const Matrix in = load_set(set, static_cast<std::size_t>(F::block_size));
  const auto q = nvq::quantize<F>(in.values, {in.rows, in.columns});
  const Differences d = differences(in, q, swapped(owner.tensor<std::uint8_t>(prefix + ".codes")),
                                    owner.tensor<float>(prefix + ".absmax").data);
  INFO(d.first);
  CHECK(d.codes == 0);
  CHECK(d.scales == 0);
  if (owner.has(prefix + ".decoded")) {
    std::vector<float> ours = nvq::dequantize<float>(q);
    const auto theirs = owner.tensor<float>(prefix + ".decoded");
    ours.resize(theirs.size());
    CHECK(worst_ulp(ours, theirs.data) == 0.0);
  }
  return q.scales().size();
}

}  // namespace

TEST_CASE("NF4 decodes to the table of bitsandbytes", "[vectors][nf4]") {
  const auto table = Vectors("nf4_bitsandbytes.safetensors").tensor<float>("table");
  REQUIRE(table.size() == 16);
  for (std::size_t c = 0; c < 16; ++c)
    CHECK(nvq::NormalFloat4::decode(static_cast<std::uint8_t>(c)) == table[c]);
}

TEST_CASE("NF4 equals bitsandbytes", "[vectors][nf4]") {
  const Vectors owner("nf4_bitsandbytes.safetensors");
  std::size_t blocks = 0;
  for (const char* set : {"n", "int_a", "fp8_a", "mx_a", "mx_b"})
    blocks += check<nvq::NF4>(owner, "block64", set);
  blocks += check<nvq::Format<nvq::NormalFloat4, nvq::Block32, nvq::ScaleFP32, nvq::TensorNone>>(
      owner, "block32", "int_a");
  CHECK(blocks >= 10000);
}

TEST_CASE("NF4_DQ equals bitsandbytes' double quantization", "[vectors][nf4]") {
  const Vectors owner("nf4_bitsandbytes.safetensors");
  INFO(owner.provenance());
  const auto table = owner.tensor<float>("nested_table");
  REQUIRE(table.size() == 256);
  for (unsigned c = 0; c < 256; ++c) CHECK(nvq::detail::dynamic_map_value(c) == table[c]);

  for (const std::string set : {"n", "int_a"}) {
    const Matrix in = load_set(set, 64);
    const auto q = nvq::quantize<nvq::NF4_DQ>(in.values, {in.rows, in.columns});
    const auto codes = owner.tensor<std::uint8_t>("nested." + set + ".absmax");
    const auto groups = owner.tensor<float>("nested." + set + ".nested_absmax");
    const float offset = owner.scalar<float>("nested." + set + ".offset");
    const auto n = static_cast<std::int64_t>(codes.size());
    using S = nvq::ScaleFP32DQ;
    const float mean = nvq::detail::load_float(q.scales().data() + S::group_offset(n, S::groups(n)));
    // The mean of these sets is the same in double as in bitsandbytes' own order of float additions.
    CHECK(mean == offset);
    for (std::size_t g = 0; g < groups.size(); ++g)
      CHECK(nvq::detail::load_float(q.scales().data() + S::group_offset(n, static_cast<std::int64_t>(g))) ==
            groups[g]);
    std::size_t different = 0;
    int worst = 0;
    for (std::size_t b = 0; b < codes.size(); ++b) {
      const int step = std::abs(int{q.scales()[b]} - int{codes[b]});
      different += step != 0 ? 1u : 0u;
      worst = std::max(worst, step);
    }
    // Its CPU build looks the code up in 65536 bins, so that thresholds are off by up to 1.5e-5; nvq takes
    // the nearest.
    CHECK(different == (set == "n" ? 0u : 80u));
    CHECK(worst <= 1);
  }
}

TEST_CASE("NF4_DQ decodes bitsandbytes' bytes to its values", "[vectors][nf4]") {
  const Vectors owner("nf4_bitsandbytes.safetensors");
  using S = nvq::ScaleFP32DQ;
  const auto absmax = owner.tensor<std::uint8_t>("nested.n.absmax");
  const auto groups = owner.tensor<float>("nested.n.nested_absmax");
  const auto n = static_cast<std::int64_t>(absmax.size());
  std::vector<std::uint8_t> scales(static_cast<std::size_t>(S::array_size(n)));
  std::copy(absmax.begin(), absmax.end(), scales.begin());
  for (std::size_t g = 0; g < groups.size(); ++g)
    nvq::detail::store_float(scales.data() + S::group_offset(n, static_cast<std::int64_t>(g)), groups[g]);
  nvq::detail::store_float(scales.data() + S::group_offset(n, S::groups(n)),
                           owner.scalar<float>("nested.n.offset"));
  const Vectors plain("nf4_bitsandbytes.safetensors");
  const auto codes = swapped(plain.tensor<std::uint8_t>("block64.n.codes"));
  std::vector<float> decoded(static_cast<std::size_t>(n) * 64);
  REQUIRE(nvq::decode<nvq::NF4_DQ>(codes, scales, {n, 64}, decoded));
  const auto theirs = owner.tensor<float>("nested.n.decoded");
  decoded.resize(theirs.size());
  CHECK(worst_ulp(decoded, theirs.data) == 0.0);
}
