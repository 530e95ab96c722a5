// SPDX-License-Identifier: Apache-2.0
// What quantize_options ask of the quantizing kernels, run on the CPU.
#include <cstdint>
#include <nvq/nvq.hpp>
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

template <class F, class T, class Round, class R>
auto launch_of(const nvq::cuda::detail::quantize_args<F, T, Round>& args, R) {
  return nvq::cuda::detail::quantize_kernel<F, T, R, Round>::plan(args, 3);
}

unsigned code_at(const std::vector<std::uint8_t>& codes, unsigned bits, std::size_t row_bytes, std::size_t r,
                 std::size_t c) {
  const std::size_t bit = c * bits;
  return codes[r * row_bytes + bit / 8] >> bit % 8 & ((1u << bits) - 1);
}

using bytes = std::vector<std::uint8_t>;

/// The scales of tiles, [scale rows, scale columns], for each row of values: in a layout, its padding 0.
bytes per_row(const bytes& scales, std::int64_t rows, std::int64_t tile, std::int64_t across,
              ScaleLayout layout) {
  const nvq::shape2d grid(rows, across);
  bytes out(static_cast<std::size_t>(nvq::scales_bytes(layout, grid)), 0);
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < across; ++c)
      out[static_cast<std::size_t>(nvq::scales_offset(layout, grid, r, c))] =
          scales[static_cast<std::size_t>(r / tile * across + c)];
  out.resize(out.size() + 8, guard);
  return out;
}

/// Both orientations of square tiles, against the host's codes and scales moved about here.
template <class F, class T, class R>
void check_transposed(std::int64_t rows, std::int64_t columns, bool scales_per_row, ScaleLayout layout,
                      R recipe) {
  INFO(rows << " x " << columns << ", " << to_string(layout) << (scales_per_row ? ", per row" : ""));
  constexpr std::int64_t tile = F::block::rows;
  constexpr unsigned bits = F::element::bits;
  const auto in = inputs<T>(rows, columns, 11);
  const float amax = nvq::amax(in);
  const auto q = nvq::quantize<F>(in, {rows, columns}, recipe);
  const std::int64_t down = (rows + tile - 1) / tile, across = (columns + tile - 1) / tile;
  const auto row_bytes = static_cast<std::size_t>((columns * bits + 7) / 8);
  const auto turned_bytes = static_cast<std::size_t>((rows * bits + 7) / 8);
  bytes codes(static_cast<std::size_t>(columns) * turned_bytes, 0),
      tile_scales(static_cast<std::size_t>(down * across));
  for (std::size_t r = 0; r < static_cast<std::size_t>(rows); ++r)
    for (std::size_t c = 0; c < static_cast<std::size_t>(columns); ++c)
      codes[c * turned_bytes + r * bits / 8] = static_cast<std::uint8_t>(
          codes[c * turned_bytes + r * bits / 8] | code_at(q.codes(), bits, row_bytes, r, c) << r * bits % 8);
  for (std::int64_t r = 0; r < down; ++r)
    for (std::int64_t c = 0; c < across; ++c)
      tile_scales[static_cast<std::size_t>(c * down + r)] =
          q.scales()[static_cast<std::size_t>(r * across + c)];
  bytes scales = q.scales(), turned_scales = tile_scales;
  scales.resize(scales.size() + 8, guard);
  turned_scales.resize(turned_scales.size() + 8, guard);
  if (scales_per_row) {
    scales = per_row(q.scales(), rows, tile, across, layout);
    turned_scales = per_row(tile_scales, columns, tile, down, layout);
  }
  codes.resize(codes.size() + 8, guard);

  for (const order o : {order::forward, order::reverse, order::random}) {
    Output<F> out(rows, columns, layout, scales_per_row), turned(columns, rows, layout, scales_per_row);
    nvq::cuda::detail::quantize_args<F, T> args{in.data(), columns,
                                                out.view(rows, columns, layout, scales_per_row)};
    args.amax = &amax;
    args.transposed = turned.view(columns, rows, layout, scales_per_row);
    const auto l = launch_of(args, recipe);
    CHECK(executor::run(l.kernel, l.grid, l.threads, {o, 4}).error == "");
    CHECK(std::equal(q.codes().begin(), q.codes().end(), out.codes.begin()));
    CHECK(out.scales == scales);
    CHECK(turned.codes == codes);
    CHECK(turned.scales == turned_scales);
  }
}

