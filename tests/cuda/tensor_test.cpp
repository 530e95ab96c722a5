// SPDX-License-Identifier: Apache-2.0
// The kernels of quantize_async, dequantize_async and amax_async, run on the CPU, against the host's functions.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <nvq/cuda/amax.cuh>
#include <nvq/cuda/convert.cuh>
#include <nvq/cuda/dequantize.cuh>
#include <nvq/cuda/hadamard.cuh>
#include <nvq/nvq.hpp>
#include <nvq/random.hpp>
#include <vector>

#include "../support/catch.hpp"
#include "check.hpp"
#include "executor.hpp"
#include "tensor.hpp"

namespace {

using executor::order;
using nvq::ScaleLayout;
using tensor::expected;
using tensor::guard;
using tensor::inputs;
using tensor::Output;

template <class F, class T, class R>
void check_quantize(std::int64_t rows, std::int64_t columns, std::int64_t stride, ScaleLayout layout,
                    R recipe) {
  INFO(rows << " x " << columns << ", stride " << stride << ", " << to_string(layout) << ", " << R::name());
  const auto in = inputs<T>(rows, stride, static_cast<std::uint64_t>(columns));
  float amax = nvq::amax(nvq::matrix_view<const T>(in.data(), {rows, columns}, stride));
  const Output<F> want = expected<F>(in, rows, columns, stride, amax, layout, recipe);
  for (const order o : {order::forward, order::reverse, order::random}) {
    Output<F> out(rows, columns, layout);
    float tensor_scale = -1.0f;
    nvq::cuda::detail::quantize_args<F, T> args{in.data(), stride, out.view(rows, columns, layout)};
    args.amax = &amax;
    args.tensor_scale = &tensor_scale;
    const auto l = nvq::cuda::detail::quantize_kernel<F, T, R>::plan(args, 3);
    const auto report = executor::run(l.kernel, l.grid, l.threads, {o, 1});
    CHECK(report.error == "");
    CHECK(out.codes == want.codes);
    CHECK(out.scales == want.scales);
    if (F::has_zero_point) CHECK(out.zero_points == want.zero_points);
    if (F::has_tensor_scale) CHECK(tensor_scale == nvq::tensor_scales<F>(amax, recipe).decode);
  }
}

template <class F, class R = nvq::default_recipe<F>>
void check_shapes(R recipe = {}) {
  for (const auto& shape : {nvq::shape2d(1, 1), nvq::shape2d(3, 16), nvq::shape2d(2, 129),
                            nvq::shape2d(17, 96), nvq::shape2d(5, 304), nvq::shape2d(1, 2560)}) {
    check_quantize<F, nvq::bfloat16>(shape.rows(), shape.columns(), shape.columns(), ScaleLayout::linear,
                                     recipe);
    check_quantize<F, float>(shape.rows(), shape.columns(), shape.columns() + 3, ScaleLayout::linear, recipe);
  }
  check_quantize<F, nvq::half>(4, 256, 264, ScaleLayout::linear, recipe);
}

template <class F>
void check_dequantize(std::int64_t rows, std::int64_t columns) {
  INFO(rows << " x " << columns);
  const auto in = inputs<float>(rows, columns, 5);
  const auto q = nvq::quantize<F>(in, {rows, columns});
  const std::vector<float> want = nvq::dequantize<float>(q);
  const float g = q.tensor_scale();
  const auto run = [&](auto zero, std::int64_t stride) {
    using T = decltype(zero);
    std::vector<T> out(static_cast<std::size_t>(rows * stride), T(77.0f));
    const auto l = nvq::cuda::detail::runs_over(rows, (columns + 15) / 16, 2);
    const nvq::cuda::detail::dequantize_kernel<F, T> kernel{
        {{rows, columns}, q.codes().data(), q.scales().data(), q.zero_points().data(), ScaleLayout::linear},
        out.data(),
        stride,
        &g,
        l.row_threads};
    CHECK(executor::run(kernel, {l.grid_x, l.grid_y}, l.threads).error == "");
    long wrong = 0;
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < stride; ++c) {
        const float x = c < columns ? want[static_cast<std::size_t>(r * columns + c)] : 77.0f;
        wrong += nvq::float_bits(nvq::to_float(out[static_cast<std::size_t>(r * stride + c)])) !=
                 nvq::float_bits(nvq::to_float(T(x)));
      }
    CHECK(wrong == 0);
  };
  run(0.0f, columns);
  run(nvq::bfloat16(0.0f), columns);
  run(nvq::half(0.0f), columns + 5);
}

