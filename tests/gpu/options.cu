// SPDX-License-Identifier: Apache-2.0
// What quantize_options add to quantize_async(), against the host.
#include <nvq/cuda/device.cuh>
#include <nvq/nvq.hpp>

#include "tensor.hpp"

namespace {

using gpu::device_array;
using gpu::placement;
using nvq::ScaleLayout;

using bytes = std::vector<std::uint8_t>;

std::vector<placement> placements(std::vector<placement> quick, const std::vector<placement>& more) {
  if (!gpu::options().quick) quick.insert(quick.end(), more.begin(), more.end());
  return quick;
}

template <class F, class T, class R = nvq::default_recipe<F>>
void check_stochastic(R recipe = {}) {
  for (const placement& p : placements({{1, 1}, {5, 303, 1, 1}, {17, 96}},
                                       {{257, 2048, 16}, {130, 1030}, {4099, 128}, {1000, 3000}})) {
    const auto values = gpu::random_values<T>(p.rows, p.stride(), true);
    const nvq::matrix_view<const T> view(values.data(), p.shape(), p.stride());
    const float largest = nvq::amax(view);
    nvq::encode_options host;
    host.amax = nvq::is_finite(largest) ? largest : 1.9f;
    host.stochastic = true;
    host.seed = 0xFEDCBA9876543210ull;
    const gpu::on_all_processors processors;
    host.executor = processors;
    const auto q = nvq::quantize<F>(view, recipe, host);

    const device_array<T> in(values, p.offset);
    const device_array<float> amax(std::vector<float>{host.amax});
    const device_array<std::uint8_t> codes(q.codes().size(), p.offset);
    const device_array<typename F::scale_type> scales(q.scales().size(), p.offset);
    nvq::cuda::quantize_options options;
    options.row_stride = p.stride();
    options.stochastic = true;
    options.seed = host.seed;
    gpu::require(nvq::cuda::quantize_async<F>(in.data(), p.shape(), codes.data(), scales.data(), amax.data(),
                                              ScaleLayout::linear, nullptr, recipe, options),
                 "quantize_async");
    gpu::require(cudaDeviceSynchronize(), "quantize_async");
    gpu::difference d;
    d.add("codes", codes.download(), q.codes());
    d.add("scales", scales.download(), q.scales(), gpu::same_scale<F>);
    d.guards("codes", codes.touched());
    gpu::expect(std::string(nvq::format_name<F>) + ", " + R::name() + ", " + p.text(), d.compared, d.wrong,
                d.first);
  }
}

bytes transposed(const bytes& in, std::int64_t rows, std::int64_t columns, bool nibbles) {
  const auto height = static_cast<std::size_t>(rows), width = static_cast<std::size_t>(columns);
  const std::size_t from = nibbles ? (width + 1) / 2 : width, to = nibbles ? (height + 1) / 2 : height;
  bytes out(width * to, 0);
  for (std::size_t r = 0; r < height; ++r)
    for (std::size_t c = 0; c < width; ++c) {
      if (!nibbles) {
        out[c * to + r] = in[r * from + c];
        continue;
      }
      const unsigned code = in[r * from + c / 2] >> c % 2 * 4 & 15u;
      out[c * to + r / 2] = static_cast<std::uint8_t>(out[c * to + r / 2] | code << r % 2 * 4);
    }
  return out;
}

/// Scales of 16 x 16 tiles, [down, across], as they are to lie in memory.
bytes placed(const bytes& scales, std::int64_t rows, std::int64_t across, bool per_row, ScaleLayout layout) {
  if (!per_row) return scales;
  const nvq::shape2d grid(rows, across);
  bytes out(static_cast<std::size_t>(nvq::scales_bytes(layout, grid)), 0);
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < across; ++c)
      out[static_cast<std::size_t>(nvq::scales_offset(layout, grid, r, c))] =
          scales[static_cast<std::size_t>(r / 16 * across + c)];
  return out;
}

