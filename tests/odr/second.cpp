// SPDX-License-Identifier: Apache-2.0
#include <nvq/nvq.hpp>

#include <cstdint>
#include <vector>

std::vector<std::uint8_t> second_codes(const std::vector<float>& values);

std::vector<std::uint8_t> second_codes(const std::vector<float>& values) {
  const auto q = nvq::quantize<nvq::NVFP4>(values, {2, 32});
  return {q.codes().begin(), q.codes().end()};
}
