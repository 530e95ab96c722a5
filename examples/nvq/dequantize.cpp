// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <nvq/float16.hpp>
#include <set>

#include "background.hpp"
#include "codec.hpp"
#include "commands.hpp"
#include "failure.hpp"
#include "output.hpp"
#include "pack.hpp"
#include "parallel.hpp"
#include "plan.hpp"
#include "progress.hpp"
#include "stored.hpp"
#include "tensor_io.hpp"

namespace app {

namespace {

using nvq::io::dtype;
using nvq::io::part;

dtype parse_float(const std::string& name) {
  if (name == "bf16") return dtype::bf16;
  if (name == "f16") return dtype::f16;
  if (name == "f32") return dtype::f32;
  throw Failure("unknown dtype '" + name + "'; known are bf16, f16 and f32");
}

/// What a thread needs for one run of rows, kept from run to run.
struct Scratch {
  std::vector<std::uint8_t> codes, scales, bytes;
  std::vector<float> values;
};

Scratch& scratch() {
  static thread_local Scratch buffers;
  return buffers;
}

template <class T>
void narrow_to(const std::vector<float>& values, std::vector<std::uint8_t>& bytes) {
  bytes.resize(values.size() * sizeof(T));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const T value(values[i]);
    std::memcpy(bytes.data() + i * sizeof(T), &value, sizeof(T));
  }
}

void narrow(const std::vector<float>& values, dtype type, std::vector<std::uint8_t>& bytes) {
  if (type == dtype::bf16)
    narrow_to<nvq::bfloat16>(values, bytes);
  else if (type == dtype::f16)
    narrow_to<nvq::half>(values, bytes);
  else
    narrow_to<float>(values, bytes);
}

/// The tensor's scale, in whichever direction the dialect stores it; 1 when it has none.
float tensor_scale(const Checkpoint& c, const StoredWeight& w) {
  float scale = 1.0f;
  for (const part what : {part::multiplier, part::divisor})
    if (const Tensor* t = w.find(what)) c.read(*t, 0, &scale, 4);
  if (!std::isfinite(scale) || scale <= 0)
    throw Failure(c.directory().string() + ": tensor scale of '" + w.module +
                  "' is no positive number; the checkpoint is broken");
  return scale;
}

/// One output file: what is added is cut into pieces, and run() has all of them decoded or copied on all threads.
class Writer {
 public:
  Writer(const Checkpoint& source, const OutputFile& out, dtype type, Progress& progress)
      : source_(source), out_(out), type_(type), progress_(progress) {}

  void copy(const Tensor& t, std::int64_t offset) {
    for (const Rows& piece : cut_bytes(t.bytes))
      tasks_.push_back([this, &t, piece, offset] {
        copy_bytes(source_, t, piece, out_, offset);
        progress_.advance(piece.count);
      });
  }

  void decode(const StoredWeight& w, std::shared_ptr<const Codec> codec, std::int64_t offset) {
    const float scale = tensor_scale(source_, w);
    for (const Rows& run : cut_rows(w.rows, w.columns, codec->row_step()))
      tasks_.push_back([=, this_ = this, &w] { this_->decode_rows(w, *codec, scale, run, offset); });
  }

  void run(Pool& pool) {
    pool.run(static_cast<std::int64_t>(tasks_.size()),
             [&](std::int64_t i) { tasks_[static_cast<std::size_t>(i)](); });
  }

