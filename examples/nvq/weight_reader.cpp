// SPDX-License-Identifier: Apache-2.0
#include "weight_reader.hpp"

#include <algorithm>
#include <cmath>
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

std::vector<std::uint8_t> bytes_of(const Checkpoint& c, const Tensor& t, std::int64_t offset,
                                   std::int64_t bytes) {
  std::vector<std::uint8_t> data(static_cast<std::size_t>(bytes));
  c.read(t, offset, data.data(), bytes);
  return data;
}

}  // namespace

WeightReader::WeightReader(const Checkpoint& checkpoint, WeightSource weight)
    : checkpoint_(checkpoint), plain_(std::move(weight)), rows_(plain_.rows), columns_(plain_.columns) {}

WeightReader::WeightReader(const Checkpoint& checkpoint, StoredWeight weight)
    : checkpoint_(checkpoint),
      stored_(std::move(weight)),
      codec_(make_decoder(stored_.scheme, stored_.wide)),
      rows_(stored_.rows),
      columns_(stored_.columns),
      row_step_(codec_->row_step()),
      scale_(tensor_scale(checkpoint, stored_)) {
  for (const auto& [what, tensor] : stored_.parts) {
    row_step_ = std::max(row_step_, rows_together(what));
    spans_rows_ = spans_rows_ || app::spans_rows(what);
  }
}

void WeightReader::open() {
  if (!spans_rows_ || !whole_.codes.empty()) return;
  for (const auto& [what, tensor] : stored_.parts)
    restore(what, {stored_.scheme, rows_, columns_}, bytes_of(checkpoint_, *tensor, 0, tensor->bytes),
            whole_);
}

void WeightReader::read_encoded(Rows run, Encoded& encoded) const {
  const std::int64_t scale_rows = codec_->scale_rows(rows_), first = codec_->scale_row_of(run.first),
                     count = codec_->scale_rows(run.count);
  const auto rows_of = [](const std::vector<std::uint8_t>& all, std::int64_t rows, std::int64_t from,
                          std::int64_t n) {
    const auto row = static_cast<std::ptrdiff_t>(all.size()) / rows;
    return std::vector<std::uint8_t>(all.begin() + from * row, all.begin() + (from + n) * row);
  };
  if (spans_rows_) {
    encoded.codes = rows_of(whole_.codes, rows_, run.first, run.count);
    encoded.scales = rows_of(whole_.scales, scale_rows, first, count);
    encoded.zero_points = rows_of(whole_.zero_points, scale_rows, first, count);
    return;
  }
  encoded.zero_points.clear();
  for (const auto& [what, tensor] : stored_.parts) {
    const std::int64_t bytes = tensor->bytes / stored_.slices, base = stored_.slice * bytes;
    const std::int64_t together = rows_together(what);
    std::int64_t unit = bytes / ((rows_ + together - 1) / together), at = run.first / together,
                 units = (run.count + together - 1) / together;
    if (what == part::block_scales) {
      unit = bytes / scale_rows;
      at = first;
      units = count;
    } else if (what != part::codes && what != part::offset_codes && what != part::high_first_codes &&
               what != part::zero_points) {
      continue;
    }
    restore(what, {stored_.scheme, run.count, columns_},
            bytes_of(checkpoint_, *tensor, base + at * unit, units * unit), encoded);
  }
}

void WeightReader::read(Rows run, std::vector<float>& out) const {
  if (codec_ == nullptr) {
    read_rows(checkpoint_, plain_, run, out);
    return;
  }
  static thread_local Encoded encoded;
  read_encoded(run, encoded);
  const bool divides = stored_.find(part::divisor) != nullptr;
  if (divides) encoded.scales = fold_divisor(encoded.scales, scale_);
  out.resize(static_cast<std::size_t>(run.count * columns_));
  codec_->decode(encoded, run.count, columns_, divides ? 1.0f : scale_, out.data());
}

}  // namespace app
