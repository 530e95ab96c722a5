// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <nvq/cuda/amax.cuh>
#include <nvq/cuda/convert.cuh>
#include <nvq/cuda/dequantize.cuh>
#include <nvq/cuda/hadamard.cuh>
#include <nvq/cuda/launch.cuh>
#include <nvq/cuda/quantize.cuh>
#include <nvq/cuda/tensor_options.cuh>
#include <nvq/recipe.hpp>

/// \file
/// Whole tensors in device memory. Every function launches kernels on the stream it is given and returns; nothing is
/// allocated, nothing is read back, so all of them can be captured in a CUDA graph. Indices have 64 bits. The bytes
/// are those of the host's encode and decode.
///
/// cudaErrorInvalidValue: a null pointer where there are values, an invalid shape, a row stride below the columns, a
/// layout that the format has no scales for. Other errors are those of the launch.

NVQ_BEGIN_NAMESPACE

namespace cuda {

namespace detail {

/// The library's type of a value; the vendor's types have the same bits.
template <class T>
struct value_of;
template <>
struct value_of<float> {
  using type = float;
};
template <>
struct value_of<half> {
  using type = half;
};
template <>
struct value_of<bfloat16> {
  using type = bfloat16;
};
template <>
struct value_of<__half> {
  using type = half;
};
template <>
struct value_of<__nv_bfloat16> {
  using type = bfloat16;
};

/// Blocks that keep the current device busy while each does several rows.
inline cudaError_t wave_of_blocks(unsigned* wave) noexcept {
  int device = 0, processors = 0;
  cudaError_t error = cudaGetDevice(&device);
  if (error == cudaSuccess)
    error = cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device);
  *wave = static_cast<unsigned>(processors) * 16;
  return error;
}

}  // namespace detail

/// *amax = max |x| of a matrix; a float in device memory.
///
/// T: float, __half, __nv_bfloat16, nvq::half, nvq::bfloat16.
template <class T>
[[nodiscard]] cudaError_t amax_async(const T* in, shape2d shape, float* amax, cudaStream_t stream,
                                     const amax_options& options = {}) noexcept {
  using value = typename detail::value_of<T>::type;
  const std::int64_t row_stride = options.row_stride == 0 ? shape.columns() : options.row_stride;
  if (!detail::valid_rows(shape, row_stride) || amax == nullptr || (in == nullptr && shape.size() != 0))
    return cudaErrorInvalidValue;
  cudaError_t error = options.keep ? cudaSuccess : cudaMemsetAsync(amax, 0, sizeof(float), stream);
  if (error != cudaSuccess || shape.size() == 0) return error;
  unsigned wave = 0;
  if ((error = detail::wave_of_blocks(&wave)) != cudaSuccess) return error;
  const auto g = detail::runs_over(shape.rows(), (shape.columns() + 15) / 16, wave);
  const auto run = [&](auto statistic) {
    const detail::amax_kernel<value, decltype(statistic)> kernel{
        reinterpret_cast<const value*>(in),     shape.rows(), shape.columns(), row_stride,
        reinterpret_cast<std::uint32_t*>(amax), g.row_threads};
    return launch(kernel, {g.grid_x, g.grid_y}, g.threads, stream);
  };
  return options.nan == NaN::ignore ? run(AbsMax{}) : run(AbsMaxNaN{});
}

