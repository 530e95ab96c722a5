// SPDX-License-Identifier: Apache-2.0
#pragma once

// The generator and the hash of gen/bulk.py, which says what they make.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <nvq/bit.hpp>
#include <vector>

namespace nvq_test {

/// The owner's `Set`, in the order in which the file has it.
struct BulkSet {
  std::int64_t seed, chunks, rows, columns, block_rows, block_columns, precision, quantum, low, high, tiny,
      huge, spread, midpoints, zero_blocks, negative_zeros;

  explicit BulkSet(const std::vector<std::int64_t>& v)
      : seed(v.at(0)),
        chunks(v.at(1)),
        rows(v.at(2)),
        columns(v.at(3)),
        block_rows(v.at(4)),
        block_columns(v.at(5)),
        precision(v.at(6)),
        quantum(v.at(7)),
        low(v.at(8)),
        high(v.at(9)),
        tiny(v.at(10)),
        huge(v.at(11)),
        spread(v.at(12)),
        midpoints(v.at(13)),
        zero_blocks(v.at(14)),
        negative_zeros(v.at(15)) {}

  std::int64_t block_size() const { return block_rows * block_columns; }
  std::int64_t blocks_of_chunk() const { return rows * columns / block_size(); }
};

class BulkGenerator {
 public:
  explicit BulkGenerator(const BulkSet& set) : s(set) {}

  /// Row-major [rows, columns].
  std::vector<float> chunk(std::int64_t k) const {
    std::vector<float> x(static_cast<std::size_t>(s.rows * s.columns));
    const std::uint64_t of_chunk = draw(2, k);
    for (std::int64_t b = 0; b < s.blocks_of_chunk(); ++b) {
      const Block block = make_block(k, b, of_chunk);
      const std::int64_t across = s.columns / s.block_columns;
      for (std::int64_t i = 0; i < s.block_size(); ++i) {
        const std::int64_t row = b / across * s.block_rows + i / s.block_columns;
        const std::int64_t column = b % across * s.block_columns + i % s.block_columns;
        x[static_cast<std::size_t>(row * s.columns + column)] = value(block, i);
      }
    }
    return x;
  }

 private:
  using U = std::uint64_t;

  struct Block {
    U h, kind, a, b, magnitude;
    std::int64_t index, peak, second, exponent, pinned_exponent;
    bool negative, pinned;
  };
  /// +-m * 2^e
  struct Number {
    bool negative;
    U m;
    std::int64_t e;
  };

  static U bits(U x, int first, int count) { return (x >> first) & ((U{1} << count) - 1); }
  static std::int64_t bit_length(U m) {
    std::int64_t n = 0;
    for (; m != 0; m >>= 1) ++n;
    return n;
  }

  /// splitmix64: streams 0 for values, 1 for blocks, 2 for chunks.
  U draw(U stream, std::int64_t n) const {
    U z = (static_cast<U>(n) + 1) * 0x9E3779B97F4A7C15u + 3 * static_cast<U>(s.seed) + stream;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }

  std::int64_t exponent(U h) const {
    const auto inward = static_cast<std::int64_t>(bits(h, 5, 3));
    if (bits(h, 0, 4) == 15) return bits(h, 4, 1) == 0 ? s.tiny + inward : s.huge - inward;
    return s.low + static_cast<std::int64_t>(bits(h, 4, 16)) % (s.high - s.low + 1);
  }

  Block make_block(std::int64_t chunk, std::int64_t in_chunk, U of_chunk) const {
    Block b{};
    b.index = chunk * s.blocks_of_chunk() + in_chunk;
    b.h = draw(1, b.index);
    b.kind = bits(b.h, 0, 4);
    b.a = bits(b.h, 36, 8);
    b.b = bits(b.h, 44, 8);
    b.magnitude = (U{1} << 23) | bits(b.h, 36, 23);
    b.negative = bits(b.h, 63, 1) == 1;
    b.peak = static_cast<std::int64_t>(bits(b.h, 20, 16)) % s.block_size();
    b.second = (b.peak + 1) % s.block_size();
    b.exponent = exponent(b.h);
    if (s.spread != 0) {
      b.pinned_exponent = exponent(of_chunk) - 4;
      b.exponent = exponent(of_chunk) - static_cast<std::int64_t>(bits(b.h, 4, 16)) % (s.spread + 1);
      b.pinned = bits(of_chunk, 62, 1) == 1 &&
                 in_chunk == static_cast<std::int64_t>(bits(of_chunk, 40, 16)) % s.blocks_of_chunk();
    }
    return b;
  }