 private:
  void decode_rows(const StoredWeight& w, const Codec& codec, float scale, Rows run, std::int64_t offset) {
    const Tensor* packed = w.find(part::codes);
    const bool offset_codes = packed == nullptr;
    if (offset_codes) packed = w.find(part::offset_codes);
    const Tensor& scales = *w.find(part::block_scales);
    const bool divides = w.find(part::divisor) != nullptr;
    const std::int64_t row_bytes = packed->bytes / w.rows,
                       scale_bytes = scales.bytes / codec.scale_rows(w.rows);
    auto& [codes, block_scales, bytes, values] = scratch();
    codes.resize(static_cast<std::size_t>(run.count * row_bytes));
    source_.read(*packed, run.first * row_bytes, codes.data(), run.count * row_bytes);
    if (offset_codes) signed_int4(codes, run.count, w.columns);
    block_scales.resize(static_cast<std::size_t>(codec.scale_rows(run.count) * scale_bytes));
    source_.read(scales, codec.scale_row_of(run.first) * scale_bytes, block_scales.data(),
                 static_cast<std::int64_t>(block_scales.size()));
    if (divides) block_scales = fold_divisor(block_scales, scale);
    values.resize(static_cast<std::size_t>(run.count * w.columns));
    codec.decode(codes, block_scales, run.count, w.columns, divides ? 1.0f : scale, values.data());
    narrow(values, type_, bytes);
    out_.write(offset + run.first * w.columns * nvq::io::bits(type_) / 8, bytes.data(),
               static_cast<std::int64_t>(bytes.size()));
    progress_.advance(run.count * row_bytes);
  }

  const Checkpoint& source_;
  const OutputFile& out_;
  dtype type_;
  Progress& progress_;
  std::vector<std::function<void()>> tasks_;
};

}  // namespace

void dequantize(const DequantizeOptions& options) {
  const dtype type = parse_float(options.dtype);
  const Checkpoint source(options.model);
  const nvq::io::weight_scheme scheme = stored_scheme(source);
  const auto weights = stored_weights(source, scheme);
  std::set<const Tensor*> replaced;
  for (const auto& [module, w] : weights)
    for (const auto& [what, tensor] : w.parts) replaced.insert(tensor);

  OutputDirectory out(options.out);
  Pool pool(options.threads);
  nvq::io::shard_index index;
  {
    Progress progress(source.total_bytes(), !options.quiet);
    Background disk;
    for (std::size_t s = 0; s < source.shards().size(); ++s) {
      std::vector<nvq::io::tensor_spec> specs;
      for (const Tensor& t : source.tensors())
        if (t.shard == static_cast<int>(s) && replaced.count(&t) == 0)
          specs.push_back({t.name, t.type, t.shape});
      for (const auto& [module, w] : weights)
        if (w.parts[0].second->shard == static_cast<int>(s))
          specs.push_back({module + ".weight", type, {w.rows, w.columns}});
      const std::string name = source.shards()[s].path.filename().string();
      const auto layout = unwrap(nvq::io::plan_safetensors(std::move(specs), {{"format", "pt"}}), name);
      const auto file = std::make_shared<nvq::io::file>(out.create(name, layout.file_size));
      const OutputFile to(*file, out.where(name));
      const auto data = static_cast<std::int64_t>(layout.header.size());
      to.write(0, layout.header.data(), data);
      progress.label(name);
      Writer writer(source, to, type, progress);
      for (const nvq::io::tensor_entry& t : layout.tensors) {
        index.weight_map[t.name] = name;
        index.total_size += t.bytes();
        const std::string module = t.name.substr(0, t.name.rfind('.'));
        const auto w = t.name == module + ".weight" ? weights.find(module) : weights.end();
        if (w != weights.end())
          writer.decode(w->second, make_decoder(scheme, w->second.wide), data + t.begin);
        else
          writer.copy(*source.find(t.name), data + t.begin);
      }
      writer.run(pool);
      disk.add([file, &out, name] { out.finish(name, *file); });
    }
    disk.wait();
  }
  nvq::io::json config = source.config();
  config.erase("quantization_config");
  out.write_text("config.json", nvq::io::dump_json(config));
  if (source.shards().size() > 1) out.write_text("model.safetensors.index.json", nvq::io::index_text(index));
  copy_companions(source.directory(), out);
  out.commit();
}

}  // namespace app
