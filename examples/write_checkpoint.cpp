// SPDX-License-Identifier: Apache-2.0
// How do I write a quantized checkpoint that engines load?
//
//   c++ -std=c++17 -O2 -I include examples/write_checkpoint.cpp -o write_checkpoint
//   ./write_checkpoint examples/data out    # makes out/model.safetensors and out/config.json
//
// nvq/io needs nlohmann-json (Debian: nlohmann-json3-dev; elsewhere add -I <its include folder>) and POSIX.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <nvq/io/dialect_json.hpp>
#include <nvq/io/dialect_parts.hpp>
#include <nvq/io/safetensors.hpp>
#include <nvq/mxfp4.hpp>
#include <string>
#include <vector>

#include <unistd.h>

namespace fs = std::filesystem;
namespace io = nvq::io;

static io::expected<std::string> read_text(const std::string& path) {
  const auto file = io::file::open_read(path);
  if (!file) return file.error();
  const auto size = file->size();
  if (!size) return size.error();
  std::string text(static_cast<std::size_t>(*size), '\0');
  if (const auto ok = file->read_at(0, text.data(), *size); !ok) return ok.error();
  return text;
}

static io::expected<void> write_text(const std::string& path, const std::string& text) {
  auto file = io::file::create(path);
  if (!file) return file.error();
  if (auto ok = file->write_at(0, text.data(), static_cast<std::int64_t>(text.size())); !ok) return ok;
  return file->close();
}

// The layers' matrices; the embedding, the head and the norms stay as they are.
static bool is_linear(const io::tensor_entry& t) {
  return t.type == io::dtype::bf16 && t.shape.size() == 2 && t.name.compare(0, 13, "model.layers.") == 0;
}
static std::string module_of(const std::string& tensor) { return tensor.substr(0, tensor.rfind('.')); }

static io::expected<void> write_model(const io::file& in, const io::file& out,
                                      const io::safetensors_header& source, const io::weight_scheme& scheme,
                                      std::int64_t& size) {
  // Which tensors stand for each weight, and where each lies: known before the first is quantized.
  std::vector<io::tensor_spec> specs;
  for (const io::tensor_entry& t : source.tensors) {
    if (is_linear(t))
      for (const io::stored_part& part : io::parts(scheme, t.shape[0], t.shape[1], t.type))
        specs.push_back({module_of(t.name) + part.suffix, part.type, part.shape});
    else
      specs.push_back({t.name, t.type, t.shape});
  }
  const auto layout = io::plan_safetensors(specs, {{"format", "pt"}});
  if (!layout) return layout.error();
  size = layout->file_size;
  if (auto ok = out.reserve(size); !ok) return ok;
  const auto header = static_cast<std::int64_t>(layout->header.size());
  if (auto ok = out.write_at(0, layout->header.data(), header); !ok) return ok;

  const auto write = [&](const std::string& name,
                         const std::vector<std::uint8_t>& bytes) -> io::expected<void> {
    for (const io::tensor_entry& t : layout->tensors)
      if (t.name == name && t.bytes() == static_cast<std::int64_t>(bytes.size()))
        return out.write_at(header + t.begin, bytes.data(), t.bytes());
    return io::error{"tensor '" + name + "' has no place of " + std::to_string(bytes.size()) + " bytes"};
  };
  for (const io::tensor_entry& t : source.tensors) {
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(t.bytes()));
    if (auto ok = in.read_at(source.data_begin + t.begin, bytes.data(), t.bytes()); !ok) return ok;
    if (!is_linear(t)) {
      if (auto ok = write(t.name, bytes); !ok) return ok;
      continue;
    }
    const nvq::span<const nvq::bfloat16> weight{reinterpret_cast<const nvq::bfloat16*>(bytes.data()),
                                                bytes.size() / 2};
    const auto q = nvq::quantize<nvq::MXFP4>(weight, {t.shape[0], t.shape[1]});
    if (!q) return io::error{"tensor '" + t.name + "': " + nvq::to_string(q.ec())};
    if (auto ok = write(module_of(t.name) + ".weight_packed", q.codes()); !ok) return ok;
    if (auto ok = write(module_of(t.name) + ".weight_scale", q.scales()); !ok) return ok;
  }
  return {};
}

static io::expected<void> quantize_model(const fs::path& model, const fs::path& made) {
  const auto text = read_text((model / "config.json").string());
  if (!text) return io::error{"config.json: " + text.error().message};
  auto config = io::parse_json(*text);
  if (!config) return io::error{"config.json: " + config.error().message};
  const auto in = io::file::open_read((model / "model.safetensors").string());
  if (!in) return io::error{"model.safetensors: " + in.error().message};
  const auto source = io::read_safetensors_header(*in);
  if (!source) return io::error{"model.safetensors: " + source.error().message};

  io::weight_scheme scheme;
  scheme.owner = io::dialect::compressed_tensors;
  scheme.kind = io::weight_kind::mxfp4;
  if (auto ok = io::check(scheme); !ok) return ok;  // not every dialect stores every format

  // `create` refuses a file that is there already.
  auto out = io::file::create((made / "model.safetensors").string());
  if (!out) return out.error();
  std::int64_t size = 0;
  if (auto ok = write_model(*in, *out, *source, scheme, size); !ok) return ok;
  if (auto ok = out->sync(); !ok) return ok;
  if (auto ok = out->close(); !ok) return ok;

  // What tells engines how to read it. The config comes last: without it nothing loads a half-written model.
  io::quantization how;
  how.owner = scheme.owner;
  how.uses.push_back({scheme, {}});
  how.ignore = {"lm_head"};
  (*config)["quantization_config"] = io::quantization_config(how);
  if (auto ok = write_text((made / "config.json").string(), io::dump_json(*config)); !ok) return ok;

  std::cout << source->tensors.size() << " tensors, " << source->data_begin + source->tensors.back().end
            << " bytes, became " << size << '\n';
  return {};
}

int main(int argc, char** argv) {
  const bool named = argc > 2;
  const fs::path made =
      named ? fs::path(argv[2]) : fs::temp_directory_path() / ("nvq-" + std::to_string(::getpid()));
  fs::create_directories(made);
  const auto done = quantize_model(argc > 1 ? argv[1] : "data", made);
  if (!done) std::cerr << done.error().message << '\n';
  if (!named) fs::remove_all(made);
  return done ? 0 : 1;
}
