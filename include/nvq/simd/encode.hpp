// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <nvq/block.hpp>
#include <nvq/config.hpp>
#include <nvq/simd/isas.hpp>
#include <nvq/simd/plan.hpp>
#include <nvq/span.hpp>

// From rows of a matrix to the kernels of an instruction set. Whatever a kernel does not do (the last values of a row
// that are no multiple of 16, blocks with NaN, scales that underflow) goes to the scalar codec, given as a function:
//
//   scalar(first, last)          encodes blocks [first, last) of the row: scales and codes

NVQ_BEGIN_NAMESPACE

namespace simd {

template <class F, class R>
inline constexpr Operation operation =
    operation_of<decltype(R::template scaler<F>(typename F::scale_code{}, typename R::statistic{},
                                                TensorScales{}))>::value;

/// Whether blocks of one row of this format have kernels under these rules.
template <class F, class R>
constexpr bool encodes_blocks() noexcept {
  if constexpr (F::block::rows != 1 || F::block::columns == 0 || F::block::columns % 16 != 0 ||
                F::block::columns > 1024 || F::has_zero_point ||
                nvq::detail::is_packed_scale<typename F::block_scale>::value ||
                nvq::detail::is_search<R, F>::value || !is_plain_element<typename F::element> ||
                !is_amax_statistic<typename R::statistic>)
    return false;
  else
    return zeros_of<R, F>() != Zeros::unknown &&
           (operation<F, R> == Operation::multiply || operation<F, R> == Operation::divide);
}

inline bool ordinary(float x) noexcept {
  return float_bits(x) >= float_bits(0x1p-120f) && float_bits(x) <= float_bits(0x1p120f);
}

/// Scale codes and operands by the recipe's own functions.
template <class F, class R>
bool scalar_scales(const std::uint32_t* amax, std::int64_t blocks, TensorScales ts, typename F::scale_type* codes,
                   float* operands) noexcept {
  bool usable = true;
  for (std::int64_t b = 0; b < blocks; ++b) {
    typename R::statistic s{};
    s.amax = float_from_bits(amax[b]);
    codes[b] = R::template scale<F>(s, ts);
    const auto scaler = R::template scaler<F>(codes[b], s, ts);
    operands[b] = operation_of<std::remove_const_t<decltype(scaler)>>::operand(scaler);
    usable = usable && !is_zero(operands[b]);
  }
  return usable;
}

/// Encodes the whole blocks of a row; how many these are.
template <class Isa, class F, class R, class T, class Scalar>
std::int64_t encode_blocks(const T* row, std::int64_t columns, TensorScales ts, std::uint8_t* codes,
                           typename F::scale_type* scales, Scalar scalar) noexcept {
  constexpr int B = F::block::columns;
  constexpr std::int64_t most = B >= 64 ? 16 : 1024 / B;
  const std::int64_t blocks = columns / B;
  const auto plan = plan_of<R, F>(ts);
  constexpr bool planned = !std::is_same<std::remove_const_t<decltype(plan)>, ScalarScales>::value;
  std::uint32_t amax[most];
  typename F::scale_type scale[most];
  float operands[most];
  for (std::int64_t first = 0; first < blocks; first += most) {
    const std::int64_t n = blocks - first < most ? blocks - first : most;
    Isa::template amax<B>(row + first * B, n, amax);
    bool usable = true;
    if constexpr (planned)
      usable = Isa::scales(plan, amax, n, scale, operands);
    else
      usable = scalar_scales<F, R>(amax, n, ts, scale, operands);
    if (usable)
      usable = Isa::template encode<typename F::element, operation<F, R>, zeros_of<R, F>(), B>(
          row + first * B, n * B, operands, codes + first * B * F::element::bits / 8);
    if (usable)
      std::memcpy(scales + first, scale, static_cast<std::size_t>(n) * sizeof(typename F::scale_type));
    else
      scalar(first, first + n);
  }
  return blocks;
}

}  // namespace simd

NVQ_END_NAMESPACE
