// SPDX-License-Identifier: Apache-2.0
#include "encode.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <nvq/element.hpp>
#include <set>

namespace app {

namespace {

/// What a thread needs for one run of rows, kept from run to run: memory fresh from the system costs more
/// than encoding.
struct Scratch {
  std::vector<float> values, back;
  Encoded encoded;
  std::vector<std::uint8_t> stored;
};

Scratch& scratch() {
  static thread_local Scratch buffers;
  return buffers;
}

/// Count, signal and noise of a run. Independent sums, since an addition has to wait for the one before it.
nvq::error_sums errors_of(const std::vector<float>& values, const std::vector<float>& back) {
  constexpr std::size_t lanes = 8;
  std::array<double, lanes> signal{}, noise{};
  const std::size_t whole = values.size() / lanes * lanes;
  const auto add = [&](std::size_t i, std::size_t lane) {
    const double x = static_cast<double>(values[i]), d = x - static_cast<double>(back[i]);
    signal[lane] += x * x;
    noise[lane] += d * d;
  };
  for (std::size_t i = 0; i < whole; i += lanes)
    for (std::size_t lane = 0; lane < lanes; ++lane) add(i + lane, lane);
  for (std::size_t i = whole; i < values.size(); ++i) add(i, i - whole);
  nvq::error_sums sums;
  sums.count = static_cast<std::int64_t>(values.size());
  for (const double s : signal) sums.signal += s;
  for (const double n : noise) sums.noise += n;
  return sums;
}

/// One task: rows of the tensor of that index, or bytes where it is copied.
struct Piece {
  std::size_t index;
  Rows part;
};

}  // namespace

Encoder::Encoder(const Checkpoint& source, const Plan& plan, Pool& pool)
    : source_(source), plan_(plan), pool_(pool), group_amax_(plan.groups.size(), -1.0f) {}

const Codec& Encoder::codec(const Work& work) {
  auto& codec = codecs_[{work.treatment, work.wide}];
  if (!codec) codec = make_codec(plan_.treatment(work).scheme, work.wide, plan_.treatment(work).recipe);
  return *codec;
}

void Encoder::find_amax(nvq::span<const Work> batch) {
  std::set<int> unknown;
  for (const Work& work : batch)
    if (work.quantized() && needs_amax(work) && group_amax_[static_cast<std::size_t>(work.group)] < 0)
      unknown.insert(work.group);
  const std::vector<int> groups(unknown.begin(), unknown.end());
  know(groups, amaxes(groups));
}

std::vector<float> Encoder::amaxes(const std::vector<int>& groups, int part, int of) {
  struct Run {
    std::size_t group;
    const WeightSource* weight;
    Rows rows;
  };
  std::vector<Run> runs;
  int number = 0;
  for (std::size_t g = 0; g < groups.size(); ++g)
    for (const WeightSource& w : plan_.groups[static_cast<std::size_t>(groups[g])].members)
      for (const Rows& rows : cut_rows(w.rows, w.columns, 1))
        if (number++ % of == part) runs.push_back({g, &w, rows});
  std::vector<float> of_run(runs.size()), largest(groups.size(), -1.0f);
  pool_.run(static_cast<std::int64_t>(runs.size()), [&](std::int64_t i) {
    const Run& r = runs[static_cast<std::size_t>(i)];
    of_run[static_cast<std::size_t>(i)] = rows_amax(source_, *r.weight, r.rows);
  });
  for (std::size_t i = 0; i < runs.size(); ++i)
    largest[runs[i].group] = std::max(largest[runs[i].group], of_run[i]);
  return largest;
}

void Encoder::know(const std::vector<int>& groups, const std::vector<float>& amaxes) {
  for (std::size_t g = 0; g < groups.size(); ++g)
    group_amax_[static_cast<std::size_t>(groups[g])] = amaxes[g];
}

float Encoder::amax_of(const Work& work) const {
  return codecs_.at({work.treatment, work.wide})->needs_amax()
             ? group_amax_[static_cast<std::size_t>(work.group)]
             : 0.0f;
}

/// What is small and belongs to the tensor as a whole.
void Encoder::write_tensor_parts(const Work& work, const OutputFile& out) {
  using nvq::io::part;
  const nvq::TensorScales scales = codec(work).tensor_scales(amax_of(work));
  const nvq::io::weight_scheme& scheme = plan_.treatment(work).scheme;
  const float largest = scheme.kind == nvq::io::weight_kind::nvfp4 ? 448.0f * 6.0f : 448.0f;
  const std::int64_t rows = work.weight.rows, columns = work.weight.columns;
  for (const Output& o : work.outputs) {
    const auto write = [&](const void* data) { out.write(o.offset, data, o.bytes); };
    switch (o.what) {
      case part::multiplier:
        write(&scales.decode);
        break;
      case part::divisor:
        write(&scales.encode);
        break;
      case part::input_multiplier: {
        const float scale = work.input_amax / largest;
        write(&scale);
        break;
      }
      case part::input_divisor: {
        const float scale = largest / work.input_amax;
        write(&scale);
        break;
      }
      case part::shape: {
        const std::array<std::int64_t, 2> shape = {rows, columns};
        write(shape.data());
        break;
      }
      case part::group_index: {
        std::vector<std::int32_t> group(static_cast<std::size_t>(columns));
        for (std::size_t c = 0; c < group.size(); ++c)
          group[c] = static_cast<std::int32_t>(static_cast<std::int64_t>(c) / scheme.group);
        write(group.data());
        break;
      }
      case part::quant_map: {
        std::array<float, 16> map{};
        for (std::uint8_t code = 0; code < 16; ++code) map[code] = nvq::NormalFloat4::decode(code);
        write(map.data());
        break;
      }
      case part::nested_map:
        write(nested_map().data());
        break;
      case part::quant_state:
        // A double-quantized weight's has the mean of its scales, which is not known yet.
        if (!scheme.double_quant) write(nvq::io::quant_state_text(rows, columns, work.wide).data());
        break;
      default:
        break;
    }
  }
}

nvq::error_sums Encoder::write_rows(const Work& work, Rows run, const OutputFile& out, WholeWeight& whole) {
  const WeightSource& w = work.weight;
  const Codec& c = *codecs_.at({work.treatment, work.wide});
  const nvq::io::weight_scheme& scheme = plan_.treatment(work).scheme;
  const float amax = amax_of(work);
  auto& [values, back, encoded, stored] = scratch();
  read_rows(source_, w, run, values);
  c.encode(values.data(), run.count, w.columns, amax, encoded);
  back.resize(values.size());
  c.decode(encoded, run.count, w.columns, c.tensor_scales(amax).decode, back.data());
  const std::int64_t scale_rows = c.scale_rows(w.rows);
  for (const Output& o : work.outputs) {
    if (written_last(scheme, o.what)) continue;
    const auto bytes = arrange(o.what, {scheme, run.count, w.columns}, encoded, stored);
    if (bytes.empty()) continue;
    const std::int64_t together = rows_together(o.what);
    // Where the tensor has one scale, every run writes the same.
    const std::int64_t at = o.what == nvq::io::part::block_scales
                                ? c.scale_row_of(run.first) * (o.bytes / scale_rows)
                                : run.first / together * (o.bytes / ((w.rows + together - 1) / together));
    out.write(o.offset + at, bytes.data(), static_cast<std::int64_t>(bytes.size()));
  }
  const auto copy = [&](const std::vector<std::uint8_t>& part, std::vector<std::uint8_t>& all,
                        std::int64_t row, std::int64_t rows) {
    if (!all.empty())
      std::memcpy(all.data() + row * (static_cast<std::int64_t>(all.size()) / rows), part.data(),
                  part.size());
  };
  copy(encoded.codes, whole.encoded.codes, run.first, w.rows);
  copy(encoded.scales, whole.encoded.scales, c.scale_row_of(run.first), scale_rows);
  copy(encoded.zero_points, whole.encoded.zero_points, c.scale_row_of(run.first), scale_rows);
  if (!whole.errors.empty())
    scaled_errors(values, back, encoded.scales,
                  &whole.errors[static_cast<std::size_t>(run.first * w.columns / nested_block)]);
  return errors_of(values, back);
}

/// Empty where every part is written row by row.
WholeWeight Encoder::whole_of(const Work& work) {
  const nvq::io::weight_scheme& scheme = plan_.treatment(work).scheme;
  WholeWeight whole;
  if (std::none_of(work.outputs.begin(), work.outputs.end(),
                   [&](const Output& o) { return written_last(scheme, o.what); }))
    return whole;
  whole.encoded = codec(work).sized(work.weight.rows, work.weight.columns);
  if (scheme.double_quant) {
    whole.encoded.codes = {};
    whole.errors.resize(static_cast<std::size_t>(work.weight.values() / nested_block));
  }
  return whole;
}

void Encoder::write_spanning(const Work& work, const Encoded& encoded, const OutputFile& out) {
  const WeightSource& w = work.weight;
  for (const Output& o : work.outputs) {
    if (!spans_rows(o.what)) continue;
    const auto bytes =
        arrange(o.what, {plan_.treatment(work).scheme, w.rows, w.columns}, encoded, scratch().stored);
    out.write(o.offset, bytes.data(), static_cast<std::int64_t>(bytes.size()));
  }
}

void Encoder::write(nvq::span<const Work> batch, const OutputFile& out,
                    const std::function<void(std::int64_t)>& progress, std::vector<Quality>& qualities) {
  find_amax(batch);
  std::vector<Piece> pieces;
  std::vector<WholeWeight> whole(batch.size());
  std::vector<std::size_t> with_whole;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const Work& work = batch[i];
    if (work.source == nullptr) {
      out.write(work.outputs[0].offset, &work.constant, work.outputs[0].bytes);
    } else if (!work.quantized()) {
      for (const Rows& part : cut_bytes(work.source->bytes)) pieces.push_back({i, part});
    } else {
      write_tensor_parts(work, out);
      const Codec& c = codec(work);
      std::int64_t step = c.row_step();
      for (const Output& o : work.outputs) step = std::max(step, rows_together(o.what));
      whole[i] = whole_of(work);
      if (!whole[i].encoded.scales.empty()) with_whole.push_back(i);
      for (const Rows& part : cut_rows(work.weight.rows, work.weight.columns, step))
        pieces.push_back({i, part});
    }
  }
  std::vector<nvq::error_sums> errors(pieces.size());
  pool_.run(static_cast<std::int64_t>(pieces.size()), [&](std::int64_t i) {
    const auto& [index, part] = pieces[static_cast<std::size_t>(i)];
    const Work& work = batch[index];
    if (work.quantized()) {
      errors[static_cast<std::size_t>(i)] = write_rows(work, part, out, whole[index]);
      progress(part.count * work.weight.columns * nvq::io::bits(work.source->type) / 8);
    } else {
      copy_bytes(source_, *work.source, part, out, work.outputs[0].offset);
      progress(part.count);
    }
  });
  std::vector<double> more_noise(batch.size());
  pool_.run(static_cast<std::int64_t>(with_whole.size()), [&](std::int64_t i) {
    const std::size_t index = with_whole[static_cast<std::size_t>(i)];
    const auto& [encoded, scaled] = whole[index];
    if (scaled.empty())
      write_spanning(batch[index], encoded, out);
    else
      more_noise[index] = write_nested(batch[index], encoded.scales, scaled, out);
  });
  std::size_t i = 0;
  for (std::size_t b = 0; b < batch.size(); ++b) {
    if (!batch[b].quantized()) {
      while (i < pieces.size() && pieces[i].index == b) ++i;
      continue;
    }
    const WeightSource& w = batch[b].weight;
    Quality q{
        w.slices > 1 ? w.module + '[' + std::to_string(w.slice) + ']' : w.module + ".weight", w.values(), {}};
    for (; i < pieces.size() && pieces[i].index == b; ++i) q.errors.merge(errors[i]);
    q.errors.noise += more_noise[b];
    qualities.push_back(q);
  }
}

}  // namespace app