/// Quantizes a matrix.
///
/// in: [rows, columns]; float, __half, __nv_bfloat16, nvq::half or nvq::bfloat16; 16-byte alignment of the rows makes it
///   fast, less is correct.
/// codes: F::codes_bytes(rows, columns) bytes, as on the host.
/// scales: decode multipliers in `layout`, nvq::scales_bytes(layout, grid) bytes for one-byte scales, of which the
///   padding is written with 0; other scales are linear, and so are those of tiles without scales_per_row.
/// amax: device pointer to the amax of the tensor, for formats with a tensor scale or one scale for the tensor; else,
///   and where options.scale is given, null.
template <class F, class T, class R = default_recipe<F>, class = detail::require_recipe<R>>
[[nodiscard]] cudaError_t quantize_async(const T* in, shape2d shape, std::uint8_t* codes,
                                         typename F::scale_type* scales, const float* amax,
                                         ScaleLayout layout, cudaStream_t stream, R = {},
                                         const quantize_options& options = {}) noexcept {
  using value = typename detail::value_of<T>::type;
  using matrix = detail::quantized_matrix<F, false>;
  using rules = nvq::detail::rules_t<R, F>;
  static_assert(supports_v<R, F>, "nvq: this recipe does not apply to this Format");
  static_assert(F::block::rows != 0 || (!nvq::detail::is_search<rules, F>::value &&
                                        (std::is_same<typename rules::statistic, AbsMax>::value ||
                                         std::is_same<typename rules::statistic, AbsMaxNaN>::value)),
                "nvq: with one scale for the tensor, a device takes recipes that need its amax only");
  const std::int64_t row_stride = options.row_stride == 0 ? shape.columns() : options.row_stride;
  if (!detail::valid_tensor<F>(shape, row_stride, layout, options.scales_per_row, in, codes, scales,
                               options.zero_points) ||
      !detail::valid_options<F, rules>(shape, amax, options))
    return cudaErrorInvalidValue;
  if (shape.size() == 0) return cudaSuccess;  // and *tensor_scale stays as it is

  unsigned wave = 0;
  cudaError_t error = detail::wave_of_blocks(&wave);
  if (error != cudaSuccess) return error;
  if constexpr (nvq::detail::is_packed_scale<typename F::block_scale>::value) {
    using single = detail::single_quantized_t<F>;
    auto* const floats = static_cast<float*>(options.workspace);
    const auto n = static_cast<std::int64_t>(F::blocks_count(shape.rows(), shape.columns()));
    error = quantize_async<single>(in, shape, codes, floats, amax, layout, stream, R{}, options);
    if (error == cudaSuccess) error = launch(detail::scales_mean_kernel{floats, n, scales}, {}, 256, stream);
    if (error != cudaSuccess) return error;
    const std::int64_t groups = F::block_scale::groups(n);
    return launch(detail::double_quantize_kernel{floats, n, scales},
                  {static_cast<unsigned>(groups < wave ? groups : wave), 1}, 256, stream);
  } else {
    const auto run = [&](auto round) {
      detail::quantize_args<F, value, decltype(round)> args{
          reinterpret_cast<const value*>(in),
          row_stride,
          matrix(shape, codes, scales, options.zero_points, layout, options.scales_per_row),
          amax,
          options.tensor_scale,
          options.scale,
          round};
      if constexpr (sizeof(typename F::scale_type) == 1 && detail::has_transposed<F>)
        if (options.transposed.codes != nullptr)
          args.transposed =
              matrix(shape2d(shape.columns(), shape.rows()), options.transposed.codes,
                     options.transposed.scales, nullptr, options.transposed.layout, options.scales_per_row);
      const auto l = detail::quantize_kernel<F, value, R, decltype(round)>::plan(args, wave);
      return launch(l.kernel, l.grid, l.threads, stream, options.programmatic_dependent_launch);
    };
    if constexpr (nvq::detail::has_stochastic<typename F::element>::value)
      if (options.stochastic) return run(detail::stochastic{options.seed});
    return run(detail::nearest{});
  }
}

/// The same under the format's default recipe.
template <class F, class T>
[[nodiscard]] cudaError_t quantize_async(const T* in, shape2d shape, std::uint8_t* codes,
                                         typename F::scale_type* scales, const float* amax,
                                         ScaleLayout layout, cudaStream_t stream,
                                         const quantize_options& options) noexcept {
  return quantize_async<F>(in, shape, codes, scales, amax, layout, stream, default_recipe<F>{}, options);
}

