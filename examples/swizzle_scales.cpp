// SPDX-License-Identifier: Apache-2.0
// How do I hand NVFP4 scales to cuBLASLt, CUTLASS or tcgen05, which want them in tiles of 128 x 4?
//
//   c++ -std=c++17 -O2 -I include examples/swizzle_scales.cpp -o swizzle_scales && ./swizzle_scales

#include <cstddef>
#include <cstdint>
#include <iostream>
#include <nvq/layout.hpp>
#include <nvq/nvfp4.hpp>
#include <vector>

int main() {
  const std::size_t rows = 200, columns = 96;  // neither is a multiple of the tile: 128 rows, 4 * 16 columns
  std::vector<float> weight(rows * columns);
  for (std::size_t i = 0; i < weight.size(); ++i)
    weight[i] = static_cast<float>(i * 37 % 101) / 64.0f - 0.75f;
  const auto q = nvq::quantize<nvq::NVFP4>(weight, {rows, columns});

  // A layout is made from the shape of what is laid out: here the grid of scales, [rows, columns / 16].
  const nvq::layout::Blocked128x4 blocked({rows, columns / 16});
  std::vector<std::uint8_t> swizzled(static_cast<std::size_t>(blocked.bytes()));
  const nvq::result done = nvq::to_layout(blocked, q.scales(), swizzled);  // padding included, as zeros
  if (!done) {
    std::cerr << "cannot swizzle: " << nvq::to_string(done.ec) << '\n';
    return 1;
  }
  std::cout << q.scales().size() << " scales, [" << blocked.rows() << ", " << blocked.columns() << "], in "
            << swizzled.size() << " bytes, padded to [" << blocked.padded().rows() << ", "
            << blocked.padded().columns() << "]\n";

  // A kernel that quantizes writes each scale to its place itself: offset() runs on the device, too.
  static_assert(nvq::layout::Blocked128x4({200, 6}).offset(33, 5) == 512 + 1 * 16 + 1 * 4 + 1, "");
  const std::int64_t at = blocked.offset(130, 5);
  const bool same = swizzled[static_cast<std::size_t>(at)] == q.scales()[130 * 6 + 5];
  std::cout << "scale (130, 5) lies at byte " << at << (same ? ": the same byte\n" : ": another byte\n");

  // And back, from a buffer that some kernel filled.
  std::vector<std::uint8_t> linear(q.scales().size());
  const bool back = nvq::from_layout(blocked, swizzled, linear) && linear == q.scales();
  std::cout << (back ? "from_layout() gives the linear scales again\n" : "from_layout() failed\n");
}