/// Of double-quantized scales the kernels write the floats that are quantized once more.
template <class F>
using quantized_by_kernel = nvq::cuda::detail::single_quantized_t<F>;

}  // namespace

TEMPLATE_LIST_TEST_CASE("quantizing kernels write the host's bytes", "", nvq::AllFormats) {
  INFO(nvq::format_name<TestType>);
  check_shapes<quantized_by_kernel<TestType>>();
}

TEST_CASE("quantizing kernels of recipes that search or gather more than an amax") {
  check_shapes<nvq::NVFP4>(nvq::recipe::mse);
  check_shapes<nvq::NVFP4>(nvq::recipe::four_over_six);
  check_shapes<nvq::NVFP4>(nvq::recipe::modelopt);
  check_shapes<nvq::NVFP4_2D>(nvq::recipe::four_over_six_mae);
  check_shapes<nvq::MXFP4>(nvq::recipe::mse);
  check_shapes<nvq::INT4_G128>(nvq::recipe::signed_max);
  check_shapes<nvq::INT4_Row>(nvq::recipe::ggml);
  check_shapes<nvq::INT4_G64_ZP>(nvq::recipe::awq);
  check_shapes<nvq::FP8_E4M3_128x128>(nvq::recipe::mse);
}

TEST_CASE("rows may be longer than a block of threads") {
  const auto check = [](auto format, auto recipe) {
    check_quantize<decltype(format), nvq::bfloat16>(3, 9001, 9008, ScaleLayout::linear, recipe);
  };
  check(nvq::FP8_E4M3_Row{}, nvq::recipe::amax);
  check(nvq::INT8_Row{}, nvq::recipe::signed_max);
}

TEST_CASE("of equal magnitudes in a row the first gives its sign to the scale") {
  using F = nvq::INT8_Row;
  const std::int64_t columns = 9001;
  std::vector<float> in(static_cast<std::size_t>(columns));
  in[800] = -1.0f;
  in[4800] = 1.0f;  // one of a thread's second run, the thread before that of the first
  Output<F> out(1, columns, ScaleLayout::linear);
  const nvq::cuda::detail::quantize_args<F, float> args{in.data(), columns,
                                                        out.view(1, columns, ScaleLayout::linear)};
  const auto l = nvq::cuda::detail::quantize_kernel<F, float, nvq::recipe::signed_max_t>::plan(args, 3);
  CHECK(executor::run(l.kernel, l.grid, l.threads).error == "");
  float scale = 0;
  std::memcpy(&scale, out.scales.data(), sizeof scale);
  CHECK(scale == 1.0f / 128);
}

TEST_CASE("quantizing kernels of formats of one's own") {
  check_shapes<nvq::Format<nvq::E2M1, nvq::Block<24>, nvq::ScaleE4M3, nvq::TensorFP32>>();
  check_shapes<nvq::Format<nvq::E3M2, nvq::Block64, nvq::ScaleBF16, nvq::TensorNone>>();
  check_shapes<nvq::Format<nvq::Int8, nvq::Tile<4, 32>, nvq::ScaleFP32, nvq::TensorNone>>();
  check_shapes<nvq::Format<nvq::Int8, nvq::Tile<2, 16>, nvq::ScaleFP32, nvq::TensorNone>>(
      nvq::recipe::signed_max);
  check_shapes<nvq::Format<nvq::Int4, nvq::Tile<6, 20>, nvq::ScaleFP32, nvq::TensorNone>>(nvq::recipe::mse);
  check_shapes<nvq::Format<nvq::Int8, nvq::Tile<12, 40>, nvq::ScaleFP16, nvq::TensorNone>>(
      nvq::recipe::signed_max);
}

