// SPDX-License-Identifier: Apache-2.0
// quantize_async() of one format, -DNVQ_FORMAT=NVFP4, under every recipe, and dequantize_async(), against the host.
#include <nvq/cuda/device.cuh>
#include <nvq/nvq.hpp>

#include "recipes.hpp"
#include "tensor.hpp"
#include "vectors.hpp"

namespace {

using F = nvq::NVQ_FORMAT;
using gpu::device_array;
using gpu::placement;
using nvq::ScaleLayout;

constexpr bool layouts_apply = gpu::has_byte_scales<F> && F::block::rows == 1;

std::vector<placement> placements(bool thorough) {
  std::vector<placement> list = {{1, 1}, {3, 16}, {2, 129, 3, 1}, {17, 96}, {5, 304, 8}, {33, 333, 0, 1}};
  if (!gpu::options().quick) {
    list.push_back({130, 208});
    list.push_back({257, 2048, 16});
    list.push_back({1, 70001});
    if (thorough) {
      list.push_back({4099, 128, 1, 3});
      list.push_back({20000, 16});
      list.push_back({1000, 3000});
    }
  }
  if (layouts_apply)
    for (const ScaleLayout layout :
         {ScaleLayout::blocked_128x4, ScaleLayout::blocked_8x4, ScaleLayout::deepgemm}) {
      list.push_back({1, 16, 0, 0, layout});
      list.push_back({5, 1000, 0, 0, layout});
      if (!gpu::options().quick) list.push_back({300, 2064, 8, 0, layout});
    }
  return list;
}

/// A quantized matrix in device memory, misplaced on demand.
struct quantized_array {
  device_array<std::uint8_t> codes, zero_points;
  device_array<F::scale_type> scales;

  explicit quantized_array(const placement& p)
      : codes(F::codes_bytes(p.rows, p.columns), p.offset),
        zero_points(F::has_zero_point ? F::blocks_count(p.rows, p.columns) : 0, p.offset),
        scales(gpu::quantized_bytes<F>::scales_in(p), p.offset) {}
};

template <class T, class R>
void check_values(const std::string& what, const std::vector<T>& values, const placement& p, R recipe) {
  const device_array<T> in(values, p.offset);
  device_array<float> amax(1), tensor_scale(1);
  const float largest = nvq::amax(nvq::matrix_view<const T>(values.data(), p.shape(), p.stride()));
  // amax_async has tests of its own.
  const float given = nvq::is_finite(largest) ? largest : 1.9f;
  amax.upload({given});

  quantized_array out(p);
  nvq::cuda::quantize_options options;
  options.row_stride = p.stride();
  options.zero_points = F::has_zero_point ? out.zero_points.data() : nullptr;
  options.tensor_scale = tensor_scale.data();
  const device_array<float> workspace(nvq::cuda::quantize_workspace_bytes<F>(p.shape()) / sizeof(float));
  options.workspace = workspace.data();
  gpu::require(nvq::cuda::quantize_async<F>(in.data(), p.shape(), out.codes.data(), out.scales.data(),
                                            amax.data(), p.layout, nullptr, recipe, options),
               "quantize_async");
  gpu::require(cudaDeviceSynchronize(), "quantize_async");

  const auto want = gpu::on_host<F>(values.data(), p, given, recipe);
  gpu::difference d;
  d.add("codes", out.codes.download(), want.codes);
  d.add("scales", out.scales.download(), want.scales, gpu::same_scale<F>);
  if (F::has_zero_point) d.add("zero_points", out.zero_points.download(), want.zero_points);
  if (F::has_tensor_scale)
    d.add("tensor_scale", tensor_scale.download(), {nvq::tensor_scales<F>(given, recipe).decode});
  d.guards("codes", out.codes.touched());
  d.guards("scales", out.scales.touched());
  d.guards("zero_points", out.zero_points.touched());
  d.guards("the workspace", workspace.touched());
  d.guards("the input", in.touched());
  (gpu::is_approximate<F, R> ? gpu::note : gpu::expect)(std::string(R::name()) + ", " + what, d.compared,
                                                        d.wrong, d.first);
}

template <class T, class R>
void check_quantize(const char* type, const placement& p, R recipe) {
  check_values(std::string(type) + ", " + p.text(), gpu::random_values<T>(p.rows, p.stride(), true), p,
               recipe);
}

template <class T>
void check_dequantize(const char* type, const placement& p) {
  const auto values = gpu::random_values<float>(p.rows, p.columns, false);
  placement packed = p;
  packed.padding = 0;
  const nvq::default_recipe<F> recipe{};
  const float amax = nvq::amax(values);
  const auto q = gpu::on_host<F>(values.data(), packed, amax, recipe);
  const float g = nvq::tensor_scales<F>(amax, recipe).decode;

  const auto linear = nvq::quantize<F>(values, p.shape(), recipe);
  const std::vector<float> decoded = nvq::dequantize<float>(linear);
  const auto rows = static_cast<std::size_t>(p.rows), stride = static_cast<std::size_t>(p.stride());

  device_array<std::uint8_t> codes(q.codes, p.offset), zero_points(q.zero_points, p.offset);
  device_array<F::scale_type> scales(q.scales, p.offset);
  const device_array<float> tensor_scale(std::vector<float>{g});
  const std::vector<T> untouched(rows * stride, T(77.0f));
  const device_array<T> out(untouched, p.offset);
  nvq::cuda::dequantize_options options;
  options.row_stride = p.stride();
  options.zero_points = F::has_zero_point ? zero_points.data() : nullptr;
  gpu::require(nvq::cuda::dequantize_async<F>(codes.data(), scales.data(), p.layout, tensor_scale.data(),
                                              p.shape(), out.data(), nullptr, options),
               "dequantize_async");
  gpu::require(cudaDeviceSynchronize(), "dequantize_async");

  std::vector<T> want = untouched;
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < static_cast<std::size_t>(p.columns); ++c)
      want[r * stride + c] = T(decoded[r * static_cast<std::size_t>(p.columns) + c]);
  gpu::difference d;
  d.add("values", out.download(), want, gpu::same_value<T>);
  d.guards("values", out.touched());
  gpu::expect(std::string("dequantize to ") + type + ", " + p.text(), d.compared, d.wrong, d.first);
}

