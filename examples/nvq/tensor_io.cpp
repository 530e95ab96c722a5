// SPDX-License-Identifier: Apache-2.0
#include "tensor_io.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nvq/float16.hpp>
#include <nvq/tensor.hpp>

#include "failure.hpp"

namespace app {

namespace {

/// A buffer of this thread, kept: fresh memory costs more than reading.
std::vector<std::uint8_t>& bytes_of_thread() {
  static thread_local std::vector<std::uint8_t> bytes;
  return bytes;
}

/// Reads rows as they are stored and calls use() with a view of them, in the type they have.
template <class Use>
void with_rows(const Checkpoint& source, const WeightSource& w, Rows rows, Use use) {
  std::vector<std::uint8_t>& bytes = bytes_of_thread();
  read_bytes(source, w, rows, bytes);
  const nvq::shape2d shape(rows.count, w.columns);
  // operator new aligns for every type, and these are trivial.
  if (w.tensor->type == nvq::io::dtype::bf16)
    use(nvq::matrix_view<const nvq::bfloat16>(reinterpret_cast<const nvq::bfloat16*>(bytes.data()), shape));
  else if (w.tensor->type == nvq::io::dtype::f16)
    use(nvq::matrix_view<const nvq::half>(reinterpret_cast<const nvq::half*>(bytes.data()), shape));
  else
    use(nvq::matrix_view<const float>(reinterpret_cast<const float*>(bytes.data()), shape));
}

/// A Failure that names the first value that is NaN or infinite.
template <class T>
[[noreturn]] void refuse(const Checkpoint& source, const WeightSource& w, Rows rows,
                         nvq::matrix_view<const T> values) {
  std::int64_t at = 0;
  while (std::isfinite(nvq::to_float(values.data()[at]))) ++at;
  const float bad = nvq::to_float(values.data()[at]);
  const Tensor& t = *w.tensor;
  const std::string weight = w.module + ".weight";
  throw Failure(
      fmt::format("{}: tensor '{}':{} the weight at row {}, column {} is {}; repair the model, or leave this "
                  "layer out with --keep",
                  source.shards()[static_cast<std::size_t>(t.shard)].path.string(), t.name,
                  weight == t.name ? "" : " " + w.module + ":", rows.first + at / values.columns(),
                  at % values.columns(), std::isnan(bad) ? "NaN" : "infinite"));
}

template <class T>
float finite_amax(const Checkpoint& source, const WeightSource& w, Rows rows,
                  nvq::matrix_view<const T> values) {
  const float amax = nvq::amax(values, nvq::NaN::propagate);
  if (!std::isfinite(amax)) refuse(source, w, rows, values);
  return amax;
}

}  // namespace

std::vector<Rows> cut_rows(std::int64_t rows, std::int64_t columns, std::int64_t step) {
  constexpr std::int64_t target = std::int64_t{1} << 18;
  const std::int64_t steps = std::max<std::int64_t>(1, target / std::max<std::int64_t>(1, columns) / step);
  std::vector<Rows> all;
  for (std::int64_t first = 0; first < rows; first += steps * step)
    all.push_back({first, std::min(steps * step, rows - first)});
  return all;
}

/// Where the source is transposed, rows are gathered column by column: a column's elements of these rows lie
/// together.
void read_bytes(const Checkpoint& source, const WeightSource& w, Rows rows,
                std::vector<std::uint8_t>& bytes) {
  const std::int64_t width = nvq::io::bits(w.tensor->type) / 8;
  bytes.resize(static_cast<std::size_t>(rows.count * w.columns * width));
  if (w.column_stride == 1) {
    source.read(*w.tensor, (w.first + rows.first * w.row_stride) * width, bytes.data(),
                static_cast<std::int64_t>(bytes.size()));
    return;
  }
  static thread_local std::vector<std::uint8_t> column;
  column.resize(static_cast<std::size_t>(rows.count * width));
  for (std::int64_t c = 0; c < w.columns; ++c) {
    source.read(*w.tensor, (w.first + rows.first + c * w.column_stride) * width, column.data(),
                static_cast<std::int64_t>(column.size()));
    for (std::int64_t r = 0; r < rows.count; ++r)
      std::memcpy(bytes.data() + (r * w.columns + c) * width, column.data() + r * width,
                  static_cast<std::size_t>(width));
  }
}

void read_rows(const Checkpoint& source, const WeightSource& w, Rows rows, std::vector<float>& out) {
  with_rows(source, w, rows, [&](auto values) {
    finite_amax(source, w, rows, values);
    out.resize(values.shape().size());
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = nvq::to_float(values.data()[i]);
  });
}

float rows_amax(const Checkpoint& source, const WeightSource& w, Rows rows) {
  float amax = 0;
  with_rows(source, w, rows, [&](auto values) { amax = finite_amax(source, w, rows, values); });
  return amax;
}

void OutputFile::write(std::int64_t offset, const void* data, std::int64_t bytes) const {
  unwrap(file_.write_at(offset, data, bytes), where_);
}

std::vector<Rows> cut_bytes(std::int64_t bytes) {
  constexpr std::int64_t piece = std::int64_t{4} << 20;
  std::vector<Rows> all;
  for (std::int64_t first = 0; first < bytes; first += piece)
    all.push_back({first, std::min(piece, bytes - first)});
  return all;
}

void copy_bytes(const Checkpoint& source, const Tensor& t, Rows piece, const OutputFile& out,
                std::int64_t offset) {
  std::vector<std::uint8_t>& buffer = bytes_of_thread();
  buffer.resize(static_cast<std::size_t>(piece.count));
  source.read(t, piece.first, buffer.data(), piece.count);
  out.write(offset + piece.first, buffer.data(), piece.count);
}

}  // namespace app
