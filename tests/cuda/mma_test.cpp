// SPDX-License-Identifier: Apache-2.0
// Fragment maps against the formulas of the PTX ISA, and the twins of the tensor core instructions against a plain
// triple loop. Values are small, so that every sum is exact.

#include <array>
#include <cstring>
#include <nvq/cuda/mma.cuh>
#include <nvq/layout.hpp>
#include <random>
#include <set>
#include <vector>

#include "check.hpp"
#include "support/catch.hpp"

namespace {

using namespace nvq::cuda;

// As the PTX ISA writes them, by the number i of an element in the fragment.
struct isa_m16n8k16 {
  using map = mma_m16n8k16;
  static fragment_position a(int lane, int i) {
    const int group = lane >> 2, thread = lane % 4;
    return {i < 2 || (4 <= i && i < 6) ? group : group + 8,
            i < 4 ? thread * 2 + (i & 1) : thread * 2 + (i & 1) + 8};
  }
  static fragment_position b(int lane, int i) {
    return {i < 2 ? lane % 4 * 2 + (i & 1) : lane % 4 * 2 + (i & 1) + 8, lane >> 2};
  }
};
struct isa_m16n8k64 {
  using map = mma_m16n8k64;
  static fragment_position a(int lane, int i) {
    const int group = lane >> 2, thread = lane % 4;
    return {i < 8 || (16 <= i && i < 24) ? group : group + 8,
            i < 16 ? thread * 8 + (i & 7) : thread * 8 + (i & 7) + 32};
  }
  static fragment_position b(int lane, int i) {
    return {i < 8 ? lane % 4 * 8 + (i & 7) : lane % 4 * 8 + (i & 7) + 32, lane >> 2};
  }
};
fragment_position isa_d(int lane, int i) {
  return {i < 2 ? lane >> 2 : (lane >> 2) + 8, lane % 4 * 2 + (i & 1)};
}

using matrix = std::vector<std::uint32_t>;  // codes or 16-bit patterns, row-major

/// The registers of a lane: rows row0 ... of A, columns column0 ... of B, both row-major with k consecutive.
template <class Isa>
void load(const matrix& a, const matrix& b, int k_size, int row0, int column0, int k0, int lane,
          std::uint32_t (&a_words)[4], std::uint32_t (&b_words)[2]) {
  constexpr int per_word = Isa::map::per_word, bits = 32 / per_word;
  for (auto& w : a_words) w = 0;
  for (auto& w : b_words) w = 0;
  for (int i = 0; i < 4 * per_word; ++i) {
    const fragment_position at = Isa::a(lane, i);
    a_words[i / per_word] |= a[static_cast<std::size_t>((row0 + at.row) * k_size + k0 + at.column)]
                             << i % per_word * bits;
  }
  for (int i = 0; i < 2 * per_word; ++i) {
    const fragment_position at = Isa::b(lane, i);
    b_words[i / per_word] |= b[static_cast<std::size_t>((column0 + at.column) * k_size + k0 + at.row)]
                             << i % per_word * bits;
  }
}

/// One warp a tile of 16 x 8.
template <class T>
struct tile_kernel {
  using shared = no_shared;
  const matrix *a, *b;
  int m, n, k;
  float* d;
  void operator()(shared&) const {
    const int row0 = static_cast<int>(block_index_y()) * 16, column0 = static_cast<int>(block_index_x()) * 8;
    const int me = static_cast<int>(lane());
    float sums[4] = {};
    for (int k0 = 0; k0 < k; k0 += 16) {
      std::uint32_t a_words[4], b_words[2];
      load<isa_m16n8k16>(*a, *b, k, row0, column0, k0, me, a_words, b_words);
      mma<T>(sums, a_words, b_words);
    }
    for (int i = 0; i < 4; ++i) {
      const fragment_position at = isa_d(me, i);
      d[(row0 + at.row) * n + column0 + at.column] = sums[i];
    }
  }
};

/// The same with block scales in the 128x4 layout. Lanes that the selectors do not name give scales that would show.
template <class F, int ThreadA, int ThreadB>
struct scaled_tile_kernel {
  using shared = no_shared;
  const matrix *a, *b;
  const std::uint8_t *a_scales, *b_scales;
  int m, n, k;
  float* d;
  void operator()(shared&) const {
    using map = mma_m16n8k64;
    const int row0 = static_cast<int>(block_index_y()) * 16, column0 = static_cast<int>(block_index_x()) * 8;
    const int me = static_cast<int>(lane()), block = static_cast<int>(F::block_size);
    const nvq::layout::Blocked128x4 at_a(nvq::shape2d(m, k / block)), at_b(nvq::shape2d(n, k / block));
    float sums[4] = {};
    for (int k0 = 0; k0 < k; k0 += 4 * block) {
      std::uint32_t scales_a = 0x7F7F7F7Fu, scales_b = 0x7F7F7F7Fu;
      if (map::scales_a_thread(me) == ThreadA)
        std::memcpy(&scales_a, a_scales + at_a.offset(row0 + map::scales_a_row(me), k0 / block), 4);
      if (map::scales_b_thread(me) == ThreadB)
        std::memcpy(&scales_b, b_scales + at_b.offset(column0 + map::scales_b_column(me), k0 / block), 4);
      std::uint32_t a_words[4], b_words[2];
      load<isa_m16n8k64>(*a, *b, k, row0, column0, k0, me, a_words, b_words);
      mma<F, 0, ThreadA, 0, ThreadB>(sums, a_words, b_words, scales_a, scales_b);
      if constexpr (F::block_size == 32) {
        load<isa_m16n8k64>(*a, *b, k, row0, column0, k0 + 64, me, a_words, b_words);
        mma<F, 2, ThreadA, 2, ThreadB>(sums, a_words, b_words, scales_a, scales_b);
      }
    }
    for (int i = 0; i < 4; ++i) {
      const fragment_position at = isa_d(me, i);
      d[(row0 + at.row) * n + column0 + at.column] = sums[i];
    }
  }
};

std::vector<float> plain_product(const std::vector<float>& a, const std::vector<float>& b, int m, int n,
                                 int k) {
  std::vector<float> d(static_cast<std::size_t>(m * n));
  for (int r = 0; r < m; ++r)
    for (int c = 0; c < n; ++c) {
      double sum = 0;
      for (int i = 0; i < k; ++i)
        sum += static_cast<double>(a[static_cast<std::size_t>(r * k + i)]) *
               static_cast<double>(b[static_cast<std::size_t>(c * k + i)]);
      d[static_cast<std::size_t>(r * n + c)] = static_cast<float>(sum);
    }
  return d;
}

template <class Kernel>
std::string check_product(Kernel kernel, const std::vector<float>& expected) {
  return executor::check_orders([&](const executor::schedule& s) {
    std::vector<float> d(expected.size(), -1.0f);
    kernel.d = d.data();
    const grid_shape grid{static_cast<unsigned>(kernel.n / 8), static_cast<unsigned>(kernel.m / 16)};
    const auto report = executor::run(kernel, grid, 32, s);
    return executor::outcome{report, d == expected};
  });
}

template <class F, int ThreadA, int ThreadB>
void check_block_scaled(int m, int n, int k, unsigned first_scale, unsigned scales) {
  std::mt19937 random(7);
  const int block = static_cast<int>(F::block_size);
  const auto operand = [&](int rows, matrix& codes, std::vector<std::uint8_t>& blocked,
                           std::vector<float>& values) {
    const nvq::layout::Blocked128x4 at(nvq::shape2d(rows, k / block));
    blocked.assign(static_cast<std::size_t>(at.bytes()), 0xFF);
    codes.resize(static_cast<std::size_t>(rows * k));
    values.resize(codes.size());
    for (int r = 0; r < rows; ++r)
      for (int c = 0; c < k; ++c) {
        if (c % block == 0) {
          const std::int64_t offset = at.offset(r, c / block);
          CHECK((offset % 4 == c / block % 4));
          blocked[static_cast<std::size_t>(offset)] =
              static_cast<std::uint8_t>(first_scale + random() % scales);
        }
        const auto i = static_cast<std::size_t>(r * k + c);
        codes[i] = static_cast<std::uint32_t>(random() % 16);
        values[i] = nvq::E2M1::decode(static_cast<std::uint8_t>(codes[i])) *
                    F::block_scale::decode(blocked[static_cast<std::size_t>(at.offset(r, c / block))]);
      }
  };
  matrix a, b;
  std::vector<std::uint8_t> a_scales, b_scales;
  std::vector<float> a_values, b_values;
  operand(m, a, a_scales, a_values);
  operand(n, b, b_scales, b_values);
  const scaled_tile_kernel<F, ThreadA, ThreadB> kernel{&a, &b, a_scales.data(), b_scales.data(), m,
                                                       n,  k,  nullptr};
  CHECK(check_product(kernel, plain_product(a_values, b_values, m, n, k)) == "");
}

template <class Isa>
void check_maps() {
  using map = typename Isa::map;
  std::set<std::array<int, 2>> a, b, d;
  for (int lane = 0; lane < 32; ++lane) {
    for (int w = 0; w < map::a_words; ++w)
      for (int i = 0; i < map::per_word; ++i) {
        const fragment_position at = map::a(lane, w, i);
        CHECK((at == Isa::a(lane, w * map::per_word + i)));
        a.insert({at.row, at.column});
      }
    for (int w = 0; w < map::b_words; ++w)
      for (int i = 0; i < map::per_word; ++i) {
        const fragment_position at = map::b(lane, w, i);
        CHECK((at == Isa::b(lane, w * map::per_word + i)));
        b.insert({at.row, at.column});
      }
    for (int w = 0; w < map::d_words; ++w) {
      const fragment_position at = map::d(lane, w);
      CHECK((at == isa_d(lane, w)));
      d.insert({at.row, at.column});
    }
  }
  const auto within = [](const std::set<std::array<int, 2>>& s, int rows, int columns) {
    for (const auto& at : s)
      if (at[0] < 0 || at[0] >= rows || at[1] < 0 || at[1] >= columns) return false;
    return s.size() == static_cast<std::size_t>(rows * columns);
  };
  CHECK(within(a, map::m, map::k));
  CHECK(within(b, map::k, map::n));
  CHECK(within(d, map::m, map::n));
}

}  // namespace

