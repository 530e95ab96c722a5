// SPDX-License-Identifier: Apache-2.0
#include "weight_reader.hpp"

#include <cmath>
#include <cstring>
#include <nvq/float16.hpp>
#include <set>

#include "failure.hpp"
#include "pack.hpp"

namespace app {

namespace {

using nvq::io::dtype;
using nvq::io::part;
using nvq::io::weight_kind;

/// The bytes of codes that are all the largest, or all the lowest, of their element.
struct Extremes {
  std::vector<std::uint8_t> largest, lowest;  ///< repeated along a row
};
Extremes extremes(weight_kind kind) {
  switch (kind) {
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

std::string name_of(const nvq::io::weight_scheme& s) {
  for (const FormatName& f : format_names())
    if (f.kind == s.kind && f.group == s.group) return std::string(f.name);
  return "quantized";
}

template <class T>
void widen(const std::vector<std::uint8_t>& bytes, std::vector<float>& out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    out[i] = static_cast<float>(value);
  }
}

const Tensor* codes_of(const StoredWeight& w) {
  const Tensor* codes = w.find(part::codes);
  return codes != nullptr ? codes : w.find(part::offset_codes);
}

}  // namespace

WeightReader::WeightReader(const Checkpoint& checkpoint) : source_(checkpoint) {
  std::set<const Tensor*> parts;
  if (checkpoint.config().contains("quantization_config")) {
    scheme_ = stored_scheme(checkpoint);
    format_ = name_of(*scheme_);
    stored_ = stored_weights(checkpoint, *scheme_);
  }
  for (const auto& [module, stored] : stored_) {
    Weight w;
    w.name = module + ".weight";
    w.rows = stored.rows;
    w.columns = stored.columns;
    w.format = format_;
    w.stored = &stored;
    w.codec = make_decoder(*scheme_, stored.wide);
    for (const auto& [what, tensor] : stored.parts) {
      parts.insert(tensor);
      w.bytes += tensor->bytes;
    }
    tensor_scales_[&stored] = tensor_scale(stored);
    weights_.emplace(w.name, std::move(w));
  }
  for (const Tensor& t : checkpoint.tensors()) {
    const bool wide = t.type == dtype::f32 || t.type == dtype::f16 || t.type == dtype::bf16;
    if (!wide || parts.count(&t) != 0 || t.bytes == 0) continue;
    Weight w;
    w.name = t.name;
    w.columns = t.shape.empty() ? 1 : t.shape.back();
    w.rows = t.bytes * 8 / nvq::io::bits(t.type) / w.columns;
    w.bytes = t.bytes;
    w.format = nvq::io::name(t.type);
    w.plain = &t;
    weights_.emplace(w.name, std::move(w));
  }
}

const Weight* WeightReader::find(const std::string& name) const {
  const auto at = weights_.find(name);
  return at == weights_.end() ? nullptr : &at->second;
}

const Tensor* WeightReader::scales_of(const Weight& w) const {
  return w.stored == nullptr ? nullptr : w.stored->find(part::block_scales);
}

float WeightReader::tensor_scale(const StoredWeight& w) const {
  float scale = 1.0f;
  for (const part what : {part::multiplier, part::divisor})
    if (const Tensor* t = w.find(what)) source_.read(*t, 0, &scale, 4);
  if (!std::isfinite(scale) || scale <= 0)
    throw Failure(source_.directory().string() + ": tensor scale of '" + w.module +
                  "' is no positive number; the checkpoint is broken");
  return scale;
}

void WeightReader::read(const Weight& w, Rows run, bool all, DecodedRows& out) const {
  out.low.clear();
  out.high.clear();
  out.scales.clear();
  out.values.resize(static_cast<std::size_t>(run.count * w.columns));
  if (w.plain != nullptr)
    read_plain(w, run, out);
  else
    read_stored(w, run, all, out);
}

void WeightReader::read_plain(const Weight& w, Rows run, DecodedRows& out) const {
  const std::int64_t width = nvq::io::bits(w.plain->type) / 8;
  out.codes.resize(out.values.size() * static_cast<std::size_t>(width));
  source_.read(*w.plain, run.first * w.columns * width, out.codes.data(),
               static_cast<std::int64_t>(out.codes.size()));
  if (w.plain->type == dtype::bf16)
    widen<nvq::bfloat16>(out.codes, out.values);
  else if (w.plain->type == dtype::f16)
    widen<nvq::half>(out.codes, out.values);
  else
    std::memcpy(out.values.data(), out.codes.data(), out.codes.size());
}

void WeightReader::read_stored(const Weight& w, Rows run, bool all, DecodedRows& out) const {
  const StoredWeight& s = *w.stored;
  const Codec& codec = *w.codec;
  const Tensor& packed = *codes_of(s);
  const Tensor& scales = *s.find(part::block_scales);
  const std::int64_t row_bytes = packed.bytes / s.rows, scale_bytes = scales.bytes / codec.scale_rows(s.rows),
                     first_scale = codec.scale_row_of(run.first);
  out.codes.resize(static_cast<std::size_t>(run.count * row_bytes));
  source_.read(packed, run.first * row_bytes, out.codes.data(), run.count * row_bytes);
  if (s.find(part::codes) == nullptr) signed_int4(out.codes, run.count, s.columns);
  out.scales.resize(static_cast<std::size_t>(codec.scale_rows(run.count) * scale_bytes));
  source_.read(scales, first_scale * scale_bytes, out.scales.data(),
               static_cast<std::int64_t>(out.scales.size()));
  // compressed-tensors divides the block scales by the tensor's divisor before it decodes.
  float scale = tensor_scales_.at(&s);
  const bool divides = s.find(part::divisor) != nullptr;
  if (divides) {
    out.folded = fold_divisor(out.scales, scale);
    scale = 1.0f;
  }
  const std::vector<std::uint8_t>& used = divides ? out.folded : out.scales;
  codec.decode(out.codes, used, run.count, s.columns, scale, out.values.data());
  if (all) {
    const Extremes ends = extremes(scheme_->kind);
    const auto decoded_row = static_cast<std::int64_t>(out.codes.size()) / run.count;
    for (const auto& [pattern, values] : {std::pair(&ends.largest, &out.high), {&ends.lowest, &out.low}}) {
      repeat(*pattern, run.count, decoded_row, out.codes);
      values->resize(out.values.size());
      codec.decode(out.codes, used, run.count, s.columns, scale, values->data());
    }
    // A tensor of one scale gives it to every run.
    if (run.first != 0 && first_scale == 0) out.scales.clear();
  }
}

}  // namespace app
