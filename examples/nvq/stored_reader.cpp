// SPDX-License-Identifier: Apache-2.0
#include "stored_reader.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nvq/arithmetic.hpp>
#include <utility>

#include "arrange.hpp"
#include "failure.hpp"

namespace app {

namespace {

using nvq::io::part;

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

std::vector<float> floats(const Checkpoint& c, const Tensor* t) {
  std::vector<float> all;
  if (t == nullptr) return all;
  all.resize(static_cast<std::size_t>(t->bytes) / 4);
  c.read(*t, 0, all.data(), t->bytes);
  return all;
}

std::int64_t ceil_div(std::int64_t n, std::int64_t d) { return (n + d - 1) / d; }

}  // namespace

StoredReader::StoredReader(const Checkpoint& checkpoint, const StoredWeight& weight)
    : checkpoint_(checkpoint),
      weight_(weight),
      codec_(make_decoder(weight.scheme, weight.wide)),
      row_step_(codec_->row_step()),
      scale_(tensor_scale(checkpoint, weight)),
      divides_(weight.find(part::divisor) != nullptr),
      nested_map_(floats(checkpoint, weight.find(part::nested_map))),
      nested_factors_(floats(checkpoint, weight.find(part::nested_factors))) {
  for (const auto& [what, tensor] : weight.parts) row_step_ = std::max(row_step_, rows_together(what));
}

/// The bytes of one part that belong to a run of rows.
std::vector<std::uint8_t> StoredReader::part(nvq::io::part what, const Tensor& t, Rows run) const {
  const std::int64_t bytes = t.bytes / weight_.slices, base = weight_.slice * bytes;
  const std::int64_t together = rows_together(what);
  // Where codes lie across rows, a run is a strip of every line of the tensor.
  const std::int64_t lines = spans_rows(what) ? t.shape[0] : 1, line = bytes / lines;
  std::int64_t unit = line / ceil_div(weight_.rows, together), first = run.first / together,
               count = ceil_div(run.count, together);
  if (what == part::block_scales) {
    unit = bytes / codec_->scale_rows(weight_.rows);
    first = codec_->scale_row_of(run.first);
    count = codec_->scale_rows(run.count);
  }
  std::vector<std::uint8_t> data(static_cast<std::size_t>(lines * count * unit));
  for (std::int64_t i = 0; i < lines; ++i)
    checkpoint_.read(t, base + i * line + first * unit, data.data() + i * count * unit, count * unit);
  if (what == part::block_scales && !nested_map_.empty()) expand_scales(first * unit, data);
  return data;
}

/// Bytes of the dynamic map to the floats they stand for; `first` is the block of the first byte. Product and
/// sum are rounded apart, as by bitsandbytes.
void StoredReader::expand_scales(std::int64_t first, std::vector<std::uint8_t>& scales) const {
  std::vector<std::uint8_t> wide(scales.size() * 4);
  for (std::size_t i = 0; i < scales.size(); ++i) {
    const auto group = (static_cast<std::size_t>(first) + i) / 256;
    const float scale =
        nvq::add_rn(nvq::mul_rn(nested_map_[scales[i]], nested_factors_[group]), weight_.nested_mean);
    std::memcpy(&wide[4 * i], &scale, 4);
  }
  scales = std::move(wide);
}

void StoredReader::read(Rows run, Encoded& out) const {
  out.zero_points.clear();
  for (const auto& [what, tensor] : weight_.parts)
    if (holds_rows(what))
      restore(what, {weight_.scheme, run.count, weight_.columns}, part(what, *tensor, run), out);
}

void StoredReader::decode(Rows run, const Encoded& in, float* out) const {
  if (!divides_) {
    codec_->decode(in, run.count, weight_.columns, scale_, out);
    return;
  }
  // compressed-tensors divides the block scales by the tensor's divisor before it decodes.
  static thread_local Encoded folded;
  folded.codes = in.codes;
  folded.scales = fold_divisor(in.scales, scale_);
  codec_->decode(folded, run.count, weight_.columns, 1.0f, out);
}

}  // namespace app
