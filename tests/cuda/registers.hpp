// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/cuda/registers.cuh>

// Comparing what register functions give with floats.

namespace registers {

/// N codes first, first + step ... (of as many bits as the format has), packed bit by bit.
template <class F, unsigned N>
nvq::cuda::codes_t<F, N> codes_of(unsigned first, unsigned step) {
  using codes = nvq::cuda::codes_t<F, N>;
  constexpr unsigned bits = F::element::bits;
  std::uint32_t words[(sizeof(codes) + 3) / 4] = {};
  for (unsigned i = 0; i < N; ++i)
    for (unsigned b = 0; b < bits; ++b)
      if (((first + step * static_cast<unsigned>(i)) >> b & 1u) != 0)
        words[(i * bits + b) / 32] |= 1u << (i * bits + b) % 32;
  return nvq::cuda::detail::from_words<codes>(words);
}

template <class T>
bool same(T a, T b) {
  const float x = nvq::to_float(a), y = nvq::to_float(b);
  return nvq::float_bits(x) == nvq::float_bits(y) || (nvq::is_nan(x) && nvq::is_nan(y));
}

/// How many values are not the floats rounded to their type; any NaN is a NaN.
template <class Out, unsigned Count, unsigned N>
long differences(const Out (&out)[Count], const float (&expected)[N]) {
  using traits = nvq::cuda::register_traits<Out>;
  using T = typename traits::value;
  static_assert(Count * traits::count == N, "");
  long wrong = 0;
  for (unsigned i = 0; i < N; ++i) {
    if constexpr (traits::count == 1)
      wrong += !same(out[i], expected[i]);
    else
      wrong += !same(T::from_bits(static_cast<std::uint16_t>(traits::bits(out[i / 2]) >> i % 2 * 16)),
                     T(expected[i]));
  }
  return wrong;
}

}  // namespace registers
