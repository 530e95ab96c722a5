// SPDX-License-Identifier: Apache-2.0
// Tensors of more than 2^31 and 2^32 values, compared in rows and columns spread over all of them.
#include <nvq/cuda/device.cuh>
#include <nvq/nvq.hpp>

#include "tensor.hpp"

namespace {

using gpu::device_array;
using gpu::require;
using nvq::bfloat16;
using nvq::ScaleLayout;

struct fill_kernel {
  using shared = nvq::cuda::no_shared;
  [[maybe_unused]] static constexpr unsigned threads = 256;  // for launch(), not when run on the CPU
  bfloat16* out;
  std::int64_t n;
  NVQ_HD static bfloat16 value(std::int64_t i) {
    return bfloat16(gpu::random_float(gpu::mix32(i, 80), false));
  }
  NVQ_HD void operator()(shared&) const {
    using namespace nvq::cuda;
    for (std::int64_t i = std::int64_t{block_index_x()} * block_threads() + thread_index(); i < n;
         i += std::int64_t{grid_x()} * block_threads())
      out[i] = value(i);
  }
};

template <class T>
std::vector<T> fetch(const T* from, std::size_t count) {
  std::vector<T> values(count);
  require(cudaMemcpy(values.data(), from, count * sizeof(T), cudaMemcpyDeviceToHost), "cudaMemcpy");
  return values;
}

float largest_value(std::int64_t n) {
  const std::int64_t task = 1 << 20, tasks = (n + task - 1) / task;
  std::vector<float> largest(static_cast<std::size_t>(tasks));
  gpu::on_all_processors{}(static_cast<std::size_t>(tasks), [&](std::size_t t) {
    const std::int64_t first = static_cast<std::int64_t>(t) * task, last = std::min(first + task, n);
    for (std::int64_t i = first; i < last; ++i)
      largest[t] = std::max(largest[t], nvq::abs(nvq::to_float(fill_kernel::value(i))));
  });
  return *std::max_element(largest.begin(), largest.end());
}

/// Quantizes and dequantizes [rows, columns], and compares pieces of `piece` columns, a multiple of 128.
template <class F>
void check(const char* name, std::int64_t rows, std::int64_t columns, std::int64_t piece) {
  const std::int64_t n = rows * columns;
  const nvq::shape2d shape(rows, columns);
  const std::string what = std::string(name) + ", " + std::to_string(rows) + " x " + std::to_string(columns);
  std::size_t free = 0, total = 0;
  require(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  const std::size_t wanted = static_cast<std::size_t>(n) * 2 + F::codes_bytes(rows, columns) +
                             F::scales_bytes(rows, columns) + (std::size_t{1} << 28);
  if (free < wanted) {
    gpu::skip(what, "needs " + std::to_string(wanted >> 30) + " GiB of device memory");
    return;
  }
  const device_array<bfloat16> values(static_cast<std::size_t>(n));
  const device_array<std::uint8_t> codes(F::codes_bytes(rows, columns));
  const device_array<typename F::scale_type> scales(F::scales_count(rows, columns));
  const device_array<float> amax(1), tensor_scale(1);
  require(nvq::cuda::launch(fill_kernel{values.data(), n}, {4096, 1}, 256, nullptr), "fill");
  require(nvq::cuda::amax_async(values.data(), shape, amax.data(), nullptr), "amax_async");
  nvq::cuda::quantize_options options;
  options.tensor_scale = tensor_scale.data();
  require(nvq::cuda::quantize_async<F>(values.data(), shape, codes.data(), scales.data(), amax.data(),
                                       ScaleLayout::linear, nullptr, nvq::default_recipe<F>{}, options),
          "quantize_async");
  // The values are made again where they are compared, so their memory takes the decoded ones.
  require(nvq::cuda::dequantize_async<F>(codes.data(), scales.data(), ScaleLayout::linear,
                                         tensor_scale.data(), shape, values.data(), nullptr),
          "dequantize_async");
  require(cudaDeviceSynchronize(), "large tensor");

  const float amax_found = amax.download()[0], decode_scale = tensor_scale.download()[0];
  nvq::encode_options encode;
  encode.amax = amax_found;
  gpu::difference d;
  d.add<float>("amax", {amax_found}, {largest_value(n)});
  constexpr std::int64_t pieces = 256;
  for (std::int64_t i = 0; i < pieces; ++i) {
    // Evenly spread, both ends included, and around the indices 2^31 and 2^32.
    std::int64_t at = (n - 1) / (pieces - 1) * i;
    if (i == 1) at = std::int64_t{1} << 31;
    if (i == 2) at = (std::int64_t{1} << 32) - 1;
    if (i == pieces - 1 || at >= n) at = n - 1;
    const std::int64_t row = at / columns, column = at % columns / piece * piece;
    const std::int64_t count = std::min(piece, columns - column);
    std::vector<bfloat16> in(static_cast<std::size_t>(count));
    for (std::int64_t c = 0; c < count; ++c)
      in[static_cast<std::size_t>(c)] = fill_kernel::value(row * columns + column + c);
    const auto q = nvq::quantize<F>(nvq::matrix_view<const bfloat16>(in.data(), nvq::shape2d(1, count)),
                                    nvq::default_recipe<F>{}, encode);
    d.add("codes",
          fetch(codes.data() + row * F::row_bytes(columns) + column * F::element::bits / 8, q.codes().size()),
          q.codes());
    const std::int64_t width = F::block::columns, first_scale = width == 0 ? 0 : column / width;
    d.add("scales", fetch(scales.data() + row * F::scale_columns(columns) + first_scale, q.scales().size()),
          q.scales(), gpu::same_scale<F>);
    std::vector<bfloat16> want;
    for (const float x : nvq::dequantize<float>(q)) want.push_back(bfloat16(x));
    d.add("values", fetch(values.data() + row * columns + column, want.size()), want,
          gpu::same_value<bfloat16>);
    if (F::has_tensor_scale)
      d.add<float>("tensor_scale", {decode_scale}, {nvq::tensor_scales<F>(amax_found).decode});
  }
  d.guards("codes", codes.touched());
  d.guards("scales", scales.touched());
  d.guards("values", values.touched());
  gpu::expect(what, d.compared, d.wrong, d.first);
}

}  // namespace

NVQ_GPU_TEST("large", "many rows") {
  const bool quick = gpu::options().quick;
  const std::int64_t rows = quick ? 70 : 262150;
  check<nvq::NVFP4>("NVFP4", rows, quick ? 528 : 16400, 128);
  check<nvq::INT8_Row>("INT8_Row", rows, quick ? 400 : 16400, quick ? 512 : 16512);
  check<nvq::INT4_G128>("INT4_G128", rows / 2, quick ? 448 : 16448, 256);
}

NVQ_GPU_TEST("large", "long rows") {
  const std::int64_t columns = gpu::options().quick ? 4000 : std::int64_t{1} << 31;
  check<nvq::NVFP4>("NVFP4", 2, columns + 48, 128);
  check<nvq::MXFP8_E4M3>("MXFP8_E4M3", 1, columns + 32, 4096);
}
