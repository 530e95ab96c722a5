// SPDX-License-Identifier: Apache-2.0
// amax_async(), hadamard_async() and convert_layout_async() against the host.
#include <nvq/cuda/device.cuh>
#include <nvq/nvq.hpp>

#include "tensor.hpp"

namespace {

using gpu::device_array;
using gpu::placement;

const std::vector<placement>& placements() {
  static const std::vector<placement> quick = {{1, 1}, {1, 15}, {7, 33, 1, 1}, {5, 304, 8}, {3, 5000}};
  static const std::vector<placement> full = {{1, 1},       {1, 15},     {7, 33, 1, 1},
                                              {5, 304, 8},  {3, 5000},   {1, 1 << 20},
                                              {1 << 17, 8}, {4099, 513}, {2048, 4096}};
  return gpu::options().quick ? quick : full;
}

template <class T>
void check_amax(const char* type) {
  for (const placement& p : placements()) {
    auto values = gpu::random_values<T>(p.rows, p.stride(), true);
    for (std::int64_t r = 0; r + 1 < p.rows && p.padding != 0; ++r)  // between the rows
      values[static_cast<std::size_t>(r * p.stride() + p.columns)] = T(nvq::infinity());
    const device_array<T> in(values, p.offset);
    const device_array<float> amax(1);
    const float host = nvq::amax(nvq::matrix_view<const T>(values.data(), p.shape(), p.stride()));
    gpu::require(nvq::cuda::amax_async(in.data(), p.shape(), amax.data(), nullptr, {p.stride()}),
                 "amax_async");
    gpu::difference d;
    d.add("amax", amax.download(), {host});
    // The larger of what is there and the matrix.
    device_array<float> kept(2);
    kept.upload({nvq::float_max(), 0.0f});
    for (int i = 0; i < 2; ++i)
      gpu::require(nvq::cuda::amax_async(in.data(), p.shape(), kept.data() + i, nullptr, {p.stride(), true}),
                   "amax_async");
    d.add("kept amax", kept.download(), {host > nvq::float_max() ? host : nvq::float_max(), host});
    d.guards("amax", amax.touched());
    gpu::expect(std::string(type) + ", " + p.text(), d.compared, d.wrong, d.first);
  }
}

template <class T>
void check_hadamard(const char* type) {
  for (const placement& p : {placement{1, 16}, placement{7, 48, 3, 1}, placement{130, 1024, 16}}) {
    const auto values = gpu::random_values<T>(p.rows, p.stride(), false);
    for (const bool in_place : {false, true}) {
      const device_array<T> in(values, p.offset), out(values, p.offset);
      const device_array<T>& to = in_place ? in : out;
      gpu::require(nvq::cuda::hadamard_async(in.data(), p.shape(), to.data(), nullptr,
                                             nvq::cuda::hadamard_signs(), p.stride(), p.stride()),
                   "hadamard_async");
      auto want = values;
      for (std::int64_t r = 0; r < p.rows; ++r)
        for (std::int64_t c = 0; c < p.columns; c += 16) {
          T* const at = want.data() + r * p.stride() + c;
          float x[16];
          for (int j = 0; j < 16; ++j) x[j] = nvq::to_float(at[j]);
          nvq::cuda::hadamard16(x);
          for (int j = 0; j < 16; ++j) at[j] = T(x[j]);
        }
      gpu::difference d;
      d.add("values", to.download(), want, gpu::same_value<T>);
      d.guards("values", to.touched());
      gpu::expect(std::string(type) + ", " + p.text() + (in_place ? ", in place" : ""), d.compared, d.wrong,
                  d.first);
    }
  }
}

template <class From, class To>
void convert(const std::string& what, const From& from, const To& to, nvq::Recode recode) {
  std::vector<typename From::value_type> in(static_cast<std::size_t>(from.elements()));
  for (std::size_t i = 0; i < in.size(); ++i)
    in[i] = static_cast<typename From::value_type>(gpu::mix32(static_cast<std::int64_t>(i), 50));
  std::vector<typename To::value_type> want(static_cast<std::size_t>(to.elements()));
  std::memset(static_cast<void*>(want.data()), device_array<std::uint8_t>::guard,
              want.size() * sizeof want[0]);
  const auto pad = static_cast<typename To::value_type>(7);
  const nvq::result r =
      nvq::convert_layout(from, nvq::span<const typename From::value_type>(in.data(), in.size()), to,
                          nvq::span<typename To::value_type>(want.data(), want.size()), pad, recode);
  if (r.ec != nvq::errc::ok) throw gpu::failure(what + ": " + nvq::to_string(r.ec));
  const device_array<typename From::value_type> source(in);
  const device_array<typename To::value_type> out(want.size());
  gpu::require(nvq::cuda::convert_layout_async(from, source.data(), to, out.data(), nullptr, pad, recode),
               "convert_layout_async");
  gpu::difference d;
  d.add("units", out.download(), want);
  d.guards("units", out.touched());
  gpu::expect(what, d.compared, d.wrong, d.first);
}

/// There and back, for the shapes that the layout takes.
template <class L>
void check_layout(const char* name, bool recodes = false) {
  int taken = 0;
  for (const std::int64_t rows : {1, 8, 24, 64, 130, 512})
    for (const std::int64_t columns : {1, 4, 7, 32, 64, 128, 320}) {
      const L layout({rows, columns});
      if (layout.check() != nvq::errc::ok) continue;
      if (gpu::options().quick && taken > 2) continue;
      ++taken;
      const auto recode = recodes && taken % 2 == 0 ? nvq::Recode::offset_binary : nvq::Recode::none;
      const std::string what =
          std::string(name) + ", " + std::to_string(rows) + " x " + std::to_string(columns);
      convert("to " + what, layout.linear(), layout, recode);
      convert("from " + what, layout, layout.linear(), recode);
    }
  if (taken == 0) throw gpu::failure(std::string(name) + " took no shape");
}

}  // namespace

