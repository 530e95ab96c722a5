// SPDX-License-Identifier: Apache-2.0
// NF4_DQ: where codes, groups and mean lie, and what a scale is after its second quantization.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nvq/nf4.hpp>
#include <vector>

#include "../oracle/inputs.hpp"
#include "../support/catch.hpp"

namespace {

/// The signed dynamic map of 8 bits from its definition (arXiv 1511.04561; bitsandbytes,
/// create_dynamic_map): in each decade 10^(i-6), 2^i evenly spaced fractions between 0.1 and 1, both signs,
/// zero and one.
std::vector<double> dynamic_map() {
  std::vector<double> values = {0.0, 1.0};
  for (int i = 0; i < 7; ++i) {
    const int n = 1 << i;
    for (int k = 0; k < n; ++k) {
      const double fraction = 0.1 + 0.9 * (k + 0.5) / n;
      values.push_back(fraction * std::pow(10.0, i - 6));
      values.push_back(-values.back());
    }
  }
  std::sort(values.begin(), values.end());
  return values;
}

float load(const std::vector<std::uint8_t>& bytes, std::size_t at) {
  float x;
  std::memcpy(&x, bytes.data() + at, 4);
  return x;
}

}  // namespace

TEST_CASE("the dynamic map is its definition", "[nf4]") {
  const std::vector<double> map = dynamic_map();
  REQUIRE(map.size() == 256);
  for (unsigned code = 0; code < 256; ++code) {
    const double actual = static_cast<double>(nvq::detail::dynamic_map_value(code));
    CHECK(std::fabs(actual - map[code]) <= 2e-7 * std::fabs(map[code]));
    CHECK(nvq::detail::dynamic_map_code(nvq::detail::dynamic_map_value(code)) == code);
  }
  CHECK(nvq::detail::dynamic_map_code(2.0f) == 255);
  CHECK(nvq::detail::dynamic_map_code(-2.0f) == 0);
  oracle::Lcg random(21);
  for (int i = 0; i < 20000; ++i) {
    const float x = static_cast<float>(2 * random.uniform() - 1);
    const double chosen = map[nvq::detail::dynamic_map_code(x)];
    double best = 10;
    for (const double v : map) best = std::min(best, std::fabs(v - static_cast<double>(x)));
    CHECK(std::fabs(chosen - static_cast<double>(x)) <= best + 1e-7);
  }
}

TEST_CASE("doubly quantized scales lie as documented", "[nf4]") {
  // 5 rows of 65 blocks (the last one short): 325 scales in two groups.
  const std::size_t rows = 5, columns = 64 * 64 + 7, n = 325;
  std::vector<float> values;
  oracle::Lcg random(23);
  for (std::size_t i = 0; i < rows * columns; ++i)
    values.push_back(random.normal() * static_cast<float>(1 + i / 5000 % 7));
  const auto once = nvq::quantize<nvq::NF4>(values, {rows, columns});
  const auto twice = nvq::quantize<nvq::NF4_DQ>(values, {rows, columns});
  CHECK((twice.codes() == once.codes()));  // codes follow from the scales before their quantization
  REQUIRE(once.scales().size() == n);
  const std::vector<std::uint8_t>& bytes = twice.scales();
  REQUIRE(bytes.size() == 328 + 2 * 4 + 4);
  for (std::size_t i = n; i < 328; ++i) CHECK(bytes[i] == 0);

  double sum = 0;
  for (const float s : once.scales()) sum += static_cast<double>(s);
  const float mean = load(bytes, 328 + 8);
  CHECK(mean == static_cast<float>(sum / static_cast<double>(n)));
  const std::vector<double> map = dynamic_map();
  for (std::size_t g = 0; g < 2; ++g) {
    float most = 0;
    for (std::size_t b = g * 256; b < std::min(n, (g + 1) * 256); ++b)
      most = std::max(most, std::fabs(once.scales()[b] - mean));
    CHECK(load(bytes, 328 + 4 * g) == most);
    // The nearest entry of the map: no other is closer by more than rounding.
    for (std::size_t b = g * 256; b < std::min(n, (g + 1) * 256); ++b) {
      const double x = static_cast<double>((once.scales()[b] - mean) / most);
      double best = 10;
      for (const double v : map) best = std::min(best, std::fabs(v - x));
      CHECK(std::fabs(map[bytes[b]] - x) <= best + 1e-6);
    }
  }

  // value = table[code] * (map[code of the scale] * group + mean)
  const std::vector<float> decoded = nvq::dequantize<float>(twice), plain = nvq::dequantize<float>(once);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t b = i / columns * 65 + i % columns / 64;
    const double scale =
        map[bytes[b]] * static_cast<double>(load(bytes, 328 + 4 * (b / 256))) + static_cast<double>(mean);
    const double expected = static_cast<double>(plain[i]) / static_cast<double>(once.scales()[b]) * scale;
    if (std::fabs(static_cast<double>(decoded[i]) - expected) > 1e-5 * (1e-3 + std::fabs(expected)))
      FAIL("value " << i << " is " << decoded[i] << ", expected " << expected);
  }
}

TEST_CASE("one block has itself for a mean", "[nf4]") {
  const std::vector<float> values = {0.5f, -2.0f, 1.0f};
  const auto q = nvq::quantize<nvq::NF4_DQ>(values, {1, 3});
  REQUIRE(q.scales().size() == 12);
  CHECK(q.scales()[0] == 127);  // zero
  CHECK(load(q.scales(), 4) == 0.0f);
  CHECK(load(q.scales(), 8) == 2.0f);
  CHECK(nvq::dequantize<float>(q)[1] == -2.0f);
}
