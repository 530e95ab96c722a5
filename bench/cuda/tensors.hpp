// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <memory>
#include <nvq/cuda/device.cuh>
#include <nvq/formats.hpp>

#include "measure.hpp"

namespace bench {

/// Copies of a bfloat16 matrix and of its quantized form.
template <class F>
struct tensors {
  nvq::shape2d shape;
  nvq::ScaleLayout layout;
  int copies;
  std::vector<std::unique_ptr<buffer>> values, codes, scales;
  buffer amax, tensor_scale;

  tensors(bench::shape s, nvq::ScaleLayout its_layout)
      : shape(s.rows, s.columns),
        layout(its_layout),
        copies(copies_for(static_cast<std::size_t>(moved()))),
        amax(4),
        tensor_scale(4) {
    for (int i = 0; i < copies; ++i) {
      values.push_back(std::make_unique<buffer>(shape.size() * 2, true));
      codes.push_back(std::make_unique<buffer>(F::codes_bytes(shape.rows(), shape.columns())));
      scales.push_back(std::make_unique<buffer>(scale_bytes()));
    }
    require(nvq::cuda::amax_async(values[0]->template as<const nvq::bfloat16>(), shape, amax.as<float>(),
                                  nullptr),
            "amax_async");
    require(cudaDeviceSynchronize(), "amax_async");
  }
  std::size_t scale_bytes() const {
    const nvq::shape2d grid(F::scale_rows(shape.rows()), F::scale_columns(shape.columns()));
    return layout == nvq::ScaleLayout::linear ? F::scales_bytes(shape.rows(), shape.columns())
                                              : static_cast<std::size_t>(nvq::scales_bytes(layout, grid));
  }
  /// Values, codes and scales, each once; padding is not counted.
  double moved() const {
    return static_cast<double>(shape.size() * 2 + F::codes_bytes(shape.rows(), shape.columns()) +
                               F::scales_bytes(shape.rows(), shape.columns()));
  }
  template <class R>
  cudaError_t quantize(int i, cudaStream_t stream, R recipe) const {
    const auto at = static_cast<std::size_t>(i);
    nvq::cuda::quantize_options options;
    options.tensor_scale = tensor_scale.as<float>();
    return nvq::cuda::quantize_async<F>(values[at]->template as<const nvq::bfloat16>(), shape,
                                        codes[at]->template as<std::uint8_t>(),
                                        scales[at]->template as<typename F::scale_type>(),
                                        amax.as<const float>(), layout, stream, recipe, options);
  }
  cudaError_t dequantize(int i, cudaStream_t stream) const {
    const auto at = static_cast<std::size_t>(i);
    return nvq::cuda::dequantize_async<F>(
        codes[at]->template as<const std::uint8_t>(), scales[at]->template as<const typename F::scale_type>(),
        layout, tensor_scale.as<const float>(), shape, values[at]->template as<nvq::bfloat16>(), stream);
  }
};

/// The amax is given, where the format needs one.
template <class F, class R>
void quantize(const std::string& what, R recipe, nvq::ScaleLayout layout = nvq::ScaleLayout::linear) {
  for (const shape& s : shapes()) {
    const tensors<F> t(s, layout);
    const double seconds =
        seconds_of([&](int i, cudaStream_t stream) { return t.quantize(i, stream, recipe); }, t.copies);
    report("quantize " + what, s.rows, s.columns, t.moved(), seconds);
  }
}

template <class F>
void dequantize(const std::string& what, nvq::ScaleLayout layout = nvq::ScaleLayout::linear) {
  for (const shape& s : shapes()) {
    const tensors<F> t(s, layout);
    for (int i = 0; i < t.copies; ++i)
      require(t.quantize(i, nullptr, nvq::default_recipe<F>{}), "quantize_async");
    require(cudaDeviceSynchronize(), "quantize_async");
    const double seconds =
        seconds_of([&](int i, cudaStream_t stream) { return t.dequantize(i, stream); }, t.copies);
    report("dequantize " + what, s.rows, s.columns, t.moved(), seconds);
  }
}

}  // namespace bench
