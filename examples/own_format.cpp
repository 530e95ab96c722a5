// SPDX-License-Identifier: Apache-2.0
// How do I define a format nvq does not ship, with an element of my own?
//
//   c++ -std=c++17 -O2 -I include examples/own_format.cpp -o own_format && ./own_format

#include <cstddef>
#include <cstdint>
#include <iomanip>
#include <iostream>
#include <nvq/metrics.hpp>
#include <nvq/mxfp4.hpp>
#include <vector>

// A format is four choices: which small numbers, which values share a scale, what the scale is, and whether
// the tensor has a factor too. Sizes, packing, quantize(), encode() and decode() follow.
using MXFP4_G16 = nvq::Format<nvq::E2M1, nvq::Block16, nvq::ScaleE8M0, nvq::TensorNone>;
// Floats of other widths: FP5 with 2 exponent and 2 mantissa bits, one scale for a tile of 8 x 8.
using FP5 = nvq::Format<nvq::Float<2, 2>, nvq::Tile<8, 8>, nvq::ScaleBF16, nvq::TensorNone>;

// Any other set of up to 256 numbers is a stateless type with these five members: here {-1, 0, 1}, the
// weights of BitNet b1.58. Both functions take whatever they are given. NVQ_HD makes them callable in CUDA
// code, too.
struct Ternary {
  static constexpr int bits = 2;
  NVQ_HD static constexpr float largest() noexcept { return 1.0f; }
  NVQ_HD static constexpr float decode(std::uint8_t code) noexcept {
    return static_cast<float>(code & 3) - 1.0f;
  }
  NVQ_HD static constexpr std::uint8_t encode(float x) noexcept { return x > 0.5f ? 2 : x < -0.5f ? 0 : 1; }
};
using BitNet = nvq::Format<Ternary, nvq::Block<64>, nvq::ScaleFP16, nvq::TensorNone>;

// Everything is known at compile time.
static_assert(nvq::Float<2, 2>::largest() == 7.0f && FP5::row_bytes(20) == 13, "");
static_assert(BitNet::codes_bytes(1, 64) == 16 && BitNet::scales_bytes(1, 64) == 2, "");

template <class F, class Recipe>
void report(const char* name, const std::vector<float>& weight, nvq::shape2d shape, Recipe recipe) {
  const auto q = nvq::quantize<F>(weight, shape, recipe);
  const std::size_t bytes = q.codes().size() + q.scales().size() * sizeof(typename F::scale_type);
  std::cout << std::left << std::setw(20) << name << std::fixed << std::setprecision(2)
            << 8.0 * static_cast<double>(bytes) / static_cast<double>(weight.size()) << " bits a value, "
            << std::setprecision(1) << nvq::sqnr_db(weight, nvq::dequantize<float>(q)) << " dB\n";
}

int main() {
  const std::size_t rows = 64, columns = 256;
  std::vector<float> weight(rows * columns);
  std::uint32_t h = 1;
  for (float& w : weight) {  // sums of four random bytes: nearly normal
    h ^= h << 13, h ^= h >> 17, h ^= h << 5;
    w = (static_cast<float>((h & 255) + (h >> 8 & 255) + (h >> 16 & 255) + (h >> 24)) - 510.0f) / 8192.0f;
  }
  report<nvq::MXFP4>("MXFP4", weight, {rows, columns}, nvq::recipe::mse);
  report<MXFP4_G16>("MXFP4, blocks of 16", weight, {rows, columns}, nvq::recipe::mse);
  report<FP5>("FP5, tiles 8 x 8", weight, {rows, columns}, nvq::recipe::mse);
  report<BitNet>("ternary", weight, {rows, columns}, nvq::recipe::mse);
}
