// SPDX-License-Identifier: Apache-2.0
// A kernel over the register functions, compiled at run time.
#include <nvrtc.h>

#include <cstdio>
#include <string>
#include <vector>

#include "../support/catch.hpp"

namespace {

const char* const kernel = R"(
#include <nvq/cuda/kv_cache.cuh>
#include <nvq/cuda/thread.cuh>

template <class F>
__device__ void there_and_back(float (&x)[16], float amax) {
  const auto scales = nvq::tensor_scales<F>(amax);
  const auto block = nvq::cuda::pack<F>(x, scales);
  nvq::cuda::unpack<F>(block.codes, block.scale, scales.decode, x);
}

extern "C" __global__ void kernel(float* values, float amax, const unsigned* words, __nv_bfloat162* out, long* at) {
  float x[16];
  for (int i = 0; i < 16; ++i) x[i] = values[i];
  nvq::cuda::hadamard16(x);
  there_and_back<nvq::NVFP4>(x, amax);
  there_and_back<nvq::Format<nvq::E4M3, nvq::Block16, nvq::ScaleE8M0, nvq::TensorNone>>(x, amax);
  for (int i = 0; i < 16; ++i) values[i] = x[i];
  __nv_bfloat162 pairs[4];
  nvq::cuda::unpack<nvq::INT4_G32>(words[0], 0x3C00, pairs);
  for (int i = 0; i < 4; ++i) out[i] = pairs[i];
  nvq::cuda::kv_quantize(nvq::cuda::kv_cache<nvq::MXFP4>{(unsigned char*)out, {}, (unsigned char*)at, {}, 64}, {0, 0}, 0,
                         threadIdx.x * 16, x);
  *at = nvq::layout::Blocked128x4({256, 8}).offset(threadIdx.x, 1);
}
)";

std::string compile(const char* arch, std::vector<const char*> options = {}) {
  const std::string target = std::string("-arch=") + arch;
  for (const char* option :
       {target.c_str(), "-std=c++17", "-default-device", "-I" NVQ_INCLUDE_DIR,
        "-I" NVQ_INCLUDE_DIR "/nvq/nvrtc", "-I" NVQ_CUDA_INCLUDE_DIR, "-I" NVQ_CUDA_INCLUDE_DIR "/cccl"})
    options.push_back(option);
  nvrtcProgram program = nullptr;
  REQUIRE(nvrtcCreateProgram(&program, kernel, "kernel.cu", 0, nullptr, nullptr) == NVRTC_SUCCESS);
  const nvrtcResult result = nvrtcCompileProgram(program, static_cast<int>(options.size()), options.data());
  std::size_t size = 0;
  REQUIRE(nvrtcGetProgramLogSize(program, &size) == NVRTC_SUCCESS);
  std::string log(size, '\0');
  REQUIRE(nvrtcGetProgramLog(program, &log[0]) == NVRTC_SUCCESS);
  log.resize(size - 1);  // the terminator is counted
  INFO(log);
  REQUIRE(result == NVRTC_SUCCESS);
  CHECK(log == "");  // no warnings
  REQUIRE(nvrtcGetPTXSize(program, &size) == NVRTC_SUCCESS);
  std::string ptx(size, '\0');
  REQUIRE(nvrtcGetPTX(program, &ptx[0]) == NVRTC_SUCCESS);
  REQUIRE(nvrtcDestroyProgram(&program) == NVRTC_SUCCESS);
  return ptx;
}

bool has(const std::string& ptx, const char* text) { return ptx.find(text) != std::string::npos; }

}  // namespace

TEST_CASE("NVRTC compiles the register functions, with the instructions of the target") {
  const std::string hopper = compile("sm_90a"), spark = compile("sm_121a");
  CHECK(has(hopper, ".entry kernel("));
  CHECK(has(hopper, "cvt.rn.satfinite.e4m3x2.f32"));
  CHECK_FALSE(has(hopper, "e2m1x2"));
  CHECK(has(spark, "cvt.rn.satfinite.e2m1x2.f32"));
}

TEST_CASE("flags of NVRTC change no code") {
  const std::string plain = compile("sm_121a");
  CHECK(plain == compile("sm_121a", {"-use_fast_math", "-fmad=false"}));
}
