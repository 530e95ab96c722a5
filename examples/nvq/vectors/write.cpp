// SPDX-License-Identifier: Apache-2.0
#include "vectors/write.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <nvq/io/json.hpp>
#include <set>

#include "failure.hpp"
#include "output.hpp"
#include "table.hpp"
#include "vectors/sets.hpp"
#include "vectors/sha256.hpp"
#include "version.hpp"

namespace app::vectors {

namespace {

using nvq::io::json;

Subject subject_of(const WriteOptions& o) {
  const FormatName& format = find_format(o.format);
  if (format.double_quant)
    throw Failure(fmt::format(
        "--format {}: its scales are those of a whole tensor, nested; there are vectors of nf4", o.format));
  nvq::io::weight_scheme scheme;
  scheme.kind = format.kind;
  scheme.group = format.group;
  scheme.zero_points = format.zero_points;
  Subject s{std::string(format.name), grid_of(format), make_codec(scheme, nvq::io::dtype::f32, o.recipe), {}};
  if (o.rounding == "stochastic") {
    if (!s.codec->rounds_stochastically())
      throw Failure(
          fmt::format("--rounding stochastic: {} has no stochastic rounding; leave it out", s.format));
    s.seed = o.seed;
  } else if (o.rounding != "nearest") {
    throw Failure(fmt::format("--rounding {}: known are nearest and stochastic", o.rounding));
  }
  return s;
}

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

/// One set as files: NAME.json, and NAME.PART.bin for each part.
class Writer {
 public:
  Writer(OutputDirectory& out, const Subject& s) : out_(out), s_(s) {}

  void write(Set& set) {
    const std::string name = fmt::format("{}_{}_{}", s_.format, s_.codec->recipe(), set.name);
    const bool decodes = set.input.empty();
    if (!decodes) {
      set.encoded = s_.codec->sized(set.rows, set.columns);
      s_.codec->encode(set.input.data(), set.rows, set.columns, set.amax, set.encoded, s_.seed);
    }
    const nvq::TensorScales ts = s_.codec->tensor_scales(set.amax);
    std::vector<float> decoded(static_cast<std::size_t>(set.rows * set.columns));
    s_.codec->decode(set.encoded, set.rows, set.columns, ts.decode, decoded.data());

    json files = json::object();
    const auto part = [&](const char* what, const std::string& bytes, json about) {
      const std::string file = fmt::format("{}.{}.bin", name, what);
      out_.write_text(file, bytes);
      about["file"] = file;
      about["sha256"] = sha256(bytes);
      files[what] = std::move(about);
    };
    const json shape = {set.rows, set.columns};
    if (!decodes) part("input", bytes_of(set.input), {{"dtype", "F32"}, {"shape", shape}});
    part("codes", bytes_of(set.encoded.codes),
         {{"bits", s_.grid.bits},
          {"shape", shape},
          {"row_bytes", (set.columns * s_.grid.bits + 7) / 8},
          {"layout",
           "each row from a byte boundary, the first code in the lowest bits, the rest of the last byte 0"}});
    part("scales", bytes_of(set.encoded.scales),
         {{"dtype", nvq::io::name(s_.grid.scale)},
          {"shape", scale_shape(set)},
          {"layout", "row-major, one a block, not swizzled"},
          {"direction", "multiplies"}});
    if (s_.grid.zero_points)
      part("zero_points", bytes_of(set.encoded.zero_points), {{"dtype", "U8"}, {"shape", scale_shape(set)}});
    part("decoded", bytes_of(decoded), {{"dtype", "F32"}, {"shape", shape}});

    json about = {{"nvq", version_text()},
                  {"set", set.name},
                  {"what", set.what},
                  {"format", s_.format},
                  {"element", s_.grid.element},
                  {"recipe", s_.codec->recipe()},
                  {"rounding", s_.seed ? "stochastic" : "nearest"},
                  {"compare", decodes ? "decoded" : "codes"},
                  {"byte_order", "little endian"},
                  {"shape", shape},
                  {"block", block_shape(set)},
                  {"decoded", s_.grid.zero_points ? "(code - zero point) * scale"
                              : s_.codec->needs_amax() && s_.grid.scale == nvq::io::dtype::f8_e4m3
                                  ? "code * scale * tensor_scale.decode"
                                  : "code * scale"},
                  {"code_values", values_of_one()},
                  {"files", files}};
    if (s_.seed) about["seed"] = *s_.seed;
    if (s_.codec->needs_amax()) about["amax"] = set.amax;
    if (s_.grid.scale == nvq::io::dtype::f8_e4m3)
      about["tensor_scale"] = {{"decode", ts.decode}, {"encode", ts.encode}};
    out_.write_text(name + ".json", nvq::io::dump_json(about));
    table_.row({name + ".json", with_commas(set.rows * set.columns), with_commas(distinct_scales(set))});
  }
  std::string table() const { return table_.text(); }

 private:
  std::int64_t block_columns(const Set& set) const {
    const Grid& g = s_.grid;
    return g.scale == nvq::io::dtype::f32 && g.columns == 256 ? set.columns : g.columns;
  }
  json block_shape(const Set& set) const {
    return {s_.grid.whole_tensor ? set.rows : s_.grid.rows, block_columns(set)};
  }
  json scale_shape(const Set& set) const {
    const std::int64_t rows = s_.codec->scale_rows(set.rows);
    const auto count = static_cast<std::int64_t>(set.encoded.scales.size() / s_.grid.scale_bytes());
    return {rows, count / rows};
  }
  /// What codes decode to under a scale of 1; NaN, which JSON has not, as null.
  json values_of_one() const {
    const float one = 1;
    std::uint8_t bytes[4] = {s_.grid.scale == nvq::io::dtype::f8_e8m0 ? std::uint8_t{127}
                                                                      : std::uint8_t{0x38}};
    if (s_.grid.scale == nvq::io::dtype::f32) std::memcpy(bytes, &one, 4);
    return values_of_codes(s_, bytes, 0, 1);
  }
  std::int64_t distinct_scales(const Set& set) const {
    std::set<std::string> seen;
    const std::string all = bytes_of(set.encoded.scales);
    for (std::size_t i = 0; i < all.size(); i += s_.grid.scale_bytes())
      seen.insert(all.substr(i, s_.grid.scale_bytes()));
    return static_cast<std::int64_t>(seen.size());
  }

  OutputDirectory& out_;
  const Subject& s_;
  Table table_{{"file", ">values", ">scales"}};
};

}  // namespace

std::string write_vectors(const WriteOptions& o) {
  const Subject s = subject_of(o);
  for (const std::string& name : o.sets)
    if (std::find(set_names().begin(), set_names().end(), name) == set_names().end())
      throw Failure(fmt::format("unknown set '{}'; known are {}", name, fmt::join(set_names(), ", ")));
  OutputDirectory out(o.out);
  Writer writer(out, s);
  for (const std::string& name : o.sets.empty() ? set_names() : o.sets) {
    Set set = make_set(name, s, o.seed);
    writer.write(set);
  }
  out.commit();
  return writer.table();
}

}  // namespace app::vectors
