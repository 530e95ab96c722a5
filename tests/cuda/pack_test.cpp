// SPDX-License-Identifier: Apache-2.0
// pack() on the host, against encode_block(): every recipe, blocks of all 2^16 halves and bfloat16s.
#include <cmath>
#include <cstdint>
#include <nvq/cuda/pack.cuh>
#include <nvq/formats.hpp>
#include <nvq/random.hpp>
#include <tuple>
#include <vector>

#include "../support/catch.hpp"
#include "registers.hpp"

namespace {

using nvq::cuda::pair;

template <class F>
constexpr unsigned block = F::block_size == 0 || F::block_size > 64 ? 32
                                                                    : static_cast<unsigned>(F::block_size);

/// The format with blocks that a thread has in its registers: tiles, rows and blocks above 64 become 32 values.
template <class F>
using in_registers =
    nvq::Format<typename F::element, nvq::Block<block<F>>, typename F::block_scale, typename F::tensor_scale>;

template <class S>
bool same_scale(const S& a, const S& b) {
  if constexpr (std::is_same<S, float>::value)
    return registers::same(a, b);
  else if constexpr (std::is_integral<S>::value)
    return a == b;
  else
    return a.scale == b.scale && a.zero_point == b.zero_point;
}

template <class F, unsigned N>
bool same_codes(const nvq::cuda::codes_t<F, N>& packed, const std::uint8_t (&codes)[N]) {
  std::uint32_t words[nvq::cuda::detail::word_count<nvq::cuda::codes_t<F, N>>];
  nvq::cuda::detail::to_words(packed, words);
  constexpr unsigned bits = F::element::bits;
  for (unsigned i = 0; i < N; ++i)
    for (unsigned b = 0; b < bits; ++b)
      if ((words[(i * bits + b) / 32] >> (i * bits + b) % 32 & 1u) != (codes[i] >> b & 1u)) return false;
  return true;
}

/// Blocks of which the values of type T, taken by their bits in steps that mix magnitudes, are 2^16 in all.
template <class T, unsigned N, class Check>
void over_values(Check check) {
  for (unsigned first = 0; first < 65536; first += N) {
    pair<T> values[N / 2];
    float x[N];
    for (unsigned i = 0; i < N; ++i) {
      // Odd multiples of a number go through all 2^16 bits; nearby ones differ little in exponent.
      const auto bits = static_cast<std::uint16_t>((first + i) * 40503u);
      x[i] = nvq::to_float(T::from_bits(bits));
      values[i / 2].bits = i % 2 == 0 ? bits : values[i / 2].bits | std::uint32_t{bits} << 16;
    }
    check(values, x);
    for (unsigned i = 0; i < N; ++i) {
      const auto bits = static_cast<std::uint16_t>(first + i);
      x[i] = nvq::to_float(T::from_bits(bits));
      values[i / 2].bits = i % 2 == 0 ? bits : values[i / 2].bits | std::uint32_t{bits} << 16;
    }
    check(values, x);
  }
}

template <class F, class R, class T>
long wrong_blocks(float amax) {
  constexpr unsigned n = block<F>;
  const auto ts = nvq::tensor_scales<F>(amax, R{});
  long wrong = 0;
  over_values<T, n>([&](const pair<T>(&values)[n / 2], const float(&x)[n]) {
    std::uint8_t codes[n];
    const auto scale = nvq::encode_block<F>(x, n, codes, ts, R{});
    const auto of_pairs = nvq::cuda::pack<F>(values, ts, R{});
    const auto of_floats = nvq::cuda::pack<F>(x, ts, R{});
    wrong += !same_codes<F, n>(of_pairs.codes, codes) || !same_scale(of_pairs.scale, scale) ||
             !same_codes<F, n>(of_floats.codes, codes) || !same_scale(of_floats.scale, scale);
  });
  return wrong;
}

/// A block that two threads share half and half.
template <class F, class R, class T>
long wrong_halves(float amax) {
  using rules = nvq::detail::rules_t<R, F>;
  constexpr unsigned n = block<F>;
  const auto ts = nvq::tensor_scales<F>(amax, R{});
  long wrong = 0;
  if constexpr (!nvq::detail::is_search<rules, F>::value) {
    over_values<T, n>([&](const pair<T>(&)[n / 2], const float(&x)[n]) {
      float low[n / 2], high[n / 2];
      std::uint8_t codes[n], low_codes[n / 2], high_codes[n / 2];
      const auto scale = nvq::encode_block<F>(x, n, codes, ts, R{});
      for (unsigned i = 0; i < n / 2; ++i) {
        low[i] = x[i];
        high[i] = x[n / 2 + i];
        low_codes[i] = codes[i];
        high_codes[i] = codes[n / 2 + i];
      }
      auto statistic = nvq::cuda::gather<F>(low, R{});
      statistic.merge(nvq::cuda::gather<F>(high, R{}));
      const auto a = nvq::cuda::pack<F>(low, statistic, ts, R{}),
                 b = nvq::cuda::pack<F>(high, statistic, ts, R{});
      wrong += !same_codes<F, n / 2>(a.codes, low_codes) || !same_codes<F, n / 2>(b.codes, high_codes) ||
               !same_scale(a.scale, scale) || !same_scale(b.scale, scale);
    });
  }
  return wrong;
}

template <class F, class R>
void check_recipe() {
  using G = in_registers<F>;
  if constexpr (nvq::supports_v<R, G>) {
    INFO(R::name());
    CHECK(wrong_blocks<G, R, nvq::bfloat16>(3.0f) == 0);
    CHECK(wrong_blocks<G, R, nvq::half>(65504.0f) == 0);
    CHECK(wrong_halves<G, R, nvq::half>(1000.0f) == 0);
  }
}
template <class F, class... R>
void check_recipes(std::tuple<R...>*) {
  (check_recipe<F, R>(), ...);
}

using Families =
    std::tuple<nvq::NVFP4, nvq::MXFP4, nvq::MXFP6_E2M3, nvq::MXFP6_E3M2, nvq::MXFP8_E4M3, nvq::MXFP8_E5M2,
               nvq::FP8_E4M3_1x128, nvq::FP8_E5M2, nvq::INT8_G128, nvq::INT4_G32, nvq::INT4_G32_ZP, nvq::NF4>;

}  // namespace

