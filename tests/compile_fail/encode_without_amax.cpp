// SPDX-License-Identifier: Apache-2.0
// expect: nvq::encode: this Format has a tensor scale; pass the amax to encode against
#include <nvq/nvfp4.hpp>

#include <cstdint>
#include <vector>

#ifdef NVQ_CORRECT
#define AMAX , nvq::amax(in)
#else
#define AMAX
#endif

nvq::result encode(const std::vector<float>& in, std::vector<std::uint8_t>& codes,
                   std::vector<std::uint8_t>& scales);
nvq::result encode(const std::vector<float>& in, std::vector<std::uint8_t>& codes,
                   std::vector<std::uint8_t>& scales) {
  return nvq::encode<nvq::NVFP4>(in, {1, in.size()}, codes, scales AMAX);
}
