// SPDX-License-Identifier: Apache-2.0
#include <nvq/nvq.hpp>

#include <cstdint>
#include <cstdio>
#include <vector>

std::vector<std::uint8_t> second_codes(const std::vector<float>& values);

int main() {
  std::vector<float> values(64);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 13) - 5.5f;
  const auto first = nvq::quantize<nvq::NVFP4>(values, {2, 32});
  const std::vector<std::uint8_t> second = second_codes(values);
  for (std::size_t i = 0; i < second.size(); ++i)
    if (first.codes()[i] != second[i]) return std::printf("code byte %zu differs\n", i), 1;
  return second.size() == first.codes().size() ? 0 : 1;
}
