// SPDX-License-Identifier: Apache-2.0
// expect: nvq::encode: this Format has no tensor scale and takes no amax
#include <nvq/mxfp4.hpp>

#include <cstdint>
#include <vector>

#ifdef NVQ_CORRECT
#define AMAX
#else
#define AMAX , nvq::amax(in)
#endif

nvq::result encode(const std::vector<float>& in, std::vector<std::uint8_t>& codes,
                   std::vector<std::uint8_t>& scales);
nvq::result encode(const std::vector<float>& in, std::vector<std::uint8_t>& codes,
                   std::vector<std::uint8_t>& scales) {
  return nvq::encode<nvq::MXFP4>(in, {1, in.size()}, codes, scales AMAX);
}
