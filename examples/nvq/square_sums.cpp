// SPDX-License-Identifier: Apache-2.0
// Compiled with -ffp-contract=off: the same bits from all of its copies.
#include "square_sums.hpp"

#include <nvq/simd/isa.hpp>

namespace app {

namespace {

/// Sixteen independent sums of each kind, since an addition has to wait for the one before it.
#if defined(__GNUC__)
__attribute__((always_inline))
#endif
inline SquareSums
sums(const float* x, const float* y, std::size_t n) {
  constexpr std::size_t lanes = 16;
  double signal[lanes] = {}, noise[lanes] = {};
  const std::size_t whole = n / lanes * lanes;
  for (std::size_t i = 0; i < whole; i += lanes)
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const double a = static_cast<double>(x[i + lane]), d = a - static_cast<double>(y[i + lane]);
      signal[lane] += a * a;
      noise[lane] += d * d;
    }
  for (std::size_t i = whole; i < n; ++i) {
    const double a = static_cast<double>(x[i]), d = a - static_cast<double>(y[i]);
    signal[i - whole] += a * a;
    noise[i - whole] += d * d;
  }
  SquareSums all;
  for (const double s : signal) all.signal += s;
  for (const double s : noise) all.noise += s;
  return all;
}

#if NVQ_SIMD_X86
__attribute__((target("avx2"))) SquareSums sums_avx2(const float* x, const float* y, std::size_t n) {
  return sums(x, y, n);
}
#endif

}  // namespace

SquareSums square_sums(const float* x, const float* y, std::size_t n) {
#if NVQ_SIMD_X86
  if (nvq::active_isa() != nvq::Isa::scalar) return sums_avx2(x, y, n);  // no slower than with AVX-512
#endif
  return sums(x, y, n);
}

}  // namespace app
