// SPDX-License-Identifier: Apache-2.0
// The kernels of whole tensors on the host, in a file that nvcc compiles.
#include <cstdio>
#include <nvq/formats.hpp>
#include <vector>

template <class F>
int differences() {
  const std::size_t rows = 64, columns = 331;
  std::vector<float> values(rows * columns);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(static_cast<int>(i * 2654435761u >> 20 & 4095u) - 2048) / 997.0f;
  nvq::set_isa(nvq::Isa::scalar);
  const auto wanted = nvq::quantize<F>(values, {rows, columns});
  const auto decoded = nvq::dequantize<float>(wanted);
  int wrong = 0;
  for (const nvq::Isa isa : {nvq::Isa::neon, nvq::Isa::avx2, nvq::Isa::avx512}) {
    if (!nvq::set_isa(isa)) continue;
    const auto q = nvq::quantize<F>(values, {rows, columns});
    wrong +=
        q.codes() != wanted.codes() || q.scales() != wanted.scales() || nvq::dequantize<float>(q) != decoded;
  }
  return wrong;
}

int main() {
  const int wrong = differences<nvq::NVFP4>() + differences<nvq::MXFP6_E2M3>() +
                    differences<nvq::INT4_G32_ZP>() + differences<nvq::FP8_E4M3_Row>();
  std::printf("%d formats and tiers differ from scalar code\n", wrong);
  return wrong;
}