template <class R>
void check_recipe(R recipe) {
  if constexpr (gpu::on_device<F, R>()) {
    constexpr bool is_default = std::is_same<R, nvq::default_recipe<F>>::value;
    for (const placement& p : placements(is_default)) check_quantize<nvq::bfloat16>("bfloat16", p, recipe);
    for (const placement& p : placements(false)) {
      check_quantize<nvq::half>("half", p, recipe);
      check_quantize<float>("float", p, recipe);
    }
  }
}

void refuses(const char* what, cudaError_t error) {
  gpu::expect(what, 1, error == cudaErrorInvalidValue ? 0 : 1,
              std::string("got ") + cudaGetErrorString(error));
}

}  // namespace

NVQ_GPU_TEST("quantize", nvq::format_name<F>) {
  gpu::for_each_recipe([](auto recipe) { check_recipe(recipe); });
}

NVQ_GPU_TEST("vectors", nvq::format_name<F>) {
  gpu::for_each_recipe([](auto recipe) {
    if constexpr (gpu::on_device<F, decltype(recipe)>())
      for (const gpu::matrix& m : gpu::vector_inputs())
        check_values(m.name, m.values, {m.rows, m.columns}, recipe);
  });
}

NVQ_GPU_TEST("dequantize", nvq::format_name<F>) {
  for (const placement& p : placements(true)) {
    check_dequantize<float>("float", p);
    check_dequantize<nvq::half>("half", p);
    check_dequantize<nvq::bfloat16>("bfloat16", p);
  }
}

NVQ_GPU_TEST("arguments", nvq::format_name<F>) {
  const device_array<float> in(64), amax(1), workspace(4);
  const quantized_array out({4, 16});
  const auto quantize = [&](const float* values, nvq::shape2d shape, ScaleLayout layout,
                            std::int64_t stride) {
    nvq::cuda::quantize_options options;
    options.row_stride = stride;
    options.zero_points = F::has_zero_point ? out.zero_points.data() : nullptr;
    options.workspace = workspace.data();
    return nvq::cuda::quantize_async<F>(values, shape, out.codes.data(), out.scales.data(), amax.data(),
                                        layout, nullptr, nvq::default_recipe<F>{}, options);
  };
  refuses("no values", quantize(nullptr, {4, 16}, ScaleLayout::linear, 0));
  refuses("a negative shape", quantize(in.data(), {-4, 16}, ScaleLayout::linear, 0));
  refuses("a stride below the columns", quantize(in.data(), {4, 16}, ScaleLayout::linear, 15));
  if (!layouts_apply)
    refuses("a layout of other scales", quantize(in.data(), {4, 16}, ScaleLayout::blocked_128x4, 0));
  gpu::expect("nothing to do", 1, quantize(nullptr, {0, 16}, ScaleLayout::linear, 0) != cudaSuccess ? 1 : 0,
              "");
}
