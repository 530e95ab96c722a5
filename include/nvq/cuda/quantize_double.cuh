// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/cuda/execution.cuh>
#include <nvq/cuda/quantize_args.cuh>
#include <nvq/cuda/reduce.cuh>
#include <nvq/detail/double_quant.hpp>

// Double-quantized scales (NF4_DQ) on a device. The mean of all scales is taken off each, so they go into a workspace
// first, as floats: the scales of the same format without double quantization.

NVQ_BEGIN_NAMESPACE

namespace cuda {
namespace detail {

template <class F>
struct single_quantized {
  using type = F;
};
template <class E, class B, class T>
struct single_quantized<Format<E, B, ScaleFP32DQ, T>> {
  using type = Format<E, B, ScaleFP32, T>;
};
/// The format whose float scales F quantizes once more; F itself where it does not.
template <class F>
using single_quantized_t = typename single_quantized<F>::type;

// By instructions: no flag may flush subnormal floats or fuse the additions.
NVQ_HD inline double add_to_double(double sum, float x) noexcept {
#if defined(__CUDA_ARCH__)
  double y;
  asm("{\n\t.reg .f64 x;\n\tcvt.f64.f32 x, %2;\n\tadd.rn.f64 %0, %1, x;\n\t}" : "=d"(y) : "d"(sum), "f"(x));
  return y;
#else
  return sum + static_cast<double>(x);
#endif
}
NVQ_HD inline float to_float_rn(double x) noexcept {
#if defined(__CUDA_ARCH__)
  float y;
  asm("cvt.rn.f32.f64 %0, %1;" : "=f"(y) : "d"(x));
  return y;
#else
  return static_cast<float>(x);
#endif
}

/// The mean of `n` floats into the scales array. Summed in their order, as on the host, hence by one thread; the others
/// fetch.
struct scales_mean_kernel {
  static constexpr unsigned threads = 256;
  struct shared {
    float scale[threads];
  };

  const float* in;
  std::int64_t n;
  std::uint8_t* out;

  NVQ_HD void operator()(shared& s) const noexcept {
    grid_dependency_wait();
    const unsigned thread = thread_index();
    double sum = 0.0;
    for (std::int64_t first = 0; first < n; first += threads) {
      if (first + thread < n) s.scale[thread] = in[first + thread];
      barrier();
      const auto count = static_cast<unsigned>(n - first < threads ? n - first : threads);
      if (thread == 0)
        for (unsigned i = 0; i < count; ++i) sum = add_to_double(sum, s.scale[i]);
      barrier();
    }
    if (thread == 0)
      nvq::detail::store_float(out + ScaleFP32DQ::group_offset(n, ScaleFP32DQ::groups(n)),
                               to_float_rn(sum / static_cast<double>(n)));
    launch_dependents();
  }
};

/// Groups of 256 scales to their codes, under the mean that is in the array.
struct double_quantize_kernel {
  using S = ScaleFP32DQ;
  static constexpr unsigned threads = static_cast<unsigned>(S::group_size);
  struct shared {
    reduce_storage<float> of_warps;
  };

  const float* in;
  std::int64_t n;
  std::uint8_t* out;

  NVQ_HD void operator()(shared& s) const noexcept {
    grid_dependency_wait();
    const unsigned thread = thread_index();
    const float mean = nvq::detail::load_float(out + S::group_offset(n, S::groups(n)));
    for (std::int64_t g = block_index_x(); g < S::groups(n); g += grid_x()) {
      const std::int64_t b = g * S::group_size + thread;
      const float rest = b < n ? sub_rn(in[b], mean) : 0.0f;
      AbsMax largest;
      largest.add(rest);
      barrier();  // of_warps has been read for the group before
      const float absmax = block_amax(largest.amax, s.of_warps);
      if (b < n)
        out[b] = nvq::detail::dynamic_map_code(is_zero(absmax) ? 0.0f : div_rn(rest, absmax));
      else if (b < S::group_offset(n, 0))
        out[b] = 0;
      if (thread == 0) nvq::detail::store_float(out + S::group_offset(n, g), absmax);
    }
    launch_dependents();
  }
};

}  // namespace detail
}  // namespace cuda

NVQ_END_NAMESPACE