TEST_CASE("scales go into layouts, whose padding is written") {
  for (const ScaleLayout layout :
       {ScaleLayout::blocked_128x4, ScaleLayout::blocked_8x4, ScaleLayout::deepgemm})
    for (const auto& shape : {nvq::shape2d(1, 16), nvq::shape2d(130, 208), nvq::shape2d(5, 1000)}) {
      check_quantize<nvq::NVFP4, nvq::bfloat16>(shape.rows(), shape.columns(), shape.columns(), layout,
                                                nvq::recipe::transformer_engine);
      check_quantize<nvq::MXFP8_E4M3, nvq::half>(shape.rows(), shape.columns(), shape.columns() + 8, layout,
                                                 nvq::recipe::rceil);
      check_quantize<nvq::FP8_E4M3_1x128_UE8M0, nvq::bfloat16>(shape.rows(), shape.columns(), shape.columns(),
                                                               layout, nvq::recipe::deepgemm);
    }
}

TEMPLATE_LIST_TEST_CASE("dequantizing kernels write the host's values", "", nvq::AllFormats) {
  INFO(nvq::format_name<TestType>);
  check_dequantize<TestType>(1, 1);
  check_dequantize<TestType>(3, 128);
  check_dequantize<TestType>(33, 333);
}

TEST_CASE("amax kernels find the largest magnitude") {
  for (const auto& shape : {nvq::shape2d(1, 1), nvq::shape2d(7, 33), nvq::shape2d(3, 5000)}) {
    auto in = inputs<float>(shape.rows(), shape.columns() + 1, 9);
    in[static_cast<std::size_t>(shape.columns())] = 1e30f;  // between the rows
    in[0] = shape.columns() > 1 ? nvq::quiet_nan() : in[0];
    const nvq::matrix_view<const float> view(in.data(), shape, shape.columns() + 1);
    for (const order o : {order::forward, order::reverse, order::random}) {
      std::uint32_t bits = 0;
      const auto l = nvq::cuda::detail::runs_over(shape.rows(), (shape.columns() + 15) / 16, 2);
      const nvq::cuda::detail::amax_kernel<float> kernel{in.data(),           shape.rows(), shape.columns(),
                                                         shape.columns() + 1, &bits,        l.row_threads};
      CHECK(executor::run(kernel, {l.grid_x, l.grid_y}, l.threads, {o, 2}).error == "");
      CHECK(nvq::float_from_bits(bits) == nvq::amax(view));
    }
  }
}

TEST_CASE("kernels that exchange through shared memory need each of their barriers") {
  // Two rows a block, of different amax, so that what is left of the first shows in the second.
  const std::int64_t rows = 4, columns = 700;
  auto in = inputs<float>(rows, columns, 3);
  for (std::int64_t i = 0; i < columns; ++i) in[static_cast<std::size_t>(columns + i)] *= 64.0f;
  // A search ends early in a row or a tile of zeros.
  for (std::int64_t i = 0; i < columns; ++i) in[static_cast<std::size_t>(i)] = 0.0f;
  for (std::int64_t i = 0; i < rows * 8; ++i) in[static_cast<std::size_t>(i / 8 * columns + i % 8)] = 0.0f;
  const float amax = 1.0f;
  const auto quantize = [&](auto format, auto recipe) {
    using F = decltype(format);
    using kernel = nvq::cuda::detail::quantize_groups<F, float, decltype(recipe)>;
    const Output<F> want = expected<F>(in, rows, columns, columns, amax, ScaleLayout::linear, recipe);
    return executor::check_barriers([&, want](const executor::schedule& schedule) {
      Output<F> out(rows, columns, ScaleLayout::linear);
      nvq::cuda::detail::quantize_args<F, float> args{in.data(), columns,
                                                      out.view(rows, columns, ScaleLayout::linear)};
      args.amax = &amax;
      auto report = executor::run(kernel{args}, {2, 1}, 64, schedule);
      return executor::outcome{std::move(report), out.codes == want.codes && out.scales == want.scales};
    });
  };
  CHECK(quantize(nvq::FP8_E4M3_Row{}, nvq::recipe::amax) == "");
  CHECK(quantize(nvq::FP8_E4M3_Row{}, nvq::recipe::mse) == "");
  // 60 candidates, of which the sums of 32 are kept at a time.
  using tall = nvq::Format<nvq::E4M3, nvq::Tile<128, 8>, nvq::ScaleFP32, nvq::TensorNone>;
  CHECK(quantize(tall{}, nvq::recipe::mse) == "");

  CHECK(executor::check_barriers([&](const executor::schedule& schedule) {
          std::uint32_t bits = 0;
          const nvq::cuda::detail::amax_kernel<float> kernel{in.data(), rows, columns, columns, &bits, 64};
          auto report = executor::run(kernel, {1, 1}, 64, schedule);
          return executor::outcome{std::move(report),
                                   nvq::float_from_bits(bits) ==
                                       nvq::amax(nvq::matrix_view<const float>(in.data(), {rows, columns}))};
        }) == "");
}

