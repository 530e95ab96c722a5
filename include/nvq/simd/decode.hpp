// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <nvq/config.hpp>
#include <nvq/simd/isas.hpp>
#include <nvq/simd/plan.hpp>

// From rows of codes to the kernels of an instruction set. The last values of a row that are no multiple of 32 are left to
// the scalar codec.

NVQ_BEGIN_NAMESPACE

namespace simd {

template <class S>
inline constexpr bool is_plain_scale =
    std::is_same<S, ScaleE4M3>::value || is_e8m0<S> || std::is_base_of<ScaleFP16, S>::value ||
    std::is_base_of<ScaleBF16, S>::value || std::is_base_of<ScaleFP32, S>::value;

template <class F>
constexpr bool decodes() noexcept {
  using E = typename F::element;
  return F::block::columns % 16 == 0 && is_plain_scale<typename F::block_scale> &&
         (F::has_zero_point ? is_unsigned_integer<E> && F::block::columns > 0 : is_plain_element<E>);
}

/// Whether a scale may be any NaN there is: rounding to 16 bits takes quiet ones without a payload.
template <class S, class T>
inline constexpr bool quiets = sizeof(T) == 2 &&
                               (std::is_base_of<ScaleBF16, S>::value || std::is_base_of<ScaleFP32, S>::value);
inline float quieted(float x) noexcept {
  return is_nan(x) ? float_from_bits((float_bits(x) & 0x80000000u) | 0x7FC00000u) : x;
}

/// Elements times powers of two that are bfloat16 as they are: 2^-133, its least, divides the least of them.
template <class F, class T>
constexpr bool is_exact() noexcept {
  using E = typename F::element;
  if constexpr (is_signed_float<E>)
    return std::is_same<T, bfloat16>::value && is_e8m0<typename F::block_scale> && !F::has_tensor_scale &&
           E::min_positive() >= 0.015625f;
  else
    return false;
}

/// The values of a call from which on stores go past the caches: more than they hold.
inline constexpr std::int64_t streamed_bytes = std::int64_t{1} << 25;

/// The sixteen 16-bit values that 4-bit codes have under each of 256 block scales, made once for a tensor: decoding is
/// then looking up. Empty of other formats and types.
template <class F, class T>
struct palettes {
  static constexpr bool exist = F::element::bits == 4 && sizeof(T) == 2 && !F::has_zero_point &&
                                F::block::columns > 0 && decodes<F>() && sizeof(typename F::scale_type) == 1;
  /// From so many values on they are worth making.
  static constexpr std::int64_t least = 1 << 15;

  alignas(64) std::uint8_t bytes[exist ? 256 * 32 : 1];
  bool made = false, planar = false;

  template <class Isa>
  void make(const float* tensor_scale) noexcept {
    if constexpr (exist) {
      Isa::template palettes<typename F::element, typename F::block_scale, T>(tensor_scale, bytes);
      made = true;
      planar = Isa::planar_palettes;
    }
    (void)tensor_scale;
  }
  /// Instruction sets differ in how they keep them, and may be changed meanwhile.
  template <class Isa>
  bool serve() const noexcept {
    return made && planar == Isa::planar_palettes;
  }
};

/// Decodes columns [0, result) of a row: all but fewer than 32.
template <class Isa, bool Stream, class F, class T>
std::int64_t decode_row(const std::uint8_t* codes, const typename F::scale_type* scales,
                        const std::uint8_t* zero_points, const float* tensor_scale,
                        const palettes<F, T>& made, std::int64_t columns, T* out) noexcept {
  using E = typename F::element;
  constexpr int B = F::block::columns;
  constexpr std::int64_t chunk = B == 0 ? 1 : B >= 512 ? 16 : 8192 / (B == 0 ? 1 : B) / 16 * 16;  // blocks
  const std::int64_t end = columns / 32 * 32;
  if constexpr (palettes<F, T>::exist) {
    if (made.template serve<Isa>()) {
      Isa::template decode<B, Stream>(codes, end, scales, made.bytes, out);
      return end;
    }
  }
  (void)made;
  constexpr std::size_t room = (chunk + 15) / 16 * 16;
  float floats[room];
  const auto decode_scales = [&](std::int64_t first, std::int64_t n) {
    Isa::template decode_scales<typename F::block_scale>(scales + first, n, floats);
    if constexpr (quiets<typename F::block_scale, T>) Isa::quiet(floats, (n + 15) / 16 * 16);
  };
  if constexpr (B == 0) {
    decode_scales(0, 1);
    Isa::template decode<E, 0, Stream, is_exact<F, T>()>(codes, end, floats, nullptr, tensor_scale, out);
  } else {
    for (std::int64_t c = 0; c < end; c += chunk * B) {
      const std::int64_t n = end - c < chunk * B ? end - c : chunk * B, first = c / B;
      decode_scales(first, (n + B - 1) / B);
      Isa::template decode<E, B, Stream, is_exact<F, T>()>(
          codes + c * E::bits / 8, n, floats, zero_points == nullptr ? nullptr : zero_points + first,
          tensor_scale, out + c);
    }
  }
  return end;
}

}  // namespace simd

NVQ_END_NAMESPACE