TEMPLATE_LIST_TEST_CASE("packed blocks are the encoded ones", "", Families) {
  INFO(nvq::format_name<TestType>);
  check_recipes<TestType>(static_cast<nvq::AllRecipes*>(nullptr));
}

TEST_CASE("stochastic codes are the element's under the caller's bits") {
  using F = nvq::NVFP4;
  const auto ts = nvq::tensor_scales<F>(6.0f);
  for (std::uint64_t n = 0; n < 1000; ++n) {
    float x[16];
    std::uint32_t random[16];
    for (std::uint64_t i = 0; i < 16; ++i) {
      random[i] = nvq::random_bits(7, 16 * n + i);
      x[i] = static_cast<float>(static_cast<std::int32_t>(nvq::random_bits(8, 16 * n + i))) * 0x1p-29f;
    }
    std::uint8_t codes[16];
    const auto scale = nvq::encode_block<F>(x, 16, codes, ts, nvq::recipe::transformer_engine);
    const float factor = nvq::recipe::nvfp4::transformer_engine::scaler<F>(scale, {}, ts).factor;
    for (unsigned i = 0; i < 16; ++i) codes[i] = nvq::E2M1::encode_stochastic(x[i] * factor, random[i]);
    const auto packed = nvq::cuda::pack_stochastic<F>(x, ts, random);
    CHECK(packed.scale == scale);
    CHECK(same_codes<F, 16>(packed.codes, codes));
  }
}

TEST_CASE("two bytes of 6-bit codes become 12 bits") {
  for (std::uint32_t low = 0; low < 64; ++low)
    for (std::uint32_t high = 0; high < 64; ++high)
      REQUIRE(nvq::cuda::ptx::join_codes6(low | high << 8) == low + 64 * high);
}

TEST_CASE("codes under a given scale are the quotients rounded") {
  long wrong = 0;
  for (const float scale : {0.0f, 0.25f, 0.37f, 1e-38f})
    over_values<nvq::bfloat16, 16>([&](const pair<nvq::bfloat16>(&values)[8], const float(&x)[16]) {
      std::uint8_t codes[16];
      for (unsigned i = 0; i < 16; ++i)
        codes[i] = nvq::E4M3::encode(scale == 0.0f ? std::copysign(0.0f, x[i]) : x[i] / scale);
      wrong += !same_codes<nvq::FP8_E4M3, 16>(nvq::cuda::encode<nvq::FP8_E4M3>(values, scale), codes);
    });
  CHECK(wrong == 0);
}

TEMPLATE_TEST_CASE("amax of registers", "", nvq::half, nvq::bfloat16) {
  over_values<TestType, 32>([](const pair<TestType>(&values)[16], const float(&x)[32]) {
    float expected = 0;
    for (const float v : x)
      if (v == v && std::abs(v) > expected) expected = std::abs(v);
    CHECK(nvq::cuda::amax(values) == expected);
    CHECK(nvq::cuda::amax(x) == expected);
  });
}
