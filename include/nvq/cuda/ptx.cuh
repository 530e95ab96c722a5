// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/arithmetic.hpp>
#include <nvq/config.hpp>
#include <nvq/detail/ptx.hpp>
#include <nvq/element.hpp>
#include <nvq/float16.hpp>

// Operations of one instruction, each with a twin on the host that gives the same bits, so that whatever is built
// of them runs and is tested on a CPU. A register holds two halves or bfloat16s, that of the lower index in its
// low 16 bits, or codes.

NVQ_BEGIN_NAMESPACE

namespace cuda {
namespace ptx {

namespace twin {
NVQ_HD constexpr std::uint32_t pair(std::uint32_t low, std::uint32_t high) noexcept {
  return low | high << 16;
}
/// Every NaN of the hardware's conversions and arithmetic is 0x7FFF.
template <class T>
NVQ_HD constexpr std::uint32_t bits16(float x) noexcept {
  return is_nan(x) ? 0x7FFFu : T(x).bits;
}
template <class T>
NVQ_HD constexpr float low(std::uint32_t pair) noexcept {
  return to_float(T::from_bits(static_cast<std::uint16_t>(pair)));
}
template <class T>
NVQ_HD constexpr float high(std::uint32_t pair) noexcept {
  return low<T>(pair >> 16);
}
/// The larger; the other one of a NaN.
NVQ_HD constexpr float larger(float a, float b) noexcept { return is_nan(a) || less(a, b) ? b : a; }
}  // namespace twin

/// Four bytes of the eight of a (0-3) and b (4-7), chosen by the nibbles of the selector; a nibble's highest bit
/// asks for the byte's sign bit eight times.
NVQ_HD inline std::uint32_t prmt(std::uint32_t a, std::uint32_t b, std::uint32_t selector) noexcept {
#if defined(__CUDA_ARCH__)
  return nvq::detail::ptx::prmt(a, b, selector);
#else
  const std::uint64_t bytes = static_cast<std::uint64_t>(b) << 32 | a;
  std::uint32_t result = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const std::uint32_t nibble = selector >> 4 * i & 15u;
    const std::uint32_t byte = static_cast<std::uint32_t>(bytes >> 8 * (nibble & 7u)) & 0xFFu;
    result |= ((nibble & 8u) == 0 ? byte : (byte & 0x80u) != 0 ? 0xFFu : 0u) << 8 * i;
  }
  return result;
#endif
}

/// (a & mask) | bits.
NVQ_HD inline std::uint32_t and_or(std::uint32_t a, std::uint32_t mask, std::uint32_t bits) noexcept {
#if defined(__CUDA_ARCH__)
  return nvq::detail::ptx::and_or(a, mask, bits);
#else
  return (a & mask) | bits;
#endif
}
/// (a & mask) ^ bits.
NVQ_HD inline std::uint32_t and_xor(std::uint32_t a, std::uint32_t mask, std::uint32_t bits) noexcept {
#if defined(__CUDA_ARCH__)
  return nvq::detail::ptx::and_xor(a, mask, bits);
#else
  return (a & mask) ^ bits;
#endif
}

/// Two floats rounded to nearest even to two halves.
NVQ_HD inline std::uint32_t f16x2(float low, float high) noexcept {
#if defined(__CUDA_ARCH__)
  return nvq::detail::ptx::f16x2(low, high);
#else
  return twin::pair(twin::bits16<half>(low), twin::bits16<half>(high));
#endif
}
/// Two floats rounded to nearest even to two bfloat16s.
NVQ_HD inline std::uint32_t bf16x2(float low, float high) noexcept {
#if defined(__CUDA_ARCH__)
  return nvq::detail::ptx::bf16x2(low, high);
#else
  return twin::pair(twin::bits16<bfloat16>(low), twin::bits16<bfloat16>(high));
#endif
}

/// Products, rounded once to nearest even. A product of halves or bfloat16s is exact in float.
NVQ_HD inline std::uint32_t mul_f16x2(std::uint32_t a, std::uint32_t b) noexcept {
#if defined(__CUDA_ARCH__)
  return nvq::detail::ptx::mul_f16x2(a, b);
#else
  return f16x2(twin::low<half>(a) * twin::low<half>(b), twin::high<half>(a) * twin::high<half>(b));
#endif
}
NVQ_HD inline std::uint32_t mul_bf16x2(std::uint32_t a, std::uint32_t b) noexcept {
#if defined(__CUDA_ARCH__)
  return nvq::detail::ptx::mul_bf16x2(a, b);
#else
  return bf16x2(twin::low<bfloat16>(a) * twin::low<bfloat16>(b),
                twin::high<bfloat16>(a) * twin::high<bfloat16>(b));
#endif
}
/// Differences of small integers, exact.
NVQ_HD inline std::uint32_t sub_f16x2(std::uint32_t a, std::uint32_t b) noexcept {
#if defined(__CUDA_ARCH__)
  return nvq::detail::ptx::sub_f16x2(a, b);
#else
  return f16x2(twin::low<half>(a) - twin::low<half>(b), twin::high<half>(a) - twin::high<half>(b));
#endif
}
NVQ_HD inline std::uint32_t sub_bf16x2(std::uint32_t a, std::uint32_t b) noexcept {
#if defined(__CUDA_ARCH__)
  return nvq::detail::ptx::fma_bf16x2(a, 0x3F803F80u, b ^ 0x80008000u);
#else
  return bf16x2(twin::low<bfloat16>(a) - twin::low<bfloat16>(b),
                twin::high<bfloat16>(a) - twin::high<bfloat16>(b));
#endif
}
/// The larger of each; of a number and a NaN the number.
NVQ_HD inline std::uint32_t max_f16x2(std::uint32_t a, std::uint32_t b) noexcept {
#if defined(__CUDA_ARCH__)
  return nvq::detail::ptx::max_f16x2(a, b);
#else
  return f16x2(twin::larger(twin::low<half>(a), twin::low<half>(b)),
               twin::larger(twin::high<half>(a), twin::high<half>(b)));
#endif
}
NVQ_HD inline std::uint32_t max_bf16x2(std::uint32_t a, std::uint32_t b) noexcept {
#if defined(__CUDA_ARCH__)
  return nvq::detail::ptx::max_bf16x2(a, b);
#else
  return bf16x2(twin::larger(twin::low<bfloat16>(a), twin::low<bfloat16>(b)),
                twin::larger(twin::high<bfloat16>(a), twin::high<bfloat16>(b)));
#endif
}

/// Whether two codes of E are rounded by one instruction.
template <class E>
struct has_encode2 {
  static constexpr bool value = false;
};
#if NVQ_HAS_CVT_FP8
template <>
struct has_encode2<E4M3> {
  static constexpr bool value = true;
};
template <>
struct has_encode2<E5M2> {
  static constexpr bool value = true;
};
#endif
#if NVQ_HAS_CVT_FP4
template <>
struct has_encode2<E2M1> {
  static constexpr bool value = true;
};
template <>
struct has_encode2<E2M3> {
  static constexpr bool value = true;
};
template <>
struct has_encode2<E3M2> {
  static constexpr bool value = true;
};
#endif

/// Two codes of 6 bits, each in a byte, to 12 bits.
NVQ_HD constexpr std::uint32_t join_codes6(std::uint32_t bytes) noexcept {
  return (bytes & 0x3Fu) | (bytes & 0x3F00u) >> 2;
}

/// E::encode() of two values, each code in E::bits bits, that of the first in the low ones.
template <class E>
NVQ_HD std::uint32_t encode2(float low, float high) noexcept {
#if NVQ_HAS_CVT_FP8
  if constexpr (std::is_same<E, E4M3>::value) return nvq::detail::ptx::e4m3x2(low, high);
  if constexpr (std::is_same<E, E5M2>::value) return nvq::detail::ptx::e5m2x2(low, high);
#endif
#if NVQ_HAS_CVT_FP4
  if constexpr (std::is_same<E, E2M1>::value) return nvq::detail::ptx::e2m1x2(low, high);
  if constexpr (std::is_same<E, E2M3>::value) return join_codes6(nvq::detail::ptx::e2m3x2(low, high));
  if constexpr (std::is_same<E, E3M2>::value) return join_codes6(nvq::detail::ptx::e3m2x2(low, high));
#endif
  if constexpr (!has_encode2<E>::value)
    return E::encode(low) | static_cast<std::uint32_t>(E::encode(high)) << E::bits;
}

}  // namespace ptx
}  // namespace cuda

NVQ_END_NAMESPACE