template <class T, class R>
void check_transposed(const placement& p, bool per_row, R recipe) {
  using F = nvq::NVFP4_2D;
  const auto values = gpu::random_values<T>(p.rows, p.stride(), false);
  const nvq::matrix_view<const T> view(values.data(), p.shape(), p.stride());
  const float largest = nvq::amax(view);
  const auto q = nvq::quantize<F>(view, recipe);
  const std::int64_t down = (p.rows + 15) / 16, across = (p.columns + 15) / 16;
  const bytes want_codes = transposed(q.codes(), p.rows, p.columns, true),
              want_scales = placed(q.scales(), p.rows, across, per_row, p.layout),
              want_turned =
                  placed(transposed(q.scales(), down, across, false), p.columns, down, per_row, p.layout);

  const device_array<T> in(values, p.offset);
  const device_array<float> amax(std::vector<float>{largest});
  const device_array<std::uint8_t> codes(q.codes().size(), p.offset), scales(want_scales.size(), p.offset),
      turned_codes(want_codes.size(), p.offset), turned_scales(want_turned.size(), p.offset);
  nvq::cuda::quantize_options options;
  options.row_stride = p.stride();
  options.scales_per_row = per_row;
  options.transposed = {turned_codes.data(), turned_scales.data(), p.layout};
  gpu::require(nvq::cuda::quantize_async<F>(in.data(), p.shape(), codes.data(), scales.data(), amax.data(),
                                            p.layout, nullptr, recipe, options),
               "quantize_async");
  gpu::require(cudaDeviceSynchronize(), "quantize_async");
  gpu::difference d;
  d.add("codes", codes.download(), q.codes());
  d.add("scales", scales.download(), want_scales);
  d.add("transposed codes", turned_codes.download(), want_codes);
  d.add("transposed scales", turned_scales.download(), want_turned);
  d.guards("codes", codes.touched());
  d.guards("scales", scales.touched());
  d.guards("transposed codes", turned_codes.touched());
  d.guards("transposed scales", turned_scales.touched());
  gpu::expect(std::string(R::name()) + ", " + p.text() + (per_row ? ", scales per row" : ""), d.compared,
              d.wrong, d.first);
}

template <class F, class R, class Encode>
void check_given(R recipe, Encode encode) {
  const placement p{33, 333, 3, 1};
  const float scale = 0.00137f;
  const auto values = gpu::random_values<float>(p.rows, p.stride(), false);
  const device_array<float> in(values, p.offset), given(std::vector<float>{scale}), stored(1);
  const device_array<std::uint8_t> codes(static_cast<std::size_t>(p.rows * p.columns));
  nvq::cuda::quantize_options options;
  options.row_stride = p.stride();
  options.scale = given.data();
  gpu::require(nvq::cuda::quantize_async<F>(in.data(), p.shape(), codes.data(), stored.data(), nullptr,
                                            ScaleLayout::linear, nullptr, recipe, options),
               "quantize_async");
  gpu::require(cudaDeviceSynchronize(), "quantize_async");
  bytes want;
  for (std::int64_t r = 0; r < p.rows; ++r)
    for (std::int64_t c = 0; c < p.columns; ++c)
      want.push_back(encode(values[static_cast<std::size_t>(r * p.stride() + c)], scale));
  gpu::difference d;
  d.add("codes", codes.download(), want);
  d.add("scale", stored.download(), {scale});
  gpu::expect(std::string(nvq::format_name<F>) + ", " + R::name(), d.compared, d.wrong, d.first);
}

template <class R>
void check_given_tensor_scale(R recipe) {
  using F = nvq::NVFP4;
  const std::int64_t rows = 33, columns = 320;
  const auto values = gpu::random_values<float>(rows, columns, false);
  for (const float g : {0.0001f, 0.03f, 0.5f}) {
    const nvq::TensorScales ts{1.0f / g, g, g * 2688.0f};
    bytes want_codes, want_scales;
    for (std::size_t i = 0; i < values.size(); i += 16) {
      std::uint8_t block[16];
      want_scales.push_back(nvq::encode_block<F>(values.data() + i, 16, block, ts, recipe));
      for (int j = 0; j < 16; j += 2)
        want_codes.push_back(static_cast<std::uint8_t>(block[j] | block[j + 1] << 4));
    }
    const device_array<float> in(values), given(std::vector<float>{g}), tensor_scale(1);
    const device_array<std::uint8_t> codes(want_codes.size()), scales(want_scales.size());
    nvq::cuda::quantize_options options;
    options.scale = given.data();
    options.tensor_scale = tensor_scale.data();
    gpu::require(nvq::cuda::quantize_async<F>(in.data(), {rows, columns}, codes.data(), scales.data(),
                                              nullptr, ScaleLayout::linear, nullptr, recipe, options),
                 "quantize_async");
    gpu::require(cudaDeviceSynchronize(), "quantize_async");
    gpu::difference d;
    d.add("codes", codes.download(), want_codes);
    d.add("scales", scales.download(), want_scales);
    d.add("tensor_scale", tensor_scale.download(), {g});
    gpu::expect(std::string("NVFP4, ") + R::name() + ", " + std::to_string(g), d.compared, d.wrong, d.first);
  }
}

