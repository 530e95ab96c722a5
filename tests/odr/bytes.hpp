// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <nvq/formats.hpp>

#include "tiers.hpp"

// Everything here is the same in both translation units, inline and a template as an embedder's own code may be.

template <class F>
void append_bytes(std::vector<std::uint8_t>& bytes) {
  std::vector<float> values(6 * 331);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(static_cast<int>(i * 2654435761u >> 20 & 4095u) - 2048) / 997.0f;
  const auto q = nvq::quantize<F>(values, {6, 331});
  bytes.insert(bytes.end(), q.codes().begin(), q.codes().end());
  for (const float x : nvq::dequantize<float>(q)) {
    std::uint8_t b[sizeof x];
    std::memcpy(b, &x, sizeof x);
    bytes.insert(bytes.end(), b, b + sizeof x);
  }
}

inline std::vector<std::uint8_t> all_bytes() {
  std::vector<std::uint8_t> bytes;
  append_bytes<nvq::NVFP4>(bytes);
  append_bytes<nvq::MXFP6_E2M3>(bytes);
  append_bytes<nvq::FP8_E4M3_Row>(bytes);
  append_bytes<nvq::INT8_G128>(bytes);
  append_bytes<nvq::INT4_G32_ZP>(bytes);
  append_bytes<nvq::NF4>(bytes);
  return bytes;
}
