// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <nvq/config.hpp>

// Which instruction set whole tensors are encoded and decoded with. The bytes do not depend on it.

#if !defined(__CUDA_ARCH__) && !defined(NVQ_NO_SIMD) && (defined(__GNUC__) || defined(__clang__))
#if defined(__x86_64__)
#define NVQ_SIMD_X86 1
#elif defined(__aarch64__) && defined(__ARM_NEON) && !defined(__AARCH64EB__)
#define NVQ_SIMD_NEON 1
#endif
#endif
#ifndef NVQ_SIMD_X86
#define NVQ_SIMD_X86 0
#endif
#ifndef NVQ_SIMD_NEON
#define NVQ_SIMD_NEON 0
#endif

#if NVQ_SIMD_X86
#include <cpuid.h>
#endif

NVQ_BEGIN_NAMESPACE

/// The tiers of kernels. avx512: F, BW, DQ, VL and VBMI (Ice Lake, Zen 4 and later); avx2: AVX2, FMA and F16C (Haswell, Zen
/// and later); neon: every AArch64.
enum class Isa : int { scalar, neon, avx2, avx512 };

constexpr const char* isa_name(Isa isa) noexcept {
  return isa == Isa::avx512 ? "avx512" : isa == Isa::avx2 ? "avx2" : isa == Isa::neon ? "neon" : "scalar";
}

#if NVQ_SIMD_X86
namespace detail {
/// __builtin_cpu_supports() of older compilers does not know its name. What the operating system saves for AVX will do.
inline bool has_f16c() noexcept {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & (1u << 29)) != 0;
}
}  // namespace detail
#endif

/// Whether this processor, its operating system and this build have a tier.
inline bool isa_available(Isa isa) noexcept {
#if NVQ_SIMD_X86
  if (isa == Isa::avx512)
    return isa_available(Isa::avx2) && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi");
  if (isa == Isa::avx2)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && detail::has_f16c();
#endif
  if (isa == Isa::neon) return NVQ_SIMD_NEON != 0;
  return isa == Isa::scalar;
}

namespace detail {

constexpr bool same_name(const char* a, const char* b) noexcept {
  for (; *a != '\0' && *a == *b; ++a, ++b) {
  }
  return *a == *b;
}

/// The best tier there is, or the one that the environment variable NVQ_ISA names where there is that.
inline Isa isa_from_environment() noexcept {
  const Isa tiers[] = {Isa::avx512, Isa::avx2, Isa::neon, Isa::scalar};
  if (const char* wanted = std::getenv("NVQ_ISA"))
    for (const Isa isa : tiers)
      if (same_name(wanted, isa_name(isa)) && isa_available(isa)) return isa;
  for (const Isa isa : tiers)
    if (isa_available(isa)) return isa;
  return Isa::scalar;
}

/// Read and written by the compiler's atomic operations: <atomic> is long.
inline int& chosen_isa() noexcept {
  static int isa = static_cast<int>(isa_from_environment());
  return isa;
}

}  // namespace detail

/// The tier in use: the best available, unless NVQ_ISA=scalar|neon|avx2|avx512 in the environment or set_isa() says
/// otherwise.
inline Isa active_isa() noexcept {
#if NVQ_SIMD_X86 || NVQ_SIMD_NEON
  return static_cast<Isa>(__atomic_load_n(&detail::chosen_isa(), __ATOMIC_RELAXED));
#else
  return Isa::scalar;
#endif
}

/// Uses a tier from now on, in all threads; false, and nothing changes, where it is not available.
inline bool set_isa(Isa isa) noexcept {
  if (!isa_available(isa)) return false;
#if NVQ_SIMD_X86 || NVQ_SIMD_NEON
  __atomic_store_n(&detail::chosen_isa(), static_cast<int>(isa), __ATOMIC_RELAXED);
#endif
  return true;
}

NVQ_END_NAMESPACE
