// SPDX-License-Identifier: Apache-2.0
// The Hadamard transform of rows by a kernel, against the matrix.
#include <cstdint>
#include <nvq/cuda/hadamard.cuh>
#include <nvq/random.hpp>
#include <vector>

#include "../support/catch.hpp"
#include "check.hpp"

namespace {

/// Rows of small integers: every sum is exact, in float and in T.
template <class T>
void check_rows(std::int64_t rows, std::int64_t columns, std::int64_t in_stride, std::int64_t out_stride) {
  INFO(sizeof(T) << " bytes, " << rows << " x " << columns << ", strides " << in_stride << ", "
                 << out_stride);
  const std::uint32_t signs = nvq::cuda::hadamard_signs();
  const auto at = [](std::int64_t r, std::int64_t stride, std::int64_t c) {
    return static_cast<std::size_t>(r * stride + c);
  };
  std::vector<T> in(static_cast<std::size_t>(rows * in_stride));
  std::vector<float> want(static_cast<std::size_t>(rows * out_stride), -77.0f);
  for (std::size_t i = 0; i < in.size(); ++i)
    in[i] = T(static_cast<float>(nvq::random_bits(9, i) % 8) * 4.0f - 12.0f);
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < columns; ++c) {
      float sum = 0;
      for (std::int64_t j = 0; j < 16; ++j) {
        int ones = static_cast<int>(signs >> j & 1u);  // the sign of x, and the parity of c & j
        for (int b = 0; b < 4; ++b) ones += static_cast<int>(c >> b & j >> b & 1);
        const float x = nvq::to_float(in[at(r, in_stride, c / 16 * 16 + j)]);
        sum += ones % 2 == 0 ? x : -x;
      }
      want[at(r, out_stride, c)] = sum / 4;
    }
  const executor::runner run = [&](const executor::schedule& s) {
    std::vector<T> out(want.size(), T(-77.0f));
    const nvq::cuda::detail::hadamard_kernel<T> kernel{in.data(), out.data(), rows, columns,
                                                       in_stride, out_stride, signs};
    const auto report = executor::run(kernel, {3, 1}, 64, s);
    bool same = true;
    for (std::size_t i = 0; i < out.size(); ++i) same = same && nvq::to_float(out[i]) == want[i];
    return executor::outcome{report, same};
  };
  CHECK(executor::check_orders(run) == "");
}

}  // namespace

TEMPLATE_TEST_CASE("rows are transformed by the matrix, aligned or not", "", float, nvq::half,
                   nvq::bfloat16) {
  check_rows<TestType>(5, 64, 64, 64);
  check_rows<TestType>(7, 48, 64, 51);
  check_rows<TestType>(3, 16, 19, 24);
}
