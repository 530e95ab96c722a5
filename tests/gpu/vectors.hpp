// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <cstring>
#include <nvq/float16.hpp>
#include <regex>
#include <string>
#include <vector>

#include "check.hpp"

namespace gpu {

struct matrix {
  std::string name;
  std::int64_t rows, columns;
  std::vector<float> values;
};

/// The F32, F16 and BF16 tensors of a safetensors file of this project.
inline std::vector<matrix> read_matrices(const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) throw gpu::failure(path + " cannot be read: --vectors names the folder");
  std::vector<char> bytes;
  char part[65536];
  for (std::size_t n; (n = std::fread(part, 1, sizeof part, file)) != 0;)
    bytes.insert(bytes.end(), part, part + n);
  std::fclose(file);
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), 8);
  const std::string header(bytes.data() + 8, static_cast<std::size_t>(header_bytes));
  const char* const data = bytes.data() + 8 + header_bytes;

  const std::regex tensor(
      R"rx("([^"]+)":\{"dtype":"(F32|F16|BF16)","shape":\[(\d+)(?:,(\d+))?\],"data_offsets":\[(\d+),(\d+)\]\})rx");
  std::vector<matrix> list;
  for (std::sregex_iterator it(header.begin(), header.end(), tensor), end; it != end; ++it) {
    const std::smatch& found = *it;
    const bool flat = !found[4].matched;
    matrix m{found[1], flat ? 1 : std::stoll(found[3]), std::stoll(flat ? found[3] : found[4]), {}};
    const char* const from = data + std::stoll(found[5]);
    for (std::int64_t i = 0; i < m.rows * m.columns; ++i) {
      if (found[2] == "F32") {
        float x = 0;
        std::memcpy(&x, from + 4 * i, 4);
        m.values.push_back(x);
      } else {
        std::uint16_t x = 0;
        std::memcpy(&x, from + 2 * i, 2);
        m.values.push_back(found[2] == "F16" ? nvq::to_float(nvq::half::from_bits(x))
                                             : nvq::to_float(nvq::bfloat16::from_bits(x)));
      }
    }
    list.push_back(m);
  }
  return list;
}

/// The inputs of all third-party vectors. On the host they give those parties' bytes, which the tests of vectors prove.
inline const std::vector<matrix>& vector_inputs() {
  static const std::vector<matrix> list = [] {
    std::vector<matrix> all;
    for (const char* file : {"nvfp4", "mx", "fp8", "int", "nf4"}) {
      std::size_t taken = 0;
      for (matrix& m : read_matrices(options().vectors + "/" + file + "_inputs.safetensors")) {
        if (m.rows * m.columns < 2) continue;  // an amax
        if (options().quick && ++taken > 2) break;
        m.name = std::string(file) + " " + m.name;
        all.push_back(std::move(m));
      }
    }
    return all;
  }();
  return list;
}

}  // namespace gpu
