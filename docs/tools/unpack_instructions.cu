// SPDX-License-Identifier: Apache-2.0
// One kernel for every row of the instruction table of docs/kernels.md, on one and on two units of 32 codes: what the
// second has more than the first is what 32 codes cost. unpack_instructions.py compiles and counts.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <nvq/cuda/thread.cuh>

namespace {

using namespace nvq;
using cuda::Order;
using half2 = __half2;
using bfloat162 = __nv_bfloat162;

template <class F>
using unit = cuda::codes_t<F, 32>;
struct e4m3x4 {
  std::uint32_t codes;
};
template <class Out>
inline constexpr unsigned in_one = 2;
template <>
inline constexpr unsigned in_one<float> = 1;
template <>
inline constexpr unsigned in_one<e4m3x4> = 4;
template <class Out>
struct alignas(16) values {
  Out value[32 / in_one<Out>];
};

/// The codes of a unit by 32 / Parts, each with the scale of its block.
template <class F, class Out, unsigned Parts, class Unpack>
__device__ void by_parts(const unit<F>& codes, const typename F::scale_code* scale, values<Out>& out,
                         Unpack unpack) {
  constexpr unsigned words = sizeof(unit<F>) / 4 / Parts;
  constexpr unsigned n = 32 / Parts / cuda::register_traits<Out>::count;
  NVQ_UNROLL
  for (unsigned p = 0; p < Parts; ++p) {
    std::uint32_t part[words];
    NVQ_UNROLL
    for (unsigned w = 0; w < words; ++w) part[w] = codes.word[p * words + w];
    Out some[n];
    unpack(cuda::detail::from_words<cuda::codes_t<F, 32 / Parts>>(part), scale[p], some);
    NVQ_UNROLL
    for (unsigned i = 0; i < n; ++i) out.value[p * n + i] = some[i];
  }
}

template <class F>
inline constexpr unsigned parts = F::block_size == 16 ? 2 : 1;

struct elements {
  template <class F, class Out>
  static __device__ void run(const unit<F>& codes, const typename F::scale_code* scale, values<Out>& out) {
    by_parts<F, Out, 1>(codes, scale, out, [](auto part, auto, auto& some) { cuda::unpack<F>(part, some); });
  }
};
struct scaled {
  template <class F, class Out>
  static __device__ void run(const unit<F>& codes, const typename F::scale_code* scale, values<Out>& out) {
    by_parts<F, Out, parts<F>>(codes, scale, out,
                               [](auto part, auto s, auto& some) { cuda::unpack<F>(part, s, some); });
  }
};
struct interleaved {
  template <class F, class Out>
  static __device__ void run(const unit<F>& codes, const typename F::scale_code* scale, values<Out>& out) {
    by_parts<F, Out, 4>(codes, scale, out,
                        [](auto part, auto, auto& some) { cuda::unpack<F, Order::interleaved>(part, some); });
  }
};
template <unsigned Parts>
struct biased {
  template <class F, class Out>
  static __device__ void run(const unit<F>& codes, const typename F::scale_code* scale, values<Out>& out) {
    by_parts<F, Out, Parts>(codes, scale, out,
                            [](auto part, auto, auto& some) { cuda::unpack_biased<F>(part, some); });
  }
};
struct biased_scaled {
  template <class F, class Out>
  static __device__ void run(const unit<F>& codes, const typename F::scale_code* scale, values<Out>& out) {
    const typename F::scale_code each[4] = {scale[0], scale[0], scale[parts<F> - 1], scale[parts<F> - 1]};
    by_parts<F, Out, 4>(codes, each, out,
                        [](auto part, auto s, auto& some) { cuda::unpack_biased<F>(part, s, some); });
  }
};
struct interleaved_less_zero_point {
  template <class F, class Out>
  static __device__ void run(const unit<F>& codes, const typename F::scale_code* scale, values<Out>& out) {
    const typename F::scale_code each[4] = {scale[0], scale[0], scale[0], scale[0]};
    by_parts<F, Out, 4>(codes, each, out, [](auto part, auto s, auto& some) {
      cuda::unpack<F, Order::interleaved>(part, s.zero_point, some);
    });
  }
};
struct to_e4m3 {
  template <class F, class Out>
  static __device__ void run(const unit<F>& codes, const typename F::scale_code*, values<Out>& out) {
    NVQ_UNROLL
    for (unsigned w = 0; w < 4; ++w) {
      std::uint32_t four[2];
      cuda::unpack_e4m3<F>(codes.word[w], four);
      out.value[2 * w].codes = four[0], out.value[2 * w + 1].codes = four[1];
    }
  }
};

template <class How, class F, class Out, unsigned Units>
__device__ void unpack_units(const unit<F>* codes, const typename F::scale_code* scales, values<Out>* out) {
  // Every thread has its own, lest the compiler work on uniform registers.
  codes += threadIdx.x * Units;
  scales += threadIdx.x * Units * parts<F>;
  out += threadIdx.x * Units;
  unit<F> q[Units];
  typename F::scale_code s[Units][4];
  NVQ_UNROLL
  for (unsigned u = 0; u < Units; ++u) {
    q[u] = codes[u];
    NVQ_UNROLL
    for (unsigned p = 0; p < 4; ++p) s[u][p] = scales[u * parts<F> + (parts<F> == 1 ? 0 : p)];
  }
  values<Out> v[Units];
  NVQ_UNROLL
  for (unsigned u = 0; u < Units; ++u) How::template run<F, Out>(q[u], s[u], v[u]);
  NVQ_UNROLL
  for (unsigned u = 0; u < Units; ++u) out[u] = v[u];
}

}  // namespace

