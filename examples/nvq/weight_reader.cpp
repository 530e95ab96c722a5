// SPDX-License-Identifier: Apache-2.0
#include "weight_reader.hpp"

#include <cstring>
#include <nvq/float16.hpp>
#include <set>

#include "failure.hpp"

namespace app {

namespace {

using nvq::io::dtype;
using nvq::io::part;
using nvq::io::weight_kind;

/// The bytes of codes that are all the largest, or all the lowest, of their element.
struct Extremes {
  std::vector<std::uint8_t> largest, lowest;  ///< repeated along a row
};
Extremes extremes(const nvq::io::weight_scheme& s) {
  if (s.zero_points) return {{0xFF}, {0x00}};
  switch (s.kind) {
    case weight_kind::nvfp4:
    case weight_kind::mxfp4:
      return {{0x77}, {0xFF}};
    case weight_kind::mxfp6:  // 6-bit codes 0x1F and 0x3F, four in three bytes
      return {{0xDF, 0xF7, 0x7D}, {0xFF, 0xFF, 0xFF}};
    case weight_kind::mxfp8:
    case weight_kind::fp8_tensor:
    case weight_kind::fp8_channel:
    case weight_kind::fp8_block:
      return {{0x7E}, {0xFE}};
    case weight_kind::int8_channel:
      return {{0x7F}, {0x80}};
    case weight_kind::int4_group:
    case weight_kind::int4_channel:
      return {{0x77}, {0x88}};
    case weight_kind::nf4:
      return {{0xFF}, {0x00}};
  }
  return {};
}

void repeat(const std::vector<std::uint8_t>& pattern, std::int64_t rows, std::int64_t row_bytes,
            std::vector<std::uint8_t>& codes) {
  codes.resize(static_cast<std::size_t>(rows * row_bytes));
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t i = 0; i < row_bytes; ++i)
      codes[static_cast<std::size_t>(r * row_bytes + i)] =
          pattern[static_cast<std::size_t>(i) % pattern.size()];
}

template <class T>
void widen(const std::vector<std::uint8_t>& bytes, std::vector<float>& out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    out[i] = static_cast<float>(value);
  }
}

}  // namespace

WeightReader::WeightReader(const Checkpoint& checkpoint) : source_(checkpoint) {
  std::set<const Tensor*> parts;
  if (says_quantized(checkpoint)) {
    const nvq::io::quantization q = stored_quantization(checkpoint);
    for (const nvq::io::scheme_use& use : q.uses) {
      const std::string format = format_name(use.scheme);
      if (format_.find(format) == std::string::npos) format_ += (format_.empty() ? "" : ", ") + format;
    }
    stored_ = stored_weights(checkpoint, q);
  }
  for (const auto& [key, stored] : stored_) {
    Weight w;
    w.name = stored.slices > 1 ? key : key + ".weight";
    w.rows = stored.rows;
    w.columns = stored.columns;
    w.format = format_name(stored.scheme);
    w.stored = &stored;
    w.reader = std::make_shared<StoredReader>(checkpoint, stored);
    for (const auto& [what, tensor] : stored.parts) {
      parts.insert(tensor);
      w.bytes += tensor->bytes / stored.slices;
    }
    weights_.emplace(w.name, std::move(w));
  }
  const nvq::io::json* family = config_value(checkpoint.config(), "model_type");
  const Stacks stacks = family != nullptr && *family == "gpt_oss" ? Stacks::whole : Stacks::split;
  for (const Tensor& t : checkpoint.tensors()) {
    const bool wide = t.type == dtype::f32 || t.type == dtype::f16 || t.type == dtype::bf16;
    if (!wide || parts.count(&t) != 0 || t.bytes == 0) continue;
    std::string why_not;
    std::vector<WeightSource> matrices = weight_sources(t, checkpoint.config(), stacks, why_not);
    if (matrices.empty() || matrices.front().rows == 0) {
      WeightSource whole;
      whole.tensor = &t;
      whole.columns = whole.row_stride = t.shape.empty() ? 1 : t.shape.back();
      whole.column_stride = 1;
      whole.rows = t.bytes * 8 / nvq::io::bits(t.type) / whole.columns;
      matrices = {whole};
    }
    for (WeightSource& m : matrices) {
      Weight w;
      w.name = matrices.size() == 1 ? t.name
               : m.slices > 1       ? m.module + '[' + std::to_string(m.slice) + ']'
                                    : m.module + ".weight";
      w.columns = m.columns;
      w.rows = m.rows;
      w.bytes = m.bytes();
      w.format = nvq::io::name(t.type);
      w.plain = std::move(m);
      weights_.emplace(w.name, std::move(w));
    }
  }
}

const Weight* WeightReader::find(const std::string& name) const {
  const auto at = weights_.find(name);
  return at == weights_.end() ? nullptr : &at->second;
}

const Tensor* WeightReader::scales_of(const Weight& w) const {
  if (w.stored == nullptr) return nullptr;
  const Tensor* scales = w.stored->find(part::block_scales);
  return scales != nullptr ? scales : w.stored->find(part::group_major_scales);
}

void WeightReader::read(const Weight& w, Rows run, bool all, DecodedRows& out) const {
  out.low.clear();
  out.high.clear();
  out.scales.clear();
  out.values.resize(static_cast<std::size_t>(run.count * w.columns));
  if (w.stored == nullptr)
    read_plain(w, run, out);
  else
    read_stored(w, run, all, out);
}

void WeightReader::read_plain(const Weight& w, Rows run, DecodedRows& out) const {
  read_bytes(source_, w.plain, run, out.bytes);
  if (w.plain.tensor->type == dtype::bf16)
    widen<nvq::bfloat16>(out.bytes, out.values);
  else if (w.plain.tensor->type == dtype::f16)
    widen<nvq::half>(out.bytes, out.values);
  else
    std::memcpy(out.values.data(), out.bytes.data(), out.bytes.size());
}

void WeightReader::read_stored(const Weight& w, Rows run, bool all, DecodedRows& out) const {
  const StoredReader& reader = *w.reader;
  reader.read(run, out.encoded);
  reader.decode(run, out.encoded, out.values.data());
  if (!all) return;
  const Extremes extreme = extremes(w.stored->scheme);
  const auto row = static_cast<std::int64_t>(out.encoded.codes.size()) / run.count;
  out.ends = out.encoded;
  for (const auto& [pattern, values] :
       {std::pair(&extreme.largest, &out.high), {&extreme.lowest, &out.low}}) {
    repeat(*pattern, run.count, row, out.ends.codes);
    values->resize(out.values.size());
    reader.decode(run, out.ends, values->data());
  }
  // A tensor of one scale gives it to every run.
  if (!reader.shares_scales(run)) out.scales = out.encoded.scales;
}

}  // namespace app
