// SPDX-License-Identifier: Apache-2.0
// What a quantization without a known amax does first, and the transform before it.
#include "tensors.hpp"

namespace {

void run() {
  using value = nvq::bfloat16;
  for (const bench::shape& s : bench::shapes()) {
    const bench::tensors<nvq::NVFP4> t(s, nvq::ScaleLayout::linear);
    const double bytes = static_cast<double>(t.shape.size()) * 2;
    const auto values = [&](int i) { return t.values[static_cast<std::size_t>(i)]->as<value>(); };
    bench::report("amax", s.rows, s.columns, bytes,
                  bench::seconds_of(
                      [&](int i, cudaStream_t stream) {
                        return nvq::cuda::amax_async(values(i), t.shape, t.amax.as<float>(), stream);
                      },
                      t.copies));
    bench::report("hadamard, in place", s.rows, s.columns, 2 * bytes,
                  bench::seconds_of(
                      [&](int i, cudaStream_t stream) {
                        return nvq::cuda::hadamard_async(values(i), t.shape, values(i), stream);
                      },
                      t.copies));
  }
}

const bench::benchmark registered("1 amax", run);

}  // namespace