const nvq::shape2d shapes_of_tiles[] = {{1, 1},    {16, 16},  {17, 33},  {64, 64},
                                        {40, 200}, {201, 39}, {2, 1040}, {129, 65}};

template <class F, class T, class R = nvq::default_recipe<F>>
void check_stochastic(std::int64_t rows, std::int64_t columns, std::int64_t stride, R recipe = {}) {
  INFO(nvq::format_name<F> << ", " << rows << " x " << columns);
  const auto in = inputs<T>(rows, stride, 12);
  const float amax = nvq::amax(nvq::matrix_view<const T>(in.data(), {rows, columns}, stride));
  nvq::encode_options options;
  options.amax = amax;
  options.stochastic = true;
  options.seed = 0x123456789ABCDEFull;
  const auto want = expected<F>(in, rows, columns, stride, ScaleLayout::linear, recipe, options);
  Output<F> out(rows, columns, ScaleLayout::linear);
  nvq::cuda::detail::quantize_args<F, T, nvq::cuda::detail::stochastic> args{
      in.data(), stride, out.view(rows, columns, ScaleLayout::linear)};
  args.amax = &amax;
  args.round.seed = options.seed;
  const auto l = launch_of(args, recipe);
  CHECK(executor::run(l.kernel, l.grid, l.threads).error == "");
  CHECK(out.codes == want.codes);
  CHECK(out.scales == want.scales);
}

}  // namespace

TEST_CASE("tiles are written in both orientations") {
  for (const auto& s : shapes_of_tiles) {
    check_transposed<nvq::NVFP4_2D, nvq::bfloat16>(s.rows(), s.columns(), false, ScaleLayout::linear,
                                                   nvq::recipe::transformer_engine);
    for (const ScaleLayout layout :
         {ScaleLayout::linear, ScaleLayout::blocked_128x4, ScaleLayout::blocked_8x4, ScaleLayout::deepgemm})
      check_transposed<nvq::NVFP4_2D, nvq::bfloat16>(s.rows(), s.columns(), true, layout,
                                                     nvq::recipe::transformer_engine);
  }
  check_transposed<nvq::NVFP4_2D, float>(50, 130, true, ScaleLayout::blocked_128x4,
                                         nvq::recipe::four_over_six_mae);
  using wide = nvq::Format<nvq::E4M3, nvq::Tile<32, 32>, nvq::ScaleE8M0, nvq::TensorNone>;
  using narrow = nvq::Format<nvq::E2M1, nvq::Tile<8, 8>, nvq::ScaleE4M3, nvq::TensorFP32>;
  for (const auto& s : shapes_of_tiles) {
    check_transposed<wide, float>(s.rows(), s.columns(), true, ScaleLayout::blocked_128x4,
                                  nvq::recipe::rceil);
    check_transposed<narrow, nvq::half>(s.rows(), s.columns(), false, ScaleLayout::linear,
                                        nvq::recipe::modelopt);
  }
}

TEST_CASE("the transposition needs each of its barriers") {
  using F = nvq::NVFP4_2D;
  const std::int64_t rows = 70, columns = 130;
  const auto in = inputs<float>(rows, columns, 13);
  const float amax = 1.0f;
  const auto run = [&](const executor::schedule& schedule, bytes* codes) {
    Output<F> out(rows, columns, ScaleLayout::linear), turned(columns, rows, ScaleLayout::linear);
    nvq::cuda::detail::quantize_args<F, float> args{in.data(), columns,
                                                    out.view(rows, columns, ScaleLayout::linear)};
    args.amax = &amax;
    args.transposed = turned.view(columns, rows, ScaleLayout::linear);
    const auto l = launch_of(args, nvq::recipe::transformer_engine);
    auto report = executor::run(l.kernel, {1, 1}, l.threads, schedule);
    *codes = turned.codes;
    return report;
  };
  bytes want;
  REQUIRE(run({}, &want).error == "");  // that these are right the test above has shown
  CHECK(executor::check_barriers([&](const executor::schedule& schedule) {
          bytes codes;
          auto report = run(schedule, &codes);
          return executor::outcome{std::move(report), codes == want};
        }) == "");
}

