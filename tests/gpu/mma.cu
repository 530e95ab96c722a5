// SPDX-License-Identifier: Apache-2.0
// Tensor cores through the library's fragment maps, against the plain product. Values and sums are small integers, so
// every order of summation is exact.
#if __has_include(<nvq/cuda/mma.cuh>)
#include <nvq/cuda/mma.cuh>
#include <nvq/formats.hpp>

#include "sweep.cuh"

namespace {

using gpu::words;
namespace cuda = nvq::cuda;

constexpr int m = 16, n = 8, trials = 64;

/// An integer from -4 to 4, the value of A (which = 0) or B (1) at (row, column) of a trial.
NVQ_HD int integer(int which, int trial, int row, int column) {
  return static_cast<int>(gpu::mix32(((trial * 2 + which) * 64 + row) * 64 + column, 90) % 9) - 4;
}

template <class T>
struct half_product {
  using shared = cuda::no_shared;
  static constexpr unsigned threads = 32;
  using map = cuda::mma_m16n8k16;
  float* out;  // [trials, m, n]

  NVQ_HD void operator()(shared&) const {
    const int trial = static_cast<int>(cuda::block_index_x()), lane = static_cast<int>(cuda::lane());
    std::uint32_t a[4] = {}, b[2] = {};
    for (int w = 0; w < 4; ++w)
      for (int i = 0; i < map::per_word; ++i) {
        const auto at = map::a(lane, w, i);
        a[w] |= std::uint32_t{T(static_cast<float>(integer(0, trial, at.row, at.column))).bits} << 16 * i;
      }
    for (int w = 0; w < 2; ++w)
      for (int i = 0; i < map::per_word; ++i) {
        const auto at = map::b(lane, w, i);
        b[w] |= std::uint32_t{T(static_cast<float>(integer(1, trial, at.row, at.column))).bits} << 16 * i;
      }
    float d[4];
    for (int w = 0; w < 4; ++w) d[w] = static_cast<float>(lane + w);
    cuda::mma<T>(d, a, b);
    for (int w = 0; w < 4; ++w) {
      const auto at = map::d(lane, w);
      out[(trial * m + at.row) * n + at.column] = d[w];
    }
  }
};

/// The code of an integer from -4 to 4, and the scale of block `block`: 1, 2 or 4.
NVQ_HD std::uint32_t code(int value) { return nvq::E2M1::encode(static_cast<float>(value)); }
NVQ_HD int scale(int which, int trial, int line, int block) {
  return 1 << gpu::mix32(((trial * 2 + which) * 64 + line) * 64 + block, 91) % 3;
}

/// Does nothing where there is no such instruction; the test is skipped there.
template <class F, int ThreadA, int ThreadB>
NVQ_HD void multiply(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                     std::uint32_t of_a, std::uint32_t of_b) {
#if !defined(__CUDA_ARCH__) || NVQ_HAS_MMA_BLOCK_SCALE
  cuda::mma<F, 0, ThreadA, 0, ThreadB>(d, a, b, of_a, of_b);
#else
  (void)d, (void)a, (void)b, (void)of_a, (void)of_b;
#endif
}

template <class F, int ThreadA, int ThreadB>
struct scaled_product {
  using shared = cuda::no_shared;
  static constexpr unsigned threads = 32;
  using map = cuda::mma_m16n8k64;
  static constexpr int block = static_cast<int>(F::block_size);
  float* out;