  Number midpoint(const Block& block, U r, bool peak, bool second) const {
    const U t = bits(r, 24, 16);
    const bool negative = bits(r, 63, 1) == 1;
    if (s.midpoints == 0) {  // E4M3
      const U step = (t >> 3) % 15, odd = 2 * (t & 7);
      const U m = step < 14 ? (17 + odd) << step : odd + 1;
      return {negative, peak ? U{448} << 10 : m, block.exponent - 19};
    }
    if (s.midpoints == 2) {  // E2M1
      const U of_element[] = {1, 3, 5, 7, 10, 14, 20};
      return {negative, (peak ? 24 : of_element[t % 7]) * (16 + (block.a & 15)), block.exponent - 10};
    }
    const U half_steps[] = {14, 15, 16, 30, 254, 255, 256, 510};
    const U steps = half_steps[block.a & 7], up = block.b % (steps + 1);
    const std::int64_t e = block.exponent - 9;
    if (block.kind != 13) return {negative, peak ? steps : t % (steps + 1), e};
    if (peak) return {false, up, e};
    if (second) return {true, steps - up, e};
    return {negative, negative ? t % (steps - up + 1) : t % (up + 1), e};
  }

  Number number(const Block& block, U r, bool peak, bool second) const {
    const U m0 = bits(r, 0, 24), t = bits(r, 24, 16), large = (U{1} << 23) | m0;
    const bool negative = bits(r, 63, 1) == 1;
    const std::int64_t e = block.exponent - 24;
    switch (block.kind) {
      case 4:
      case 5:
        return {negative, m0 >> (t & 15), e};
      case 6:
        return {negative, peak ? large : m0 >> (1 + block.a % 23), e};
      case 7:
        return {block.negative, ((m0 >> 1) >> (block.b & 7)) + ((block.a & 1) << 23), e};
      case 8:
        return {block.negative, block.magnitude, e};
      case 9:
        return {negative, s.zero_blocks != 0 ? 0 : m0, e};
      case 10:
        return {negative, peak ? large : (t & 3) != 0 ? 0 : m0, e};
      case 11:
        if (peak || second) return {block.negative != second, block.magnitude, e};
        return {negative, m0 >> 1, e};
      case 12:
      case 13:
        return midpoint(block, r, peak, second);
      case 14:
        return neighbour(midpoint(block, r, peak, second), bits(r, 40, 8) % 3);
      default:
        return {negative, m0, e};
    }
  }

  /// The number of `precision` bits below (0) or above (2).
  Number neighbour(Number x, U step) const {
    if (x.m == 0) return x;
    const std::int64_t shift = s.precision - bit_length(x.m);
    x.m = (shift > 0 ? x.m << shift : x.m >> -shift) + step - 1;
    x.e -= shift;
    return x;
  }

  float value(const Block& block, std::int64_t i) const {
    const U r = draw(0, block.index * s.block_size() + i);
    Number x = number(block, r, i == block.peak, i == block.second);
    if (block.pinned && i == 0) x = {x.negative, 21, block.pinned_exponent};
    std::int64_t drop = bit_length(x.m) - s.precision;
    if (drop < s.quantum - x.e) drop = s.quantum - x.e;
    if (drop > 63) drop = 63;
    if (drop > 0) x.m = x.m >> drop << drop;
    const float magnitude = std::ldexp(static_cast<float>(x.m), static_cast<int>(x.e));
    return x.negative && (x.m != 0 || s.negative_zeros != 0) ? -magnitude : magnitude;
  }

  BulkSet s;
};

/// 64-bit FNV-1a over little-endian bytes.
class Fnv1a {
 public:
  void add(std::uint8_t byte) { hash_ = (hash_ ^ byte) * 0x100000001B3u; }
  void add(float x) {
    for (int shift = 0; shift < 32; shift += 8) add(static_cast<std::uint8_t>(nvq::float_bits(x) >> shift));
  }
  template <class T>
  void add(const std::vector<T>& all) {
    for (const T& x : all) add(x);
  }
  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xCBF29CE484222325u;
};

}  // namespace nvq_test
