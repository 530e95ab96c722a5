// SPDX-License-Identifier: Apache-2.0
#include "tensor_io.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nvq/float16.hpp>

#include "failure.hpp"
#include "interrupt.hpp"

namespace app {

namespace {

template <class T>
void widen(const std::vector<std::uint8_t>& bytes, std::vector<float>& out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    out[i] = nvq::to_float(value);
  }
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

void read_rows(const Checkpoint& source, const Tensor& t, Rows rows, std::vector<float>& out) {
  const std::int64_t columns = t.shape[1], width = nvq::io::bits(t.type) / 8;
  static thread_local std::vector<std::uint8_t> bytes;  // kept: fresh memory costs more than reading
  bytes.resize(static_cast<std::size_t>(rows.count * columns * width));
  source.read(t, rows.first * columns * width, bytes.data(), static_cast<std::int64_t>(bytes.size()));
  out.resize(static_cast<std::size_t>(rows.count * columns));
  if (t.type == nvq::io::dtype::bf16)
    widen<nvq::bfloat16>(bytes, out);
  else if (t.type == nvq::io::dtype::f16)
    widen<nvq::half>(bytes, out);
  else
    widen<float>(bytes, out);
  const auto bad = std::find_if(out.begin(), out.end(), [](float x) { return !std::isfinite(x); });
  if (bad != out.end()) {
    const std::int64_t at = bad - out.begin();
    throw Failure(
        fmt::format("{}: tensor '{}': the weight at row {}, column {} is {}; repair the model, or leave this "
                    "layer out with --keep",
                    source.shards()[static_cast<std::size_t>(t.shard)].path.string(), t.name,
                    rows.first + at / columns, at % columns, std::isnan(*bad) ? "NaN" : "infinite"));
  }
}

void OutputFile::write(std::int64_t offset, const void* data, std::int64_t bytes) const {
  unwrap(file_.write_at(offset, data, bytes), where_);
}

void copy_tensor(const Checkpoint& source, const Tensor& t, const OutputFile& out, std::int64_t offset,
                 const std::function<void(std::int64_t)>& progress) {
  constexpr std::int64_t piece = std::int64_t{4} << 20;
  std::vector<std::uint8_t> buffer(static_cast<std::size_t>(std::min(piece, t.bytes)));
  for (std::int64_t at = 0; at < t.bytes; at += piece) {
    if (interrupted()) throw Failure("interrupted; nothing was written");
    const std::int64_t n = std::min(piece, t.bytes - at);
    source.read(t, at, buffer.data(), n);
    out.write(offset + at, buffer.data(), n);
    progress(n);
  }
}

}  // namespace app