  NVQ_HD static std::uint32_t scales(int which, int trial, int line) {
    std::uint32_t word = 0;
    for (int i = 0; i < map::k / block; ++i)
      word |= std::uint32_t{F::block_scale::encode(static_cast<float>(scale(which, trial, line, i)))}
              << 8 * i;
    return word;
  }
  NVQ_HD void operator()(shared&) const {
    const int trial = static_cast<int>(cuda::block_index_x()), lane = static_cast<int>(cuda::lane());
    std::uint32_t a[4] = {}, b[2] = {};
    for (int w = 0; w < 4; ++w)
      for (int i = 0; i < map::per_word; ++i) {
        const auto at = map::a(lane, w, i);
        a[w] |= code(integer(0, trial, at.row, at.column)) << 4 * i;
      }
    for (int w = 0; w < 2; ++w)
      for (int i = 0; i < map::per_word; ++i) {
        const auto at = map::b(lane, w, i);
        b[w] |= code(integer(1, trial, at.row, at.column)) << 4 * i;
      }
    // What lanes hold that no selector names must not matter.
    const std::uint32_t of_a =
        map::scales_a_thread(lane) == ThreadA ? scales(0, trial, map::scales_a_row(lane)) : 0x01010101u;
    const std::uint32_t of_b =
        map::scales_b_thread(lane) == ThreadB ? scales(1, trial, map::scales_b_column(lane)) : 0x01010101u;
    float d[4];
    for (int w = 0; w < 4; ++w) d[w] = static_cast<float>(lane + w);
    multiply<F, ThreadA, ThreadB>(d, a, b, of_a, of_b);
    for (int w = 0; w < 4; ++w) {
      const auto at = map::d(lane, w);
      out[(trial * m + at.row) * n + at.column] = d[w];
    }
  }
};

/// The sum at (row, column): what D held before, and the products.
template <class Map, class Scale>
float expected(int trial, int row, int column, Scale scale_of) {
  int sum = 0;
  for (int lane = 0; lane < 32; ++lane)
    for (int w = 0; w < 4; ++w)
      if (Map::d(lane, w) == cuda::fragment_position{row, column}) sum = lane + w;
  for (int k = 0; k < Map::k; ++k)
    sum += integer(0, trial, row, k) * integer(1, trial, k, column) * scale_of(0, row, k) *
           scale_of(1, column, k);
  return static_cast<float>(sum);
}

template <class Kernel, class Scale>
void check(const char* what, Scale scale_of) {
  const gpu::device_array<float> out(trials * m * n);
  gpu::require(cuda::launch(Kernel{out.data()}, {trials, 1}, 32, nullptr), "launch");
  const auto got = out.download();
  std::int64_t wrong = 0;
  std::string first;
  for (int i = 0; i < trials * m * n; ++i) {
    const int trial = i / (m * n), row = i / n % m, column = i % n;
    const float want = expected<typename Kernel::map>(
        trial, row, column, [&](int which, int line, int k) { return scale_of(which, trial, line, k); });
    if (got[static_cast<std::size_t>(i)] == want) continue;
    if (wrong++ == 0)
      first = "trial " + std::to_string(trial) + " (" + std::to_string(row) + ", " + std::to_string(column) +
              "): device " + std::to_string(got[static_cast<std::size_t>(i)]) + ", host " +
              std::to_string(want);
  }
  gpu::expect(what, trials * m * n, wrong, first);
}

template <class F, int ThreadA, int ThreadB>
void check_scaled(const char* what) {
  check<scaled_product<F, ThreadA, ThreadB>>(what, [](int which, int trial, int line, int k) {
    return scale(which, trial, line, k / static_cast<int>(F::block_size));
  });
}

}  // namespace

NVQ_GPU_TEST("mma", "m16n8k16") {
  const auto none = [](int, int, int, int) { return 1; };
  check<half_product<nvq::half>>("half", none);
  check<half_product<nvq::bfloat16>>("bfloat16", none);
}

NVQ_GPU_TEST("mma", "m16n8k64 with block scales") {
  cudaDeviceProp device{};
  gpu::require(cudaGetDeviceProperties(&device, 0), "cudaGetDeviceProperties");
  if (device.major != 12 && device.major != 0) {
    gpu::skip("block-scaled mma", "needs sm_120a or sm_121a");
    return;
  }
  check_scaled<nvq::NVFP4, 0, 0>("NVFP4");
  check_scaled<nvq::NVFP4, 1, 3>("NVFP4, scales of other lanes");
  check_scaled<nvq::MXFP4, 0, 0>("MXFP4");
  check_scaled<nvq::MXFP4, 1, 2>("MXFP4, scales of other lanes");
}
#endif
