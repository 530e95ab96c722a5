// SPDX-License-Identifier: Apache-2.0
#include "encode.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "pack.hpp"

namespace app {

namespace {

/// What a thread needs for one run of rows, kept from run to run: memory fresh from the system costs more
/// than encoding.
struct Scratch {
  std::vector<float> values, back;
  std::vector<std::uint8_t> codes, block_scales;
};

Scratch& scratch() {
  static thread_local Scratch buffers;
  return buffers;
}

}  // namespace

Encoder::Encoder(const Checkpoint& source, const Plan& plan, std::string recipe, Pool& pool)
    : source_(source),
      plan_(plan),
      recipe_(std::move(recipe)),
      pool_(pool),
      group_amax_(plan.groups.size(), -1.0f) {}

const Codec& Encoder::codec(nvq::io::dtype wide) {
  auto& codec = codecs_[wide];
  if (!codec) codec = make_codec(plan_.scheme, wide, recipe_);
  return *codec;
}

float Encoder::tensor_amax(const Tensor& t) {
  const auto cut = cut_rows(t.shape[0], t.shape[1], 1);
  std::vector<float> largest(cut.size());
  pool_.run(static_cast<std::int64_t>(cut.size()), [&](std::int64_t i) {
    std::vector<float>& values = scratch().values;
    read_rows(source_, t, cut[static_cast<std::size_t>(i)], values);
    float amax = 0;
    for (const float x : values) amax = std::max(amax, std::fabs(x));
    largest[static_cast<std::size_t>(i)] = amax;
  });
  return *std::max_element(largest.begin(), largest.end());
}

float Encoder::group_amax(int group) {
  float& amax = group_amax_[static_cast<std::size_t>(group)];
  if (amax < 0)
    for (const Tensor* t : plan_.groups[static_cast<std::size_t>(group)].members)
      amax = std::max(amax, tensor_amax(*t));
  return amax;
}

Quality Encoder::write(const Work& work, const OutputFile& out,
                       const std::function<void(std::int64_t)>& progress) {
  const Tensor& t = *work.source;
  const std::int64_t rows = t.shape[0], columns = t.shape[1];
  const Codec& c = codec(work.wide);
  const float amax = c.needs_amax() ? group_amax(work.group) : 0.0f;
  const nvq::TensorScales scales = c.tensor_scales(amax);

  const Output *codes_out = nullptr, *scales_out = nullptr;
  for (const Output& o : work.outputs) {
    switch (o.what) {
      case nvq::io::part::codes:
      case nvq::io::part::offset_codes:
        codes_out = &o;
        break;
      case nvq::io::part::block_scales:
        scales_out = &o;
        break;
      case nvq::io::part::multiplier:
        out.write(o.offset, &scales.decode, o.bytes);
        break;
      case nvq::io::part::divisor:
        out.write(o.offset, &scales.encode, o.bytes);
        break;
      case nvq::io::part::shape: {
        const std::array<std::int64_t, 2> shape = {rows, columns};
        out.write(o.offset, shape.data(), o.bytes);
        break;
      }
    }
  }

  const auto cut = cut_rows(rows, columns, c.row_step());
  std::vector<nvq::error_sums> errors(cut.size());
  pool_.run(static_cast<std::int64_t>(cut.size()), [&](std::int64_t i) {
    const Rows run = cut[static_cast<std::size_t>(i)];
    auto& [values, back, codes, block_scales] = scratch();
    read_rows(source_, t, run, values);
    c.encode(values.data(), run.count, columns, amax, codes, block_scales);
    back.resize(values.size());
    c.decode(codes, block_scales, run.count, columns, scales.decode, back.data());
    nvq::error_sums& sums = errors[static_cast<std::size_t>(i)];
    for (std::size_t k = 0; k < values.size(); ++k) sums.add(values[k], back[k]);
    if (codes_out->what == nvq::io::part::offset_codes) offset_int4(codes, run.count, columns);
    const std::int64_t row_bytes = codes_out->bytes / rows;
    out.write(codes_out->offset + run.first * row_bytes, codes.data(),
              static_cast<std::int64_t>(codes.size()));
    // Where the tensor has one scale, every run writes the same.
    const std::int64_t scale_bytes = scales_out->bytes / c.scale_rows(rows);
    out.write(scales_out->offset + c.scale_row_of(run.first) * scale_bytes, block_scales.data(),
              static_cast<std::int64_t>(block_scales.size()));
    progress(run.count * columns * nvq::io::bits(t.type) / 8);
  });

  Quality q{t.name, rows * columns, {}};
  for (const nvq::error_sums& sums : errors) q.errors.merge(sums);
  return q;
}

}  // namespace app