TEST_CASE("fragments are those of the PTX ISA, each value once") {
  check_maps<isa_m16n8k16>();
  check_maps<isa_m16n8k64>();
}

TEST_CASE("every row's and column's scales come from one lane of those that a selector names") {
  using map = mma_m16n8k64;
  for (int thread = 0; thread < 4; ++thread) {
    std::set<int> lanes;
    for (int column = 0; column < 8; ++column) {
      const int lane = map::scales_b_lane(column, thread);
      CHECK(map::scales_b_column(lane) == column);
      CHECK(map::scales_b_thread(lane) == thread);
      CHECK(lane % 4 == thread);
      lanes.insert(lane);
    }
    CHECK(lanes.size() == 8);
    if (thread >= 2) continue;
    lanes.clear();
    for (int row = 0; row < 16; ++row) {
      const int lane = map::scales_a_lane(row, thread);
      CHECK(map::scales_a_row(lane) == row);
      CHECK(map::scales_a_thread(lane) == thread);
      CHECK((lane % 4 == 2 * thread || lane % 4 == 2 * thread + 1));
      lanes.insert(lane);
    }
    CHECK(lanes.size() == 16);
  }
}

TEMPLATE_TEST_CASE("m16n8k16 multiplies", "", nvq::half, nvq::bfloat16) {
  const int m = 32, n = 24, k = 48;
  std::mt19937 random(3);
  const auto operand = [&](int rows, matrix& bits, std::vector<float>& values) {
    for (int i = 0; i < rows * k; ++i) {
      const TestType x(static_cast<float>(random() % 33) - 16.0f);
      bits.push_back(x.bits);
      values.push_back(nvq::to_float(x));
    }
  };
  matrix a, b;
  std::vector<float> a_values, b_values;
  operand(m, a, a_values);
  operand(n, b, b_values);
  const tile_kernel<TestType> kernel{&a, &b, m, n, k, nullptr};
  CHECK(check_product(kernel, plain_product(a_values, b_values, m, n, k)) == "");
}

TEST_CASE("block-scaled m16n8k64 multiplies with scales from 128x4 tiles") {
  // E4M3 codes 0x28 to 0x47 are 0.25 to 3.75, E8M0 codes 124 to 130 are 1/8 to 8. Shapes are beyond one tile.
  check_block_scaled<nvq::NVFP4, 0, 0>(144, 136, 320, 0x28, 32);
  check_block_scaled<nvq::NVFP4, 1, 3>(16, 16, 64, 0x28, 32);
  check_block_scaled<nvq::MXFP4, 0, 0>(144, 136, 640, 124, 7);
  check_block_scaled<nvq::MXFP4, 1, 2>(16, 16, 128, 124, 7);
}
