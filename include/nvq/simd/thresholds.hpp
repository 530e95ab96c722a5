// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/block.hpp>
#include <nvq/config.hpp>
#include <nvq/simd/isas.hpp>
#include <nvq/simd/plan.hpp>
#include <type_traits>

// What has kernels that encode, and the tables of those that encode values of 16 bits by comparison.

NVQ_BEGIN_NAMESPACE

namespace simd {

template <class F, class R>
inline constexpr Operation operation = operation_of<decltype(R::template scaler<F>(
    typename F::scale_code{}, typename R::statistic{}, TensorScales{}))>::value;

/// Whether values under a scale that is chosen already have a kernel.
template <class F, class R>
constexpr bool encodes_values() noexcept {
  return is_plain_element<typename F::element> && zeros_of<R, F>() != Zeros::unknown &&
         (operation<F, R> == Operation::multiply || operation<F, R> == Operation::divide);
}

/// Whether a search for the scale of a block has a kernel.
template <class F, class R>
constexpr bool searches() noexcept {
  return F::block::columns <= 128 &&
         !std::is_same<std::remove_const_t<decltype(search_of<R, F>(TensorScales{}))>, ScalarScales>::value;
}

/// Whether the blocks of a row have kernels that choose their scales, too.
template <class F, class R>
constexpr bool encodes_blocks() noexcept {
  if constexpr (F::block::rows != 1 || F::block::columns == 0 || F::block::columns % 16 != 0 ||
                F::block::columns > 1024 || nvq::detail::is_packed_scale<typename F::block_scale>::value)
    return false;
  else if constexpr (nvq::detail::is_search<R, F>::value)
    return !F::has_zero_point && encodes_values<F, R>() && searches<F, R>();
  else if constexpr (F::has_zero_point)
    return is_unsigned_integer<typename F::element> && std::is_same<typename R::statistic, MinMax>::value &&
           operation<F, R> == Operation::affine && zeros_of<R, F>() == Zeros::signed_;
  else
    return (is_amax_statistic<typename R::statistic> ||
            std::is_same<typename R::statistic, SignedMax>::value) &&
           encodes_values<F, R>();
}

/// Whether tiles of several rows have kernels.
template <class F, class R>
constexpr bool encodes_tiles() noexcept {
  if constexpr (F::block::rows < 2 || F::block::columns == 0 || F::block::columns % 16 != 0 ||
                F::block::columns > 1024 || F::has_zero_point || nvq::detail::is_search<R, F>::value ||
                nvq::detail::is_packed_scale<typename F::block_scale>::value)
    return false;
  else
    return is_amax_statistic<typename R::statistic> && encodes_values<F, R>();
}

/// Whether values of 16 bits are encoded by comparison with rows of thresholds: threshold_kernels.inc.
template <class F, class R, class T>
constexpr bool compares_values() noexcept {
  if constexpr (!(encodes_blocks<F, R>() || encodes_tiles<F, R>()) || nvq::detail::is_search<R, F>::value ||
                sizeof(T) != 2)
    return false;
  else if constexpr (!is_signed_float<typename F::element> || F::element::bits != 4 ||
                     (F::block::columns > 32 && F::block::columns % 64 != 0) ||
                     !(is_nvfp4_like<F> || is_e8m0<typename F::block_scale>))
    return false;
  else
    return !std::is_same<std::remove_const_t<decltype(plan_of<R, F>(TensorScales{}))>, ScalarScales>::value;
}

/// Rows of all codes of scales, in a tier's order.
struct threshold_rows {
  alignas(64) std::int16_t below[256 * 16];
  Isa isa;
};

/// The least float that an element has the code k or more for, of k = 1 ... 7; the least above zero.
template <class E>
struct code_limits_t {
  float value[8] = {};
  constexpr code_limits_t() noexcept {
    value[0] = float_from_bits(1);
    for (unsigned k = 1; k < 8; ++k) {
      std::uint32_t bits = 0;
      for (std::uint32_t step = 1u << 30; step > 0; step /= 2)
        if (bits + step <= 0x7F800000u && (E::encode(float_from_bits(bits + step - 1)) & 7u) < k)
          bits += step;
      value[k] = float_from_bits(bits);
    }
  }
};
template <class E>
inline constexpr code_limits_t<E> code_limits{};

/// Finds the rows of a tensor for the active tier. False: it has none.
template <class F, class R, class T>
bool find_rows(TensorScales ts, threshold_rows& rows) noexcept {
  return with_isa([&](auto isa) {
    using Isa = decltype(isa);
    rows.isa = Isa::tier;
    Isa::template find_rows<operation<F, R>, zeros_of<R, F>(), T, is_e8m0<typename F::block_scale>>(
        plan_of<R, F>(ts), code_limits<typename F::element>.value, rows.below);
  });
}

}  // namespace simd

NVQ_END_NAMESPACE
