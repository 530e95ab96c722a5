// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "../oracle/bit_stream.hpp"
#include "../oracle/inputs.hpp"
#include "codec.hpp"

// Inputs that kernels get wrong. Magnitudes vary by blocks of 16 values, the smallest there are.

namespace tiers {

struct Data {
  std::string name;
  std::size_t columns;
  std::vector<float> values;
};

inline float random_of_exponents(oracle::Lcg& random, std::uint32_t first, std::uint32_t count) {
  const std::uint32_t sign = random.bits() & 0x80000000u, exponent = first + random.bits() % count;
  return oracle::from_bits(sign | exponent << 23 | (random.bits() & 0x7FFFFFu));
}

/// The sets that do not depend on the format.
inline std::vector<Data> data_sets(std::size_t rows) {
  constexpr std::size_t columns = 512;
  std::vector<Data> sets;
  const auto add = [&](const char* name, auto value) {
    oracle::Lcg random(sets.size() + 1);
    std::vector<float> values(rows * columns);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = value(random, i);
    sets.push_back({name, columns, values});
  };
  const auto power = [](std::size_t i, std::uint32_t span) {
    return std::ldexp(1.0f, static_cast<int>(static_cast<std::uint32_t>(i / 16) * 2654435761u >> 16) %
                                    static_cast<int>(span) -
                                static_cast<int>(span / 2));
  };
  add("normal", [](auto& random, std::size_t) { return random.normal(); });
  add("mixed block magnitudes", [&](auto& random, std::size_t i) { return random.normal() * power(i, 24); });
  add("integers",
      [](auto& random, std::size_t) { return static_cast<float>(static_cast<int>(random.bits() % 19) - 9); });
  add("quarters", [&](auto& random, std::size_t i) {
    return static_cast<float>(static_cast<int>(random.bits() % 49) - 24) * 0.25f * power(i, 3);
  });
  add("wide exponents", [](auto& random, std::size_t) { return random_of_exponents(random, 1, 254); });
  add("zero blocks", [](auto& random, std::size_t i) {
    const float x = random.normal();
    return i / 16 % 3 != 0 || i % 7 == 0 ? std::copysign(0.0f, x) : x;
  });
  add("one value in zeros", [](auto& random, std::size_t i) {
    const float x = random.normal();
    return i % 67 == 5 ? x : std::copysign(0.0f, x);
  });
  add("1e-30", [](auto& random, std::size_t) { return random.normal() * 1e-30f; });
  add("1e30", [](auto& random, std::size_t) { return random.normal() * 1e30f; });
  add("bfloat16 grid", [](auto& random, std::size_t) {
    return oracle::from_bits(oracle::to_bits(random.normal()) & 0xFFFF0000u);
  });
  add("subnormal",
      [](auto& random, std::size_t i) { return random_of_exponents(random, 0, i / 64 % 4 == 0 ? 1 : 6); });
  add("subnormal and normal",
      [](auto& random, std::size_t i) { return random_of_exponents(random, 0, i / 64 % 2 == 0 ? 1 : 40); });
  add("near the largest", [](auto& random, std::size_t) { return random_of_exponents(random, 246, 9); });
  add("NaN and infinity", [](auto& random, std::size_t i) {
    const float x = random.normal();
    if (i / 64 % 5 != 0 || random.bits() % 32 != 0) return x;
    const std::uint32_t kind = random.bits() % 4, sign = random.bits() & 0x80000000u;
    return oracle::from_bits(sign | (kind == 0 ? 0x7FC12345u : kind == 1 ? 0x7F800001u : 0x7F800000u));
  });
  add("infinity", [](auto& random, std::size_t i) {
    const float x = random.normal();
    return i % 211 == 3 ? std::copysign(std::numeric_limits<float>::infinity(), x) : x;
  });
  add("NaN", [](auto&, std::size_t i) { return oracle::from_bits(i % 2 == 0 ? 0x7FC00000u : 0xFFC00000u); });
  return sets;
}

/// All 16-bit patterns as T, as floats both bfloat16's and half's: in the order of magnitudes shuffled within windows,
/// so that blocks have values of some octaves of both signs, and shuffled altogether.
template <class T>
std::vector<T> all_patterns(bool windows) {
  constexpr std::uint32_t n = 65536;
  std::vector<T> values;
  const auto add = [&](auto&& from_bits) {
    for (std::uint32_t i = 0; i < n; ++i) {
      const std::uint32_t j = windows ? (i & ~4095u) | (i * 1237u & 4095u) : i * 40503u % n;
      values.push_back(from_bits(static_cast<std::uint16_t>((j >> 1) | (j & 1u) << 15)));
    }
  };
  if constexpr (std::is_same<T, float>::value) {
    add([](std::uint16_t b) { return static_cast<float>(bfloat16::from_bits(b)); });
    add([](std::uint16_t b) { return static_cast<float>(half::from_bits(b)); });
  } else {
    add([](std::uint16_t b) { return T::from_bits(b); });
  }
  return values;
}

/// Where codes change: `base` with all values but the largest of every block replaced by midpoints of what
/// neighbouring codes stand for under the block's scale, and up to three floats off.
inline std::vector<float> around_midpoints(const Codec& codec, const std::vector<float>& base,
                                           std::size_t columns) {
  const Format& f = codec.format;
  const std::size_t rows = base.size() / columns;
  float largest = 0.0f;
  for (const float x : base) largest = std::max(largest, std::fabs(x));
  const nvq::matrix_view<const float> in(base.data(), {rows, columns});
  const Encoded e = codec.encode.f32(in, f.has_tensor_scale ? largest : -1.0f, {});
  const float tensor_scale = codec.tensor_scale(largest);
  // What code i % 2^bits + shift of element i decodes to.
  const auto decoded = [&](std::size_t shift) {
    std::vector<std::uint8_t> codes;
    for (std::size_t i = 0; i < base.size(); ++i)
      codes.push_back(static_cast<std::uint8_t>((i * 5 + i / columns + shift) & ((1u << f.bits) - 1)));
    const std::vector<std::uint8_t> bytes = oracle::pack(codes, rows, columns, f.bits);
    std::vector<float> out(base.size());
    f.decode.f32(bytes.data(), e.scales.data() + guard * f.scale_bytes, e.zero_points.data() + guard,
                 tensor_scale, {}, nvq::matrix_view<float>(out.data(), {rows, columns}));
    return out;
  };
  const std::vector<float> a = decoded(0), b = decoded(1);
  const std::size_t tall = f.block_rows == 0 ? rows : f.block_rows,
                    wide = f.block_columns == 0 ? columns : f.block_columns;
  const std::size_t across = (columns + wide - 1) / wide;
  std::vector<float> amax(across * ((rows + tall - 1) / tall), 0.0f);
  const auto block = [&](std::size_t i) { return i / columns / tall * across + i % columns / wide; };
  for (std::size_t i = 0; i < base.size(); ++i) amax[block(i)] = std::max(amax[block(i)], std::fabs(base[i]));
  std::vector<float> values = base;
  for (std::size_t i = 0; i < base.size(); ++i) {
    const float middle = a[i] * 0.5f + b[i] * 0.5f, limit = amax[block(i)];
    if (!(std::fabs(middle) < limit) || std::fabs(base[i]) == limit) continue;
    const std::uint32_t ulps = oracle::to_bits(middle) + static_cast<std::uint32_t>(i / 3 % 7) - 3u;
    values[i] = middle == 0.0f ? middle : oracle::from_bits(ulps);
  }
  return values;
}

}  // namespace tiers
