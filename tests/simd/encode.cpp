// SPDX-License-Identifier: Apache-2.0
#include "data.hpp"
#include "report.hpp"

namespace tiers {
namespace {

template <class T>
const char* type_name() {
  return std::is_same<T, float>::value ? "float" : std::is_same<T, half>::value ? "half" : "bfloat16";
}

template <class T>
void compare(Report& report, const Codec& codec, const std::string& data, nvq::matrix_view<const T> in,
             float amax = -1.0f, nvq::executor_ref executor = {}) {
  const auto encode = [&](nvq::executor_ref how) { return codec.encode.get<T>()(in, amax, how); };
  const Encoded wanted = report.scalar([&] { return encode({}); });
  const Encoded got = report.tier([&] { return encode(executor); });
  const std::string what = codec.name + ", " + type_name<T>() + ", " + data;
  if (!wanted.ok || !got.ok) report.fail(what + ": refused");
  report.same(what, "codes", wanted.codes.data(), got.codes.data(), wanted.codes.size());
  report.same(what, "scales", wanted.scales.data(), got.scales.data(), wanted.scales.size());
  report.same(what, "zero points", wanted.zero_points.data(), got.zero_points.data(),
              wanted.zero_points.size());
}

template <class T>
std::vector<T> as(const std::vector<float>& values) {
  std::vector<T> out;
  for (const float x : values) out.push_back(static_cast<T>(x));
  return out;
}

template <class T>
void check_values(Report& report, const Codec& codec, const std::vector<Data>& sets) {
  for (const Data& set : sets) {
    const std::vector<T> values = as<T>(set.values);
    const std::size_t rows = quick ? 2 : codec.searches ? 4 : values.size() / set.columns;
    const nvq::matrix_view<const T> in(values.data(), {rows, set.columns});
    compare<T>(report, codec, set.name, in);
    if (set.name != "normal") continue;
    for (const float amax : {0.0f, 1e-38f, 0.5f, 3e38f}) compare<T>(report, codec, "given amax", in, amax);
  }
  for (const bool windows : {true, false}) {
    if (quick && !windows) continue;
    const std::vector<T> all = all_patterns<T>(windows);
    // A quarter at a time, so that the tensor's amax does not always come from the largest of all.
    for (std::size_t part = 0; part < (windows && !codec.searches && !quick ? 4u : 1u); ++part)
      compare<T>(report, codec, windows ? "all 16-bit values" : "all 16-bit values, shuffled",
                 {all.data() + part * (all.size() / 4), {all.size() / 1024, 256}});
  }
  for (std::size_t i = 0; i < (codec.searches ? 0u : quick ? 0u + std::is_same<T, float>::value : 2u); ++i) {
    const std::vector<T> values = as<T>(around_midpoints(codec, sets[i].values, sets[i].columns));
    compare<T>(report, codec, "midpoints of " + sets[i].name,
               {values.data(), {values.size() / sets[i].columns, sets[i].columns}});
  }
}

template <class T>
void check_shapes(Report& report, const Codec& codec, const std::vector<T>& values) {
  const auto shape = [&](std::size_t rows, std::size_t columns, std::size_t stride, std::size_t offset) {
    compare<T>(
        report, codec,
        std::to_string(rows) + " rows of " + std::to_string(columns) + ", stride " + std::to_string(stride),
        {values.data() + offset, {rows, columns}, static_cast<std::int64_t>(stride)});
  };
  // Every tail, at every alignment that the type allows.
  // An emulator takes twenty times as long.
  for (std::size_t columns = 1; columns <= (codec.searches ? 70u : 300u); columns += quick ? 13 : 1) {
    if (columns % 2 != 0 || columns % 16 == 0) shape(1, columns, columns, columns % 16);
    if (columns % 2 == 0) shape(2 + columns % 3, columns, columns + columns % 5, columns % 7);
  }
  shape(0, 32, 32, 0);
  if (codec.searches) return;
  for (const std::size_t columns : {512u, 1024u, 1040u, 2048u + 77u}) {
    shape(5, columns, columns, 1);
    shape(19, columns, columns + 3, 3);
  }
  shape(130, 130, 131, 1);
  // Blocks of 16 that are no multiple of four, in tensors that are large enough for tables of thresholds.
  for (const std::size_t columns : {150u, 170u, 186u, 202u}) shape(60, columns, columns + 6, 5);
}

template <class T>
void check_threads(Report& report, const Codec& codec, const std::vector<T>& values) {
  Threads threads;
  for (const std::size_t columns : {512u, 500u})
    compare<T>(report, codec, "three threads, columns " + std::to_string(columns),
               {values.data(), {values.size() / columns, columns}}, -1.0f, threads);
}

/// Rows of more than 2^17 values are several tasks.
template <class T>
void check_long_rows(Report& report, const Codec& codec, const std::vector<T>& values) {
  Threads threads;
  std::size_t most = 0;
  const auto counting = [&](std::size_t tasks, const auto& task) {
    most = tasks > most ? tasks : most;
    threads(tasks, task);
  };
  for (const std::size_t columns : {(std::size_t{1} << 17) + 4001, std::size_t{1} << 18}) {
    most = 0;
    compare<T>(report, codec, "one row of " + std::to_string(columns), {values.data(), {1, columns}}, -1.0f,
               counting);
    if (most < 2 && codec.format.block_rows < 2) report.fail(codec.name + ": a long row is one task");
  }
  compare<T>(report, codec, "two long rows",
             {values.data(), {2, (std::size_t{1} << 17) + 18}, (std::int64_t{1} << 17) + 20}, -1.0f, threads);
}

template <class T>
void check_type(Report& report, const std::vector<Codec>& codecs, const std::vector<Data>& sets) {
  const std::vector<T> normal = as<T>(data_sets(200)[1].values),
                       long_values = as<T>(data_sets(quick ? 1 : 514)[1].values);
  for (const Codec& codec : codecs) {
    check_values<T>(report, codec, sets);
    check_shapes<T>(report, codec, normal);
    if (!codec.searches && !quick) check_threads<T>(report, codec, normal);
    if (!codec.searches && !quick) check_long_rows<T>(report, codec, long_values);
  }
}

/// Random bits go with the index of a value in its tensor, however its row is split.
void check_stochastic_long_row(Report& report, const std::vector<float>& values) {
  constexpr std::size_t rows = 33, columns = 4096;
  nvq::encode_options options;
  options.stochastic = true;
  options.seed = 77;
  const auto codes = [&](std::size_t r, std::size_t c) {
    return nvq::quantize<nvq::MXFP4>(nvq::matrix_view<const float>(values.data(), {r, c}), nvq::recipe::rceil,
                                     options)
        .codes();
  };
  const auto wanted = codes(rows, columns), got = codes(1, rows * columns);
  report.same("MXFP4, stochastic, one long row", "codes", wanted.data(), got.data(), wanted.size());
}

}  // namespace

void check_encode(Report& report) {
  const std::vector<Codec> codecs = all_codecs();
  const std::vector<Data> sets = data_sets(16);
  check_stochastic_long_row(report, data_sets(264)[1].values);
  check_type<float>(report, codecs, sets);
  check_type<bfloat16>(report, codecs, sets);
  check_type<half>(report, codecs, sets);
}

}  // namespace tiers