#define ROW(NAME, HOW, F, OUT)                                                                               \
  extern "C" __global__ void NAME##_1(const unit<F>* codes, const F::scale_code* scales, values<OUT>* out) { \
    unpack_units<HOW, F, OUT, 1>(codes, scales, out);                                                        \
  }                                                                                                          \
  extern "C" __global__ void NAME##_2(const unit<F>* codes, const F::scale_code* scales, values<OUT>* out) { \
    unpack_units<HOW, F, OUT, 2>(codes, scales, out);                                                        \
  }
#define ROWS(NAME, HOW, F)                  \
  ROW(NAME##__half2, HOW, F, half2)         \
  ROW(NAME##__bfloat162, HOW, F, bfloat162) \
  ROW(NAME##__float, HOW, F, float)
#define PAIRS(NAME, HOW, F)         \
  ROW(NAME##__half2, HOW, F, half2) \
  ROW(NAME##__bfloat162, HOW, F, bfloat162)

ROWS(NVFP4__elements, elements, NVFP4)
ROWS(NVFP4__scaled, scaled, NVFP4)
PAIRS(NVFP4__elements_interleaved, interleaved, NVFP4)
PAIRS(NVFP4__biased_interleaved, biased<4>, NVFP4)
PAIRS(NVFP4__biased_scaled_interleaved, biased_scaled, NVFP4)
ROW(NVFP4__elements__e4m3, to_e4m3, NVFP4, e4m3x4)
ROWS(MXFP4__scaled, scaled, MXFP4)
ROW(MXFP4__biased_scaled_interleaved__bfloat162, biased_scaled, MXFP4, bfloat162)
ROWS(MXFP6_E2M3__elements, elements, MXFP6_E2M3)
ROWS(MXFP6_E2M3__scaled, scaled, MXFP6_E2M3)
ROWS(MXFP8_E4M3__elements, elements, MXFP8_E4M3)
ROWS(MXFP8_E4M3__scaled, scaled, MXFP8_E4M3)
PAIRS(MXFP8_E4M3__biased, biased<8>, MXFP8_E4M3)
ROWS(INT4_G128__elements, elements, INT4_G128)
ROWS(INT4_G128__scaled, scaled, INT4_G128)
PAIRS(INT4_G128__elements_interleaved, interleaved, INT4_G128)
ROW(INT4_G128__elements__e4m3, to_e4m3, INT4_G128, e4m3x4)
ROWS(INT4_G128_ZP__scaled, scaled, INT4_G128_ZP)
PAIRS(INT4_G128_ZP__less_zero_point_interleaved, interleaved_less_zero_point, INT4_G128_ZP)
ROWS(INT8_G128__elements, elements, INT8_G128)
ROWS(INT8_G128__scaled, scaled, INT8_G128)
ROWS(NF4__elements, elements, NF4)
ROWS(NF4__scaled, scaled, NF4)
