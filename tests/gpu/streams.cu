// SPDX-License-Identifier: Apache-2.0
// What a stream does with the library's launches: capture in a graph and replay, programmatic dependent launch.
#include <nvq/cuda/device.cuh>
#include <nvq/nvq.hpp>

#include "tensor.hpp"

namespace {

using gpu::device_array;
using gpu::placement;
using gpu::require;
using nvq::ScaleLayout;

struct stream {
  cudaStream_t handle = nullptr;
  stream() {
    require(cudaStreamCreateWithFlags(&handle, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  }
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;
  ~stream() { static_cast<void>(cudaStreamDestroy(handle)); }
};

/// amax, quantize and dequantize of one matrix, in one stream.
template <class F>
struct round_trip {
  placement p;
  device_array<nvq::bfloat16> in, out;
  device_array<std::uint8_t> codes;
  device_array<typename F::scale_type> scales;
  device_array<float> amax, tensor_scale;

  explicit round_trip(const placement& where)
      : p(where),
        in(static_cast<std::size_t>(p.rows * p.columns)),
        out(static_cast<std::size_t>(p.rows * p.columns)),
        codes(F::codes_bytes(p.rows, p.columns)),
        scales(gpu::quantized_bytes<F>::scales_in(p)),
        amax(1),
        tensor_scale(1) {}

  void quantize(cudaStream_t s, bool dependent) {
    nvq::cuda::quantize_options options;
    options.tensor_scale = tensor_scale.data();
    options.programmatic_dependent_launch = dependent;
    require(nvq::cuda::quantize_async<F>(in.data(), p.shape(), codes.data(), scales.data(), amax.data(),
                                         p.layout, s, nvq::default_recipe<F>{}, options),
            "quantize_async");
  }
  void dequantize(cudaStream_t s, bool dependent) {
    nvq::cuda::dequantize_options options;
    options.programmatic_dependent_launch = dependent;
    require(nvq::cuda::dequantize_async<F>(codes.data(), scales.data(), p.layout, tensor_scale.data(),
                                           p.shape(), out.data(), s, options),
            "dequantize_async");
  }
  void launch(cudaStream_t s, bool dependent) {
    require(nvq::cuda::amax_async(in.data(), p.shape(), amax.data(), s), "amax_async");
    quantize(s, dependent);
    dequantize(s, dependent);
  }
  /// What is in the output against the host's, for values that are in the input.
  void check(const std::string& what, const std::vector<nvq::bfloat16>& values) {
    const auto q = nvq::quantize<F>(values, p.shape());
    const auto decoded = nvq::dequantize<float>(q);
    std::vector<nvq::bfloat16> want;
    for (const float x : decoded) want.push_back(nvq::bfloat16(x));
    gpu::difference d;
    d.add("codes", codes.download(), q.codes());
    d.add("values", out.download(), want, gpu::same_value<nvq::bfloat16>);
    gpu::expect(what, d.compared, d.wrong, d.first);
  }
};

std::vector<nvq::bfloat16> values_of(const placement& p, std::uint32_t seed) {
  std::vector<nvq::bfloat16> values;
  for (std::int64_t i = 0; i < p.rows * p.columns; ++i)
    values.push_back(nvq::bfloat16(gpu::random_float(gpu::mix32(i, seed), false)));
  return values;
}

template <class F>
void check_graph(const char* name, bool dependent) {
  const placement p{257, 1040, 0, 0, F::block::rows == 1 ? ScaleLayout::blocked_128x4 : ScaleLayout::linear};
  round_trip<F> trip(p);
  const stream s;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  require(cudaStreamBeginCapture(s.handle, cudaStreamCaptureModeGlobal), "cudaStreamBeginCapture");
  trip.launch(s.handle, dependent);
  require(cudaStreamEndCapture(s.handle, &graph), "cudaStreamEndCapture");
  require(cudaGraphInstantiate(&executable, graph, 0), "cudaGraphInstantiate");
  for (std::uint32_t replay = 0; replay < 3; ++replay) {
    const auto values = values_of(p, 60 + replay);
    trip.in.upload(values);
    trip.codes.poison();
    trip.out.poison();
    require(cudaDeviceSynchronize(), "upload");
    require(cudaGraphLaunch(executable, s.handle), "cudaGraphLaunch");
    require(cudaStreamSynchronize(s.handle), "graph");
    trip.check(
        std::string(name) + (dependent ? ", dependent launches" : "") + ", replay " + std::to_string(replay),
        values);
  }
  require(cudaGraphExecDestroy(executable), "cudaGraphExecDestroy");
  require(cudaGraphDestroy(graph), "cudaGraphDestroy");
}

/// Lets its dependents start at once, then writes the values late: who reads before grid_dependency_wait() gets what was
/// there before.
__global__ void write_late(const nvq::bfloat16* from, nvq::bfloat16* to, std::int64_t n) {
  nvq::cuda::launch_dependents();
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 700
  for (int i = 0; i < 200; ++i) __nanosleep(1000);
#endif
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < n;
       i += std::int64_t{gridDim.x} * blockDim.x)
    to[i] = from[i];
}

template <class F>
void check_dependent(const char* name) {
  const placement p{128, 2048};
  round_trip<F> trip(p);
  const stream s;
  for (std::uint32_t turn = 0; turn < 5; ++turn) {
    const auto values = values_of(p, 70 + turn);
    const device_array<nvq::bfloat16> source(values);
    trip.amax.upload({nvq::amax(values)});
    trip.in.poison();
    trip.codes.poison();
    trip.out.poison();
    require(cudaDeviceSynchronize(), "upload");
    write_late<<<4, 256, 0, s.handle>>>(source.data(), trip.in.data(), p.rows * p.columns);
    trip.quantize(s.handle, true);
    trip.dequantize(s.handle, true);
    require(cudaStreamSynchronize(s.handle), "dependent launches");
    trip.check(std::string(name) + ", turn " + std::to_string(turn), values);
  }
}

}  // namespace

NVQ_GPU_TEST("streams", "graph") {
  check_graph<nvq::NVFP4>("NVFP4", false);
  check_graph<nvq::MXFP8_E4M3>("MXFP8_E4M3", false);
  check_graph<nvq::FP8_E4M3_128x128>("FP8_E4M3_128x128", false);
}

NVQ_GPU_TEST("streams", "dependent launches") {
  cudaDeviceProp device{};
  require(cudaGetDeviceProperties(&device, 0), "cudaGetDeviceProperties");
  if (device.major < 9) {
    gpu::skip("programmatic dependent launch", "needs sm_90");
    return;
  }
  check_dependent<nvq::NVFP4>("NVFP4");
  check_dependent<nvq::MXFP4>("MXFP4");
  check_dependent<nvq::INT8_Row>("INT8_Row");
  check_graph<nvq::NVFP4>("NVFP4", true);
}