TEST_CASE("large tiles give their scales to each of their rows") {
  using F = nvq::FP8_E4M3_128x128_UE8M0;
  for (const auto& shape : {nvq::shape2d(1, 1), nvq::shape2d(128, 128), nvq::shape2d(130, 700)}) {
    const auto in = inputs<float>(shape.rows(), shape.columns(), 14);
    const auto q = nvq::quantize<F>(in, shape);
    for (const ScaleLayout layout :
         {ScaleLayout::linear, ScaleLayout::deepgemm, ScaleLayout::blocked_128x4}) {
      INFO(shape.rows() << " x " << shape.columns() << ", " << to_string(layout));
      Output<F> out(shape.rows(), shape.columns(), layout, true);
      const nvq::cuda::detail::quantize_args<F, float> args{
          in.data(), shape.columns(), out.view(shape.rows(), shape.columns(), layout, true)};
      const auto l = launch_of(args, nvq::default_recipe<F>{});
      CHECK(executor::run(l.kernel, l.grid, l.threads).error == "");
      CHECK(out.scales == per_row(q.scales(), shape.rows(), 128, (shape.columns() + 127) / 128, layout));
      CHECK(std::equal(q.codes().begin(), q.codes().end(), out.codes.begin()));
    }
  }
}

TEMPLATE_LIST_TEST_CASE("kernels round stochastically with the host's bits", "", nvq::AllFormats) {
  if constexpr (nvq::detail::has_stochastic<typename TestType::element>::value) {
    check_stochastic<TestType, nvq::bfloat16>(3, 256, 256);
    check_stochastic<TestType, nvq::half>(5, 303, 303);
    check_stochastic<TestType, float>(17, 129, 132);
    check_stochastic<TestType, float>(3, 158, 158);
  }
}

TEST_CASE("stochastic rounding goes with searches") {
  check_stochastic<nvq::NVFP4, float>(3, 131, 131, nvq::recipe::four_over_six);
  check_stochastic<nvq::NVFP4_2D, float>(18, 131, 131, nvq::recipe::mse);
  check_stochastic<nvq::FP8_E4M3_Row, float>(3, 131, 131, nvq::recipe::mse);
}

TEST_CASE("random bits of a run are those of its places") {
  for (std::uint64_t first = 0; first < 9; ++first) {
    std::uint32_t sixteen[16], five[5];
    nvq::cuda::detail::random_run(77, (std::uint64_t{1} << 34) + first, sixteen);
    nvq::cuda::detail::random_run(77, first, five);
    for (unsigned i = 0; i < 16; ++i)
      CHECK(sixteen[i] == nvq::random_bits(77, (std::uint64_t{1} << 34) + first + i));
    for (unsigned i = 0; i < 5; ++i) CHECK(five[i] == nvq::random_bits(77, first + i));
  }
}

