// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstring>
#include <functional>
#include <memory>
#include <nvq/float16.hpp>
#include <set>

#include "background.hpp"
#include "commands.hpp"
#include "failure.hpp"
#include "output.hpp"
#include "parallel.hpp"
#include "plan.hpp"
#include "progress.hpp"
#include "stored.hpp"
#include "tensor_io.hpp"
#include "weight_reader.hpp"

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

/// One output file: what is added is cut into pieces, and run() has all of them decoded or copied on all threads.
class Writer {
 public:
  Writer(const Checkpoint& source, const WeightReader& reader, const OutputFile& out, dtype type,
         Progress& progress)
      : source_(source), reader_(reader), out_(out), type_(type), progress_(progress) {}

  void copy(const Tensor& t, std::int64_t offset) {
    for (const Rows& piece : cut_bytes(t.bytes))
      tasks_.push_back([this, &t, piece, offset] {
        copy_bytes(source_, t, piece, out_, offset);
        progress_.advance(piece.count);
      });
  }

  void decode(const Weight& w, std::int64_t offset) {
    for (const Rows& run : cut_rows(w.rows, w.columns, WeightReader::row_step(w)))
      tasks_.push_back([=, this_ = this, &w] { this_->decode_rows(w, run, offset); });
  }

  void run(Pool& pool) {
    pool.run(static_cast<std::int64_t>(tasks_.size()),
             [&](std::int64_t i) { tasks_[static_cast<std::size_t>(i)](); });
  }

 private:
  void decode_rows(const Weight& w, Rows run, std::int64_t offset) {
    static thread_local DecodedRows rows;
    static thread_local std::vector<std::uint8_t> bytes;
    reader_.read(w, run, false, rows);
    narrow(rows.values, type_, bytes);
    out_.write(offset + run.first * w.columns * nvq::io::bits(type_) / 8, bytes.data(),
               static_cast<std::int64_t>(bytes.size()));
    progress_.advance(w.bytes / w.rows * run.count);
  }

  const Checkpoint& source_;
  const WeightReader& reader_;
  const OutputFile& out_;
  dtype type_;
  Progress& progress_;
  std::vector<std::function<void()>> tasks_;
};

}  // namespace

void dequantize(const DequantizeOptions& options) {
  const dtype type = parse_float(options.dtype);
  const Checkpoint source(options.model);
  stored_scheme(source);  // a Failure when the source is not quantized
  const WeightReader reader(source);
  std::set<const Tensor*> replaced;
  for (const auto& [name, w] : reader.weights())
    if (w.stored != nullptr)
      for (const auto& [what, tensor] : w.stored->parts) replaced.insert(tensor);

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
      for (const auto& [weight, w] : reader.weights())
        if (w.stored != nullptr && w.stored->parts[0].second->shard == static_cast<int>(s))
          specs.push_back({weight, type, {w.rows, w.columns}});
      const std::string name = source.shards()[s].path.filename().string();
      const auto layout = unwrap(nvq::io::plan_safetensors(std::move(specs), {{"format", "pt"}}), name);
      const auto file = std::make_shared<nvq::io::file>(out.create(name, layout.file_size));
      const OutputFile to(*file, out.where(name));
      const auto data = static_cast<std::int64_t>(layout.header.size());
      to.write(0, layout.header.data(), data);
      progress.label(name);
      Writer writer(source, reader, to, type, progress);
      for (const nvq::io::tensor_entry& t : layout.tensors) {
        index.weight_map[t.name] = name;
        index.total_size += t.bytes();
        const Weight* w = reader.find(t.name);
        if (w != nullptr && w->stored != nullptr)
          writer.decode(*w, data + t.begin);
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
