// SPDX-License-Identifier: Apache-2.0
#include "encode.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "pack.hpp"
#include "square_sums.hpp"

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

/// Count, signal and noise of a run.
nvq::error_sums errors_of(const std::vector<float>& values, const std::vector<float>& back) {
  const SquareSums found = square_sums(values.data(), back.data(), values.size());
  nvq::error_sums sums;
  sums.count = static_cast<std::int64_t>(values.size());
  sums.signal = found.signal;
  sums.noise = found.noise;
  return sums;
}

/// One task: rows of the tensor of that index, or bytes where it is copied.
struct Piece {
  std::size_t index;
  Rows part;
};

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

void Encoder::find_amax(nvq::span<const Work> batch) {
  std::set<int> groups;
  for (const Work& work : batch)
    if (work.quantize && codec(work.wide).needs_amax() &&
        group_amax_[static_cast<std::size_t>(work.group)] < 0)
      groups.insert(work.group);
  std::vector<const Tensor*> tensors;
  std::vector<Piece> pieces;
  for (const int group : groups)
    for (const Tensor* t : plan_.groups[static_cast<std::size_t>(group)].members) {
      for (const Rows& run : cut_rows(t->shape[0], t->shape[1], 1)) pieces.push_back({tensors.size(), run});
      tensors.push_back(t);
    }
  std::vector<float> largest(pieces.size());
  pool_.run(static_cast<std::int64_t>(pieces.size()), [&](std::int64_t i) {
    const Piece& p = pieces[static_cast<std::size_t>(i)];
    largest[static_cast<std::size_t>(i)] = rows_amax(source_, *tensors[p.index], p.part);
  });
  std::size_t piece = 0, tensor = 0;
  for (const int group : groups) {
    float& amax = group_amax_[static_cast<std::size_t>(group)];
    const std::size_t end = tensor + plan_.groups[static_cast<std::size_t>(group)].members.size();
    for (; piece < pieces.size() && pieces[piece].index < end; ++piece) amax = std::max(amax, largest[piece]);
    tensor = end;
  }
}

float Encoder::amax_of(const Work& work) const {
  return codecs_.at(work.wide)->needs_amax() ? group_amax_[static_cast<std::size_t>(work.group)] : 0.0f;
}

void Encoder::write_tensor_parts(const Work& work, const OutputFile& out) {
  const nvq::TensorScales scales = codec(work.wide).tensor_scales(amax_of(work));
  for (const Output& o : work.outputs) {
    switch (o.what) {
      case nvq::io::part::codes:
      case nvq::io::part::offset_codes:
      case nvq::io::part::block_scales:
        break;
      case nvq::io::part::multiplier:
        out.write(o.offset, &scales.decode, o.bytes);
        break;
      case nvq::io::part::divisor:
        out.write(o.offset, &scales.encode, o.bytes);
        break;
      case nvq::io::part::shape: {
        const std::array<std::int64_t, 2> shape = {work.source->shape[0], work.source->shape[1]};
        out.write(o.offset, shape.data(), o.bytes);
        break;
      }
    }
  }
}

nvq::error_sums Encoder::write_rows(const Work& work, Rows run, const OutputFile& out) {
  const Tensor& t = *work.source;
  const std::int64_t rows = t.shape[0], columns = t.shape[1];
  const Codec& c = *codecs_.at(work.wide);
  const float amax = amax_of(work);
  const Output *codes_out = nullptr, *scales_out = nullptr;
  for (const Output& o : work.outputs) {
    if (o.what == nvq::io::part::codes || o.what == nvq::io::part::offset_codes) codes_out = &o;
    if (o.what == nvq::io::part::block_scales) scales_out = &o;
  }
  auto& [values, back, codes, block_scales] = scratch();
  read_rows(source_, t, run, values);
  c.encode(values.data(), run.count, columns, amax, codes, block_scales);
  back.resize(values.size());
  c.decode(codes, block_scales, run.count, columns, c.tensor_scales(amax).decode, back.data());
  if (codes_out->what == nvq::io::part::offset_codes) offset_int4(codes, run.count, columns);
  const std::int64_t row_bytes = codes_out->bytes / rows;
  out.write(codes_out->offset + run.first * row_bytes, codes.data(), static_cast<std::int64_t>(codes.size()));
  // Where the tensor has one scale, every run writes the same.
  const std::int64_t scale_bytes = scales_out->bytes / c.scale_rows(rows);
  out.write(scales_out->offset + c.scale_row_of(run.first) * scale_bytes, block_scales.data(),
            static_cast<std::int64_t>(block_scales.size()));
  return errors_of(values, back);
}

void Encoder::write(nvq::span<const Work> batch, const OutputFile& out,
                    const std::function<void(std::int64_t)>& progress, std::vector<Quality>& qualities) {
  find_amax(batch);
  std::vector<Piece> pieces;
  for (std::size_t w = 0; w < batch.size(); ++w) {
    const Tensor& t = *batch[w].source;
    if (batch[w].quantize) write_tensor_parts(batch[w], out);
    const auto cut = batch[w].quantize ? cut_rows(t.shape[0], t.shape[1], codec(batch[w].wide).row_step())
                                       : cut_bytes(t.bytes);
    for (const Rows& part : cut) pieces.push_back({w, part});
  }
  std::vector<nvq::error_sums> errors(pieces.size());
  pool_.run(static_cast<std::int64_t>(pieces.size()), [&](std::int64_t i) {
    const auto& [index, part] = pieces[static_cast<std::size_t>(i)];
    const Work& work = batch[index];
    if (work.quantize) {
      errors[static_cast<std::size_t>(i)] = write_rows(work, part, out);
      progress(part.count * work.source->shape[1] * nvq::io::bits(work.source->type) / 8);
    } else {
      copy_bytes(source_, *work.source, part, out, work.outputs[0].offset);
      progress(part.count);
    }
  });
  std::size_t piece = 0;
  for (std::size_t w = 0; w < batch.size(); ++w) {
    const Tensor& t = *batch[w].source;
    Quality q{t.name, 0, {}};
    for (; piece < pieces.size() && pieces[piece].index == w; ++piece) q.errors.merge(errors[piece]);
    q.values = q.errors.count;
    if (batch[w].quantize) qualities.push_back(q);
  }
}

}  // namespace app