/// Decodes a matrix: (code * scale) * tensor scale in float, rounded to T.
///
/// codes, scales, layout: as quantize_async writes them. tensor_scale: device pointer to the decode scale; null for
/// formats without one. out: [rows, columns] of T as in quantize_async.
template <class F, class T>
[[nodiscard]] cudaError_t dequantize_async(const std::uint8_t* codes, const typename F::scale_type* scales,
                                           ScaleLayout layout, const float* tensor_scale, shape2d shape,
                                           T* out, cudaStream_t stream,
                                           const dequantize_options& options = {}) noexcept {
  using value = typename detail::value_of<T>::type;
  const std::int64_t row_stride = options.row_stride == 0 ? shape.columns() : options.row_stride;
  if (!detail::valid_tensor<F>(shape, row_stride, layout, false, out, codes, scales, options.zero_points) ||
      (F::has_tensor_scale && tensor_scale == nullptr && shape.size() != 0))
    return cudaErrorInvalidValue;
  if (shape.size() == 0) return cudaSuccess;

  unsigned wave = 0;
  const cudaError_t error = detail::wave_of_blocks(&wave);
  if (error != cudaSuccess) return error;
  const auto g = detail::runs_over(shape.rows(), (shape.columns() + 15) / 16, wave);
  const detail::dequantize_kernel<F, value> kernel{{shape, codes, scales, options.zero_points, layout},
                                                   reinterpret_cast<value*>(out),
                                                   row_stride,
                                                   F::has_tensor_scale ? tensor_scale : nullptr,
                                                   g.row_threads};
  return launch(kernel, {g.grid_x, g.grid_y}, g.threads, stream, options.programmatic_dependent_launch);
}

/// Moves codes or scales from one layout (nvq::layout) to another of the same shape, as the host's convert_layout():
/// every element of `out` is written, padding with `pad`.
///
///     const nvq::layout::Linear<> linear({rows, blocks});
///     const nvq::layout::Blocked128x4 blocked({rows, blocks});
///     nvq::cuda::convert_layout_async(linear, scales, blocked, swizzled, stream);
template <class From, class To>
[[nodiscard]] cudaError_t convert_layout_async(const From& from, const typename From::value_type* in,
                                               const To& to, typename To::value_type* out,
                                               cudaStream_t stream, typename To::value_type pad = {},
                                               Recode recode = Recode::none) noexcept {
  if (from.check() != errc::ok || to.check() != errc::ok || from.rows() != to.rows() ||
      from.columns() != to.columns() || ((in == nullptr || out == nullptr) && to.elements() != 0))
    return cudaErrorInvalidValue;
  if (to.elements() == 0) return cudaSuccess;
  unsigned wave = 0;
  const cudaError_t error = detail::wave_of_blocks(&wave);
  if (error != cudaSuccess) return error;
  using kernel = detail::convert_kernel<From, To>;
  const std::int64_t blocks = (to.elements() + kernel::threads - 1) / kernel::threads;
  return launch(kernel{from, in, to, out, pad, recode},
                {static_cast<unsigned>(blocks < wave ? blocks : wave), 1}, kernel::threads, stream);
}

/// hadamard16() of every 16 columns of a matrix; columns are a multiple of 16. `out` may be `in`. Strides in values, 0: the
/// columns.
template <class T>
[[nodiscard]] cudaError_t hadamard_async(const T* in, shape2d shape, T* out, cudaStream_t stream,
                                         std::uint32_t signs = hadamard_signs(), std::int64_t in_stride = 0,
                                         std::int64_t out_stride = 0) noexcept {
  using value = typename detail::value_of<T>::type;
  if (in_stride == 0) in_stride = shape.columns();
  if (out_stride == 0) out_stride = shape.columns();
  if (!detail::valid_rows(shape, in_stride) || !detail::valid_rows(shape, out_stride) ||
      shape.columns() % 16 != 0 || (in == out && in_stride != out_stride) ||
      ((in == nullptr || out == nullptr) && shape.size() != 0))
    return cudaErrorInvalidValue;
  if (shape.size() == 0) return cudaSuccess;
  unsigned wave = 0;
  const cudaError_t error = detail::wave_of_blocks(&wave);
  if (error != cudaSuccess) return error;
  using kernel = detail::hadamard_kernel<value>;
  const std::int64_t blocks = (shape.rows() * (shape.columns() / 16) + kernel::threads - 1) / kernel::threads;
  return launch(kernel{reinterpret_cast<const value*>(in), reinterpret_cast<value*>(out), shape.rows(),
                       shape.columns(), in_stride, out_stride, signs},
                {static_cast<unsigned>(blocks < wave ? blocks : wave), 1}, kernel::threads, stream);
}

}  // namespace cuda

NVQ_END_NAMESPACE
