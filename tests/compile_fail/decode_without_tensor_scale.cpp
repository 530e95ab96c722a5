// SPDX-License-Identifier: Apache-2.0
// expect: nvq::decode: this Format has a tensor scale; pass its decode multiplier
#include <nvq/nvfp4.hpp>

#include <cstdint>
#include <vector>

nvq::result decoded(const std::vector<std::uint8_t>& codes, const std::vector<std::uint8_t>& scales,
                    std::vector<float>& out);
nvq::result decoded(const std::vector<std::uint8_t>& codes, const std::vector<std::uint8_t>& scales,
                    std::vector<float>& out) {
#ifdef NVQ_CORRECT
  return nvq::decode<nvq::NVFP4>(codes, scales, {1, out.size()}, out, 0.5f);
#else
  return nvq::decode<nvq::NVFP4>(codes, scales, {1, out.size()}, out);
#endif
}