NVQ_GPU_TEST("tensors", "amax") {
  check_amax<float>("float");
  check_amax<nvq::half>("half");
  check_amax<nvq::bfloat16>("bfloat16");
}

NVQ_GPU_TEST("tensors", "Hadamard") {
  check_hadamard<float>("float");
  check_hadamard<nvq::half>("half");
  check_hadamard<nvq::bfloat16>("bfloat16");
}

NVQ_GPU_TEST("tensors", "layouts") {
  using namespace nvq::layout;
  check_layout<Blocked128x4>("Blocked128x4");
  check_layout<Blocked8x4>("Blocked8x4");
  check_layout<DeepGemmUE8M0>("DeepGemmUE8M0");
  check_layout<MarlinWeights<4>>("MarlinWeights<4>", true);
  check_layout<MarlinWeights<8>>("MarlinWeights<8>", true);
  check_layout<MarlinWeights<4, MarlinActivation::bits8>>("MarlinWeights<4, bits8>", true);
  check_layout<MarlinScales<>>("MarlinScales");
  check_layout<MarlinZeros<4>>("MarlinZeros<4>");
  check_layout<AwqWeights>("AwqWeights", true);
  check_layout<AwqZeros>("AwqZeros");
  check_layout<GptqWeights<4>>("GptqWeights<4>", true);
  check_layout<GptqWeights<8>>("GptqWeights<8>", true);
  check_layout<GptqZeros<4>>("GptqZeros<4>");
  check_layout<GroupMajorScales<>>("GroupMajorScales");
  check_layout<PackQuantizedWeights<4>>("PackQuantizedWeights<4>", true);
  check_layout<GgmlCodes<GgmlMXFP4>>("GgmlCodes<MXFP4>");
  check_layout<GgmlScales<GgmlNVFP4>>("GgmlScales<NVFP4>");
}
