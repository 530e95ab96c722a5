// SPDX-License-Identifier: Apache-2.0
// How do I quantize a weight to NVFP4, and what do I get?
//
//   c++ -std=c++17 -O2 -I include examples/quantize_weight.cpp -o quantize_weight && ./quantize_weight

#include <cstddef>
#include <cstdint>
#include <iostream>
#include <nvq/nvfp4.hpp>
#include <vector>

int main() {
  // The weight of a linear layer, [outputs, inputs], row-major: any contiguous container of float, nvq::half
  // or nvq::bfloat16. Rows may have any length; the last block of a row may be short.
  const std::size_t rows = 4, columns = 64;
  std::vector<nvq::bfloat16> weight(rows * columns);
  for (std::size_t i = 0; i < weight.size(); ++i)
    weight[i] = nvq::bfloat16(static_cast<float>(i * 37 % 101) / 64.0f - 0.75f);

  const auto q = nvq::quantize<nvq::NVFP4>(weight, {rows, columns});
  if (!q) {
    std::cerr << "cannot quantize: " << nvq::to_string(q.ec()) << '\n';
    return 1;
  }
  std::cout << q.codes().size() << " bytes of codes, two a byte\n"
            << q.scales().size() << " bytes of E4M3 scales, one for 16 values\n"
            << "tensor scale " << q.tensor_scale() << '\n';

  // One value the way a kernel decodes it: the even column of a pair is in the low nibble; both scales
  // multiply.
  const std::size_t at = 1 * columns + 21;  // row 1, column 21
  const unsigned pair = q.codes()[at / 2];
  const auto code = static_cast<std::uint8_t>(at % 2 == 0 ? pair & 0xF : pair >> 4);
  const float element = nvq::E2M1::decode(code), scale = nvq::E4M3::decode(q.scales()[at / 16]);
  const float value = (element * scale) * q.tensor_scale();
  std::cout << "weight(1, 21) = " << nvq::to_float(weight[at]) << " is stored as " << element << " * "
            << scale << " * tensor scale = " << value << '\n';

  // All of them at once.
  const std::vector<float> back = nvq::dequantize<float>(q);
  std::cout << (back[at] == value ? "dequantize() gives the same\n" : "dequantize() differs\n");
}