TEST_CASE("a tensor scale may be given in place of an amax") {
  using F = nvq::NVFP4;
  const std::int64_t rows = 5, columns = 72;
  const auto in = inputs<float>(rows, columns, 15);
  const auto check = [&](float g, auto recipe) {
    INFO(g << ", " << recipe.name());
    const nvq::TensorScales scales{1.0f / g, g, g * 2688.0f};
    bytes codes(F::codes_bytes(rows, columns), 0), block_scales;
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < columns; c += 16) {
        const std::int64_t n = columns - c < 16 ? columns - c : 16;
        std::uint8_t block[16];
        block_scales.push_back(nvq::encode_block<F>(in.data() + r * columns + c, n, block, scales, recipe));
        for (std::int64_t i = 0; i < n; ++i) {
          std::uint8_t& byte = codes[static_cast<std::size_t>(r * (columns / 2) + (c + i) / 2)];
          byte = static_cast<std::uint8_t>(byte | block[i] << i % 2 * 4);
        }
      }
    Output<F> out(rows, columns, ScaleLayout::linear);
    float tensor_scale = 0;
    nvq::cuda::detail::quantize_args<F, float> args{in.data(), columns,
                                                    out.view(rows, columns, ScaleLayout::linear)};
    args.given_scale = &g;
    args.tensor_scale = &tensor_scale;
    const auto l = launch_of(args, recipe);
    CHECK(executor::run(l.kernel, l.grid, l.threads).error == "");
    out.codes.resize(codes.size());
    out.scales.resize(block_scales.size());
    CHECK(out.codes == codes);
    CHECK(out.scales == block_scales);
    CHECK(tensor_scale == g);
  };
  for (const float g : {0.00031f, 1.0f, 0.125f}) {
    check(g, nvq::recipe::transformer_engine);
    check(g, nvq::recipe::modelopt);
    check(g, nvq::recipe::four_over_six);
  }
}

TEST_CASE("one scale for the tensor may be given") {
  const std::int64_t rows = 3, columns = 50;
  const auto in = inputs<float>(rows, columns, 16);
  const float scale = 0.00137f;
  const auto check = [&](auto format, auto recipe, auto encode) {
    using F = decltype(format);
    Output<F> out(rows, columns, ScaleLayout::linear);
    nvq::cuda::detail::quantize_args<F, float> args{in.data(), columns,
                                                    out.view(rows, columns, ScaleLayout::linear)};
    args.given_scale = &scale;
    const auto l = launch_of(args, recipe);
    CHECK(executor::run(l.kernel, l.grid, l.threads).error == "");
    float stored = 0;
    std::memcpy(&stored, out.scales.data(), 4);
    CHECK(stored == scale);
    long wrong = 0;
    for (std::size_t i = 0; i < in.size(); ++i) wrong += out.codes[i] != encode(in[i]);
    CHECK(wrong == 0);
  };
  check(nvq::FP8_E4M3{}, nvq::recipe::amax, [&](float x) { return nvq::E4M3::encode(x / scale); });
  check(nvq::FP8_E4M3{}, nvq::recipe::vllm, [&](float x) { return nvq::E4M3::encode(x * (1.0f / scale)); });
  check(nvq::INT8{}, nvq::recipe::amax, [&](float x) { return nvq::Int8::encode(x / scale); });
}

TEST_CASE("scales are quantized twice") {
  using F = nvq::NF4_DQ;
  using nvq::cuda::detail::double_quantize_kernel;
  using nvq::cuda::detail::scales_mean_kernel;
  for (const auto& shape :
       {nvq::shape2d(1, 1), nvq::shape2d(3, 64), nvq::shape2d(5, 4096), nvq::shape2d(37, 1000)}) {
    INFO(shape.rows() << " x " << shape.columns());
    const auto in = inputs<float>(shape.rows(), shape.columns(), 17);
    const auto want = nvq::quantize<F>(in, shape);
    const auto single = nvq::quantize<nvq::NF4>(in, shape);
    CHECK(want.codes() == single.codes());
    const std::vector<float>& floats = single.scales();
    const auto n = static_cast<std::int64_t>(floats.size());
    bytes expected_scales(want.scales());
    expected_scales.resize(expected_scales.size() + 8, guard);
    const auto run = [&](const executor::schedule& schedule) {
      bytes out(expected_scales.size(), guard);
      auto report = executor::run(scales_mean_kernel{floats.data(), n, out.data()}, {}, 256, schedule);
      const auto second =
          executor::run(double_quantize_kernel{floats.data(), n, out.data()}, {1, 1}, 256, schedule);
      report.error += second.error;
      report.barriers.insert(report.barriers.end(), second.barriers.begin(), second.barriers.end());
      return executor::outcome{std::move(report), out == expected_scales};
    };
    CHECK(executor::check_orders(run) == "");
    if (n > 512) CHECK(executor::check_barriers(run) == "");
  }
}
