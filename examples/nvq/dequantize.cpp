// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstring>
#include <functional>
#include <map>
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
#include "stored_reader.hpp"
#include "tensor_io.hpp"

namespace app {

namespace {

using nvq::io::dtype;

dtype parse_float(const std::string& name) {
  if (name == "bf16") return dtype::bf16;
  if (name == "f16") return dtype::f16;
  if (name == "f32") return dtype::f32;
  throw Failure("unknown dtype '" + name + "'; known are bf16, f16 and f32");
}

/// What a thread needs for one run of rows, kept from run to run.
struct Scratch {
  Encoded encoded;
  std::vector<std::uint8_t> bytes;
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

  /// A matrix of rows, or the transposed one that an expert of a stack is.
  void decode(const StoredWeight& w, std::int64_t offset) {
    auto reader = std::make_shared<const StoredReader>(source_, w);
    std::int64_t stored = 0;
    for (const auto& [what, tensor] : w.parts) stored += tensor->bytes / w.slices;
    if (w.slices > 1) {
      tasks_.push_back([=, this_ = this, &w] {
        this_->decode_transposed(*reader, w, offset);
        this_->progress_.advance(stored);
      });
      return;
    }
    const std::int64_t row = stored / w.rows;
    progress_.advance(stored - row * w.rows);
    for (const Rows& run : cut_rows(w.rows, w.columns, reader->row_step()))
      tasks_.push_back([=, this_ = this, &w] {
        this_->decode_rows(*reader, w, run, offset);
        this_->progress_.advance(row * run.count);
      });
  }

  void run(Pool& pool) {
    pool.run(static_cast<std::int64_t>(tasks_.size()),
             [&](std::int64_t i) { tasks_[static_cast<std::size_t>(i)](); });
  }

 private:
  void decode_rows(const StoredReader& reader, const StoredWeight& w, Rows run, std::int64_t offset) {
    auto& [encoded, bytes, values] = scratch();
    values.resize(static_cast<std::size_t>(run.count * w.columns));
    reader.read(run, encoded);
    reader.decode(run, encoded, values.data());
    narrow(values, type_, bytes);
    out_.write(offset + run.first * w.columns * nvq::io::bits(type_) / 8, bytes.data(),
               static_cast<std::int64_t>(bytes.size()));
  }

  void decode_transposed(const StoredReader& reader, const StoredWeight& w, std::int64_t offset) {
    auto& [encoded, bytes, values] = scratch();
    values.resize(static_cast<std::size_t>(w.rows * w.columns));
    reader.read({0, w.rows}, encoded);
    reader.decode({0, w.rows}, encoded, values.data());
    std::vector<float> turned(values.size());
    const auto rows = static_cast<std::size_t>(w.rows), columns = static_cast<std::size_t>(w.columns);
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t c = 0; c < columns; ++c) turned[c * rows + r] = values[r * columns + c];
    narrow(turned, type_, bytes);
    out_.write(offset, bytes.data(), static_cast<std::int64_t>(bytes.size()));
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
  const auto weights = stored_weights(source, stored_quantization(source));
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
      std::map<std::string, std::vector<const StoredWeight*>> decoded;
      for (const auto& [key, w] : weights) {
        if (w.parts[0].second->shard != static_cast<int>(s)) continue;
        // GPT-OSS: experts as the model has them, [experts, in, out], and no ".weight".
        const bool stack = w.scheme.owner == nvq::io::dialect::gpt_oss;
        auto& members = decoded[stack ? w.module : w.module + ".weight"];
        if (members.empty()) {
          std::vector<std::int64_t> shape = {w.rows, w.columns};
          if (stack) shape = {w.slices, w.columns, w.rows};
          specs.push_back({stack ? w.module : w.module + ".weight", type, std::move(shape)});
        }
        members.push_back(&w);
      }
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
        const auto at = decoded.find(t.name);
        if (at == decoded.end()) {
          writer.copy(*source.find(t.name), data + t.begin);
          continue;
        }
        for (const StoredWeight* w : at->second)
          writer.decode(*w, data + t.begin + w->slice * (t.bytes() / w->slices));
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
