// SPDX-License-Identifier: Apache-2.0
// How do I read one tensor of a checkpoint and quantize it?
//
//   c++ -std=c++17 -O2 -I include examples/read_tensor.cpp -o read_tensor
//   ./read_tensor examples/data/model.safetensors
//
// nvq/io needs nlohmann-json (Debian: nlohmann-json3-dev; elsewhere add -I <its include folder>) and POSIX.

#include <cstddef>
#include <cstdint>
#include <iostream>
#include <nvq/io/safetensors.hpp>
#include <nvq/nvfp4.hpp>
#include <string>
#include <vector>

namespace io = nvq::io;

// Errors are values; a message says what is wrong and what to do, the caller knows which file it was about.
static int fail(const std::string& path, const io::error& e) {
  std::cerr << path << ": " << e.message << '\n';
  return 1;
}

int main(int argc, char** argv) {
  const std::string path = argc > 1 ? argv[1] : "data/model.safetensors";
  const std::string name = argc > 2 ? argv[2] : "model.layers.0.mlp.down_proj.weight";

  const auto file = io::file::open_read(path);
  if (!file) return fail(path, file.error());
  // The header is checked as a whole: shapes, sizes, holes, overlaps and the length of the file.
  const auto header = io::read_safetensors_header(*file);
  if (!header) return fail(path, header.error());
  const io::tensor_entry* tensor = header->find(name);
  if (tensor == nullptr) return fail(path, {"it has no tensor '" + name + "'"});
  if (tensor->type != io::dtype::bf16 || tensor->shape.size() != 2)
    return fail(path, {"tensor '" + name + "' is " + io::name(tensor->type) + " " +
                       io::shape_text(tensor->shape) + "; this program takes BF16 matrices"});

  // Only these bytes are read. Tensors' offsets count from the start of the data section.
  std::vector<nvq::bfloat16> weight(static_cast<std::size_t>(tensor->bytes()) / sizeof(nvq::bfloat16));
  const auto read = file->read_at(header->data_begin + tensor->begin, weight.data(), tensor->bytes());
  if (!read) return fail(path, read.error());

  const nvq::shape2d shape(tensor->shape[0], tensor->shape[1]);
  const auto q = nvq::quantize<nvq::NVFP4>(weight, shape, nvq::recipe::modelopt);
  std::cout << name << ": BF16 " << io::shape_text(tensor->shape) << ", " << tensor->bytes() << " bytes\n"
            << "NVFP4: " << q.codes().size() << " bytes of codes, " << q.scales().size()
            << " bytes of scales, tensor scale " << q.tensor_scale() << '\n';
}
