// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/config.hpp>
#include <nvq/detail/ptx.hpp>
#include <nvq/element.hpp>
#include <type_traits>

// Blackwell converts FP4 and FP6 by instructions that plain targets (sm_100, sm_120) do not have. A kernel built
// for a plain target would emulate them, many times slower and without a word, so it does not build. Defining
// NVQ_SOFTWARE_FP4 asks for emulation. Before Blackwell software conversion is all there is.

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 1000 && !NVQ_HAS_CVT_FP4 && !defined(NVQ_SOFTWARE_FP4)
#define NVQ_DETAIL_PLAIN_BLACKWELL 1
// Defined nowhere: the assembler's error message. Not a static_assert, because nvcc also makes PTX of the plain target
// when it builds for sm_120a, with the macros of the plain one; that PTX is never assembled.
extern "C" __device__ void
nvq_FP4_and_FP6_need_target_sm_100a_or_103a_or_120a_or_121a__or_define_NVQ_SOFTWARE_FP4();
#endif

NVQ_BEGIN_NAMESPACE

namespace cuda {
namespace detail {

template <class E>
inline constexpr bool is_fp4_or_fp6 =
    std::is_same<E, E2M1>::value || std::is_same<E, E2M3>::value || std::is_same<E, E3M2>::value;

template <class F>
NVQ_HD void check_target() noexcept {
#if defined(NVQ_DETAIL_PLAIN_BLACKWELL)
  if constexpr (is_fp4_or_fp6<typename F::element>)
    nvq_FP4_and_FP6_need_target_sm_100a_or_103a_or_120a_or_121a__or_define_NVQ_SOFTWARE_FP4();
#endif
}

}  // namespace detail
}  // namespace cuda

NVQ_END_NAMESPACE
