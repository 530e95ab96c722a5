// SPDX-License-Identifier: Apache-2.0
// usage: capture-rcp FOLDER
//
// What rcp.approx.ftz.f32 gives, for a model of it on the host. NVIDIA documents an error of one unit in the last place
// and nothing else. Writes
//   rcp_approx.txt   per exponent: how many of its 2^23 mantissas are off the correctly rounded reciprocal, by what,
//                    and whether they are the same ones as at exponent 127; special values; results of the inputs
//                    that the recipes of vLLM and TensorRT-LLM begin with
//   rcp_approx.bin   exponent 127, two bits a mantissa, lowest first: 0 correctly rounded, 1 one unit above, 2 one unit
//                    below, 3 farther off
#include <cuda_runtime.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <nvq/arithmetic.hpp>
#include <string>
#include <vector>

namespace {

constexpr std::uint32_t mantissas = 1u << 23;

void require(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  std::fprintf(stderr, "%s: %s\n", what, cudaGetErrorString(error));
  std::exit(1);
}

__global__ void reciprocals(std::uint32_t first, std::uint32_t count, std::uint32_t* out) {
  for (std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x)
    out[i] = nvq::float_bits(nvq::rcp_approx_ftz(nvq::float_from_bits(first + i)));
}

/// The results for `count` consecutive bit patterns; from every multiprocessor, twice.
std::vector<std::uint32_t> capture(std::uint32_t first, std::uint32_t count) {
  std::uint32_t* out = nullptr;
  require(cudaMalloc(&out, count * sizeof *out), "cudaMalloc");
  std::vector<std::uint32_t> a(count), b(count);
  reciprocals<<<4096, 256>>>(first, count, out);
  require(cudaMemcpy(a.data(), out, count * sizeof *out, cudaMemcpyDeviceToHost), "capture");
  require(cudaMemset(out, 0xA5, count * sizeof *out), "cudaMemset");
  reciprocals<<<777, 96>>>(first, count, out);
  require(cudaMemcpy(b.data(), out, count * sizeof *out, cudaMemcpyDeviceToHost), "capture");
  require(cudaFree(out), "cudaFree");
  if (a != b) {
    std::fprintf(stderr, "two captures from %08x on differ\n", first);
    std::exit(1);
  }
  return a;
}

/// 1 / x rounded to nearest even, with subnormals flushed on both sides.
std::uint32_t rounded(std::uint32_t bits) {
  const std::uint32_t sign = bits & 0x80000000u;
  float x = 0;
  std::memcpy(&x, &bits, sizeof x);
  if (x != x) return 0x7FFFFFFFu;
  if ((bits & 0x7F800000u) == 0) return sign | 0x7F800000u;
  const float r = 1.0f / x;
  std::uint32_t result = 0;
  std::memcpy(&result, &r, sizeof result);
  return (result & 0x7F800000u) == 0 ? sign : result;
}

struct off {
  std::uint32_t above = 0, below = 0, farther = 0, first = 0;
  void add(std::uint32_t index, int delta) {
    if (above + below + farther == 0) first = index;
    ++(delta == 1 ? above : delta == -1 ? below : farther);
  }
};

/// Differences in units of the last place, 127 for more.
std::vector<std::int8_t> deviations(std::uint32_t exponent) {
  const std::uint32_t first = exponent << 23;
  const auto got = capture(first, mantissas);
  std::vector<std::int8_t> d(mantissas);
  for (std::uint32_t i = 0; i < mantissas; ++i) {
    const std::int64_t delta = static_cast<std::int64_t>(got[i]) - rounded(first + i);
    d[i] = static_cast<std::int8_t>(delta >= -100 && delta <= 100 ? delta : 127);
  }
  return d;
}

void report_exponent(std::FILE* out, std::uint32_t exponent, const std::vector<std::int8_t>& d,
                     const std::vector<std::int8_t>& reference) {
  off o;
  std::uint32_t other = 0, example = 0;
  for (std::uint32_t i = 0; i < mantissas; ++i) {
    if (d[i] != 0) o.add(i, d[i]);
    if (d[i] != reference[i] && other++ == 0) example = i;
  }
  std::fprintf(out, "%u\t%u\t%u\t%u\t%u", exponent, o.above, o.below, o.farther, other);
  if (o.above + o.below + o.farther != 0) std::fprintf(out, "\tfirst deviation at mantissa %06x", o.first);
  if (other != 0)
    std::fprintf(out, "\tfirst unlike exponent 127 at mantissa %06x: %d, there %d", example, d[example],
                 reference[example]);
  std::fprintf(out, "\n");
}

void write_bitmap(const std::string& path, const std::vector<std::int8_t>& d) {
  std::vector<std::uint8_t> bytes(mantissas / 4);
  for (std::uint32_t i = 0; i < mantissas; ++i) {
    const unsigned code = d[i] == 0 ? 0u : d[i] == 1 ? 1u : d[i] == -1 ? 2u : 3u;
    bytes[i / 4] = static_cast<std::uint8_t>(bytes[i / 4] | code << 2 * (i % 4));
  }
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  if (file == nullptr || std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size() ||
      std::fclose(file) != 0) {
    std::fprintf(stderr, "%s cannot be written\n", path.c_str());
    std::exit(1);
  }
}

void report_specials(std::FILE* out) {
  std::fprintf(out, "\ninput\tresult\tcorrectly rounded, flushed\n");
  const std::uint32_t inputs[] = {
      0x00000000u, 0x80000000u, 0x00000001u,         0x007FFFFFu,           0x80000001u, 0x00800000u,
      0x80800000u, 0x7E800000u, 0x7E800001u,         0x7EFFFFFFu,           0x7F000000u, 0x7F7FFFFFu,
      0xFF7FFFFFu, 0x7F800000u, 0xFF800000u,         0x7FC00000u,           0x7F800001u, 0xFFC00000u,
      0x3F800000u, 0xBF800000u, 0x40C00000u /* 6 */, 0x43E00000u /* 448 */, 0x45280000u /* 2688 */};
  for (const std::uint32_t bits : inputs)
    std::fprintf(out, "%08x\t%08x\t%08x\n", bits, capture(bits, 1)[0], rounded(bits));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: capture-rcp FOLDER\n");
    return 2;
  }
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::printf("nvq-skip(gpu): there is no CUDA device\n");
    return 0;
  }
  const std::string folder = argv[1];
  std::FILE* const out = std::fopen((folder + "/rcp_approx.txt").c_str(), "w");
  if (out == nullptr) {
    std::fprintf(stderr, "%s/rcp_approx.txt cannot be written\n", folder.c_str());
    return 1;
  }
  cudaDeviceProp device{};
  require(cudaGetDeviceProperties(&device, 0), "cudaGetDeviceProperties");
  std::fprintf(out, "rcp.approx.ftz.f32 on %s, compute capability %d.%d\n\n", device.name, device.major,
               device.minor);
  std::fprintf(out, "exponent\tabove\tbelow\tfarther\tunlike 127\n");

  const auto reference = deviations(127);
  write_bitmap(folder + "/rcp_approx.bin", reference);
  std::uint32_t wrong = 0, unlike = 0;
  for (const std::int8_t d : reference) wrong += d != 0;
  for (std::uint32_t exponent = 1; exponent < 255; ++exponent) {
    const auto d = deviations(exponent);
    report_exponent(out, exponent, d, reference);
    if (exponent < 253) unlike += d != reference;  // above, results are subnormal
  }
  // The sign: one exponent suffices to see whether it matters.
  std::uint32_t by_sign = 0;
  const auto negative = capture(0x80000000u | 127u << 23, mantissas),
             positive = capture(127u << 23, mantissas);
  for (std::uint32_t i = 0; i < mantissas; ++i) by_sign += negative[i] != (positive[i] | 0x80000000u);
  std::fprintf(out, "\nmantissas of exponent 127 whose result depends on the sign: %u\n", by_sign);
  report_specials(out);
  std::fclose(out);
  std::printf(
      "rcp.approx.ftz.f32: %u of 2^23 mantissas are not correctly rounded; %u of 252 exponents differ from "
      "127; "
      "%u results depend on the sign\n",
      wrong, unlike, by_sign);
  return 0;
}
