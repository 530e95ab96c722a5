// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/config.hpp>
#include <nvq/simd/decode.hpp>
#include <nvq/simd/gemv_avx2.hpp>
#include <nvq/simd/gemv_avx512.hpp>
#include <nvq/simd/gemv_neon.hpp>
#include <nvq/simd/gemv_vnni.hpp>
#include <nvq/simd/isa.hpp>

// The kernels of gemv and gemm as types, the choice among them, and the formats that have some.

NVQ_BEGIN_NAMESPACE

namespace simd {

/// with_isa() of these kernels.
template <class Fn>
bool with_gemv_isa(Fn&& fn) noexcept {
  switch (active_isa()) {
#if NVQ_SIMD_X86
    case Isa::avx512:
      fn(avx512::gemv_isa{});
      return true;
    case Isa::avx2:
      fn(avx2::gemv_isa{});
      return true;
#endif
#if NVQ_SIMD_NEON
    case Isa::neon:
      fn(neon::gemv_isa{});
      return true;
#endif
    default:
      (void)fn;
      return false;
  }
}

/// The same of activations in int8. AVX-512 has VNNI almost everywhere.
template <class Fn>
bool with_integer_isa(Fn&& fn) noexcept {
#if NVQ_SIMD_X86
  const Isa isa = active_isa();
  if (isa == Isa::avx512 && avx512::vnni_available()) {
    fn(avx512::integer_isa{});
    return true;
  }
  if (isa == Isa::avx512 || isa == Isa::avx2) {
    fn(avx2::integer_isa{});
    return true;
  }
#endif
#if NVQ_SIMD_NEON
  if (active_isa() == Isa::neon) {
    fn(neon::integer_isa{});
    return true;
  }
#endif
  (void)fn;
  return false;
}

/// Columns of a block as kernels see it: blocks of more than 128 are several that share a scale.
template <class F>
inline constexpr int gemv_block = F::block::columns == 0 || F::block::columns > 128
                                      ? 128
                                      : static_cast<int>(F::block::columns);

template <class F>
constexpr bool multiplies() noexcept {
  using E = typename F::element;
  constexpr std::int64_t B = F::block::columns;
  constexpr bool scale =
      is_plain_scale<typename F::block_scale> || nvq::detail::is_packed_scale<typename F::block_scale>::value;
  constexpr bool block = B % 128 == 0 || B == 64 || B == 32 || (B == 16 && E::bits == 4);
  return scale && block && (F::has_zero_point ? std::is_same<E, UInt4>::value : is_plain_element<E>);
}

}  // namespace simd

NVQ_END_NAMESPACE