TEST_CASE("layout kernels convert as the host does") {
  const auto convert = [](const auto& from, const auto& to, std::uint8_t pad, nvq::Recode recode) {
    std::vector<std::uint8_t> in, want(static_cast<std::size_t>(to.elements())), out(want.size() + 8, guard);
    for (std::int64_t i = 0; i < from.elements(); ++i)
      in.push_back(static_cast<std::uint8_t>(nvq::random_bits(4, static_cast<std::uint64_t>(i))));
    REQUIRE(nvq::convert_layout(from, in, to, want, pad, recode).ec == nvq::errc::ok);
    want.resize(want.size() + 8, guard);
    const nvq::cuda::detail::convert_kernel<std::decay_t<decltype(from)>, std::decay_t<decltype(to)>> kernel{
        from, in.data(), to, out.data(), pad, recode};
    CHECK(executor::run(kernel, {3, 1}, 64, {order::random, 3}).error == "");
    CHECK(out == want);
  };
  const nvq::shape2d grid(70, 9);
  const nvq::layout::Linear<> linear(grid);
  const nvq::layout::Blocked128x4 blocked(grid);
  convert(linear, blocked, 0x7F, nvq::Recode::none);
  convert(blocked, linear, 0, nvq::Recode::none);
  convert(linear, nvq::layout::DeepGemmUE8M0(grid), 0, nvq::Recode::none);
}

TEST_CASE("the Hadamard kernel multiplies by the matrix") {
  const std::int64_t rows = 3, columns = 64;
  const auto in = inputs<nvq::bfloat16>(rows, columns, 6);
  std::vector<float> x(in.size()), out(in.size());
  for (std::size_t i = 0; i < in.size(); ++i) x[i] = nvq::to_float(in[i]);
  const nvq::cuda::detail::hadamard_kernel<float> kernel{
      x.data(), out.data(), rows, columns, columns, columns, nvq::cuda::hadamard_signs()};
  CHECK(executor::run(kernel, {1, 1}, 32).error == "");
  const int signs[16] = {1, 1, 1, -1, 1, -1, -1, -1, -1, -1, -1, 1, -1, 1, -1, -1};
  for (std::size_t first = 0; first < x.size(); first += 16)
    for (unsigned j = 0; j < 16; ++j) {
      double y = 0, magnitude = 0;
      for (unsigned i = 0; i < 16; ++i) {
        unsigned ones = i & j;  // H[i][j] is -1 to the number of ones
        ones = (ones ^ ones >> 2) & 3u;
        const double sign = (ones ^ ones >> 1) & 1u ? -signs[i] : signs[i];
        y += sign * static_cast<double>(x[first + i]) / 4;
        magnitude += std::abs(static_cast<double>(x[first + i]));
      }
      CHECK(std::abs(static_cast<double>(out[first + j]) - y) <= magnitude * 1e-7);
    }
}