template <class F, class R = nvq::default_recipe<F>>
void refuses(const char* what, const nvq::cuda::quantize_options& options, R recipe = {},
             ScaleLayout layout = ScaleLayout::linear) {
  const device_array<float> in(1024), amax(1);
  const device_array<std::uint8_t> codes(1024);
  const device_array<typename F::scale_type> scales(1024);
  const cudaError_t error = nvq::cuda::quantize_async<F>(in.data(), {32, 32}, codes.data(), scales.data(),
                                                         amax.data(), layout, nullptr, recipe, options);
  gpu::expect(what, 1, error == cudaErrorInvalidValue ? 0 : 1,
              std::string("got ") + cudaGetErrorString(error));
}

}  // namespace

NVQ_GPU_TEST("options", "stochastic rounding") {
  check_stochastic<nvq::NVFP4, nvq::bfloat16>();
  check_stochastic<nvq::NVFP4, float>(nvq::recipe::four_over_six);
  check_stochastic<nvq::NVFP4_2D, nvq::bfloat16>();
  check_stochastic<nvq::MXFP6_E3M2, nvq::half>();
  check_stochastic<nvq::FP8_E4M3, nvq::bfloat16>();
  check_stochastic<nvq::FP8_E4M3_Row, nvq::bfloat16>();
  check_stochastic<nvq::INT8_G128, nvq::bfloat16>();
}

NVQ_GPU_TEST("options", "both orientations") {
  for (const placement& p :
       placements({{1, 1}, {17, 33, 3, 1}, {64, 64}, {40, 200, 8}},
                  {{16, 16}, {201, 39}, {1024, 1024}, {4099, 130}, {130, 4099}, {2048, 2880, 0, 3}})) {
    check_transposed<nvq::bfloat16>(p, false, nvq::recipe::transformer_engine);
    check_transposed<float>(p, false, nvq::recipe::four_over_six_mae);
    for (const ScaleLayout layout :
         {ScaleLayout::linear, ScaleLayout::blocked_128x4, ScaleLayout::blocked_8x4, ScaleLayout::deepgemm}) {
      placement laid = p;
      laid.layout = layout;
      check_transposed<nvq::bfloat16>(laid, true, nvq::recipe::transformer_engine);
    }
  }
}

NVQ_GPU_TEST("options", "given scales") {
  check_given<nvq::FP8_E4M3>(nvq::recipe::amax, [](float x, float s) { return nvq::E4M3::encode(x / s); });
  check_given<nvq::FP8_E4M3>(nvq::recipe::vllm,
                             [](float x, float s) { return nvq::E4M3::encode(x * (1.0f / s)); });
  check_given<nvq::INT8>(nvq::recipe::amax, [](float x, float s) { return nvq::Int8::encode(x / s); });
  check_given_tensor_scale(nvq::recipe::transformer_engine);
  check_given_tensor_scale(nvq::recipe::modelopt);
}

NVQ_GPU_TEST("options", "refused") {
  const device_array<float> scale(1);
  const device_array<std::uint8_t> turned(1024), turned_scales(1024);
  nvq::cuda::quantize_options stochastic, given, per_row, both, codes_alone, scales_alone;
  stochastic.stochastic = true;
  given.scale = scale.data();
  per_row.scales_per_row = true;
  both.transposed = {turned.data(), turned_scales.data()};
  codes_alone.transposed = {turned.data(), nullptr};
  scales_alone.transposed = {nullptr, turned_scales.data()};
  refuses<nvq::NF4>("no stochastic rounding of NF4", stochastic);
  refuses<nvq::MXFP4>("a given scale where blocks have their own", given);
  refuses<nvq::FP8_E4M3>("a given scale where the recipe needs the amax", given,
                         nvq::recipe::transformer_engine);
  refuses<nvq::NVFP4>("scales per row of a format without tiles", per_row);
  refuses<nvq::NVFP4>("a transposition without tiles", both);
  refuses<nvq::FP8_E4M3_128x128>("a transposition of large tiles", both);
  refuses<nvq::NVFP4_2D>("transposed codes without scales", codes_alone);
  refuses<nvq::NVFP4_2D>("transposed scales without codes", scales_alone);
  refuses<nvq::NF4_DQ>("double quantization without a workspace", {});
  refuses<nvq::NVFP4_2D>("a layout of the scales of tiles", {}, nvq::recipe::transformer_engine,
                         ScaleLayout::blocked_128x4);
}
