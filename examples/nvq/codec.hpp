// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <nvq/io/dialect.hpp>
#include <nvq/io/dtype.hpp>
#include <nvq/scale.hpp>
#include <nvq/span.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace app {

/// Rows of a quantized matrix, in the library's own order: resized by encode().
struct Encoded {
  std::vector<std::uint8_t> codes;        ///< each row LSB-first from a byte boundary
  std::vector<std::uint8_t> scales;       ///< bytes of the scales, row-major grid of blocks
  std::vector<std::uint8_t> zero_points;  ///< one a block, or empty
};

/// A Format and a recipe chosen at run time: the bridge from names on a command line to the library's types.
/// Works on whole blocks of rows, in the calling thread.
class Codec {
 public:
  virtual ~Codec() = default;

  virtual std::string_view recipe() const = 0;
  /// Rows that must be encoded together: 1, or the height of a tile.
  virtual std::int64_t row_step() const = 0;
  /// Whether encoding needs the amax of the whole tensor first.
  virtual bool needs_amax() const = 0;
  virtual nvq::TensorScales tensor_scales(float amax) const = 0;
  /// Rows of the grid of scales of a matrix with `rows` rows.
  virtual std::int64_t scale_rows(std::int64_t rows) const = 0;
  /// The row of the grid that holds the scales of row `row`.
  virtual std::int64_t scale_row_of(std::int64_t row) const = 0;

  /// Zeros of the sizes that encode() makes of a matrix.
  virtual Encoded sized(std::int64_t rows, std::int64_t columns) const = 0;
  /// Encodes [rows, columns] floats. `amax` is read where needs_amax().
  void encode(const float* in, std::int64_t rows, std::int64_t columns, float amax, Encoded& out) const {
    encode(in, rows, columns, amax, out, {});
  }
  /// With a seed it rounds stochastically, which not every element can.
  virtual void encode(const float* in, std::int64_t rows, std::int64_t columns, float amax, Encoded& out,
                      std::optional<std::uint64_t> seed) const = 0;
  virtual bool rounds_stochastically() const = 0;
  /// Decodes to [rows, columns] floats.
  virtual void decode(const Encoded& in, std::int64_t rows, std::int64_t columns, float tensor_scale,
                      float* out) const = 0;
};

/// A format as the command line names it.
struct FormatName {
  std::string_view name;
  nvq::io::weight_kind kind;
  int group;  ///< int4_group: its size
  bool zero_points;
  std::string_view title;  ///< for help texts
  bool double_quant = false;
};

/// Every format that `quantize` writes.
const std::vector<FormatName>& format_names();

/// The entry of that name; a Failure that lists them all when there is none.
const FormatName& find_format(std::string_view name);

/// The name of a scheme's format, as in "nvfp4"; "quantized" for what `quantize` does not write.
std::string format_name(const nvq::io::weight_scheme& scheme);

/// The recipes of one Format, the default first, and how to make a codec of each.
struct CodecMaker {
  std::string_view recipe;
  std::unique_ptr<Codec> (*make)();
};
using CodecEntry = std::vector<CodecMaker>;

/// One function per family, each in its own file: they are where the library's templates are compiled.
CodecEntry nvfp4_codecs();
CodecEntry mx_codecs(nvq::io::weight_kind kind);
CodecEntry fp8_codecs(nvq::io::weight_kind kind, nvq::io::dtype wide);
CodecEntry int_codecs(nvq::io::weight_kind kind, int group, nvq::io::dtype wide);
CodecEntry zero_point_codecs(int group, nvq::io::dtype wide);
CodecEntry nf4_codecs();

/// Double-quantized scales: 256 of them share a factor under codes of bitsandbytes' dynamic map, and their mean is
/// taken off.
struct NestedScales {
  std::vector<std::uint8_t> codes;
  std::vector<float> factors;
  float mean = 0;

  /// What the scale of a block has become.
  float value(std::size_t block) const;
};
NestedScales nest_scales(nvq::span<const float> scales);

/// The values of the dynamic map's 256 codes.
std::vector<float> nested_map();

/// The codec of a scheme whose wide scales are stored as `wide`. An empty recipe is the format's default; a
/// name the format does not have is a Failure that lists those it has.
std::unique_ptr<Codec> make_codec(const nvq::io::weight_scheme& scheme, nvq::io::dtype wide,
                                  std::string_view recipe);

/// Whether make_codec() would succeed. Some recipes are defined for F32 scales only.
bool has_recipe(const nvq::io::weight_scheme& scheme, nvq::io::dtype wide, std::string_view recipe);

/// The codec that decodes a stored weight of a scheme. Where the dialect divides by a tensor scale, its owner
/// divides the block scales by it first, each rounded to float; that codec takes float scales (fold_divisor)
/// and no tensor scale, so that decoding gives the owner's values to the bit.
std::unique_ptr<Codec> make_decoder(const nvq::io::weight_scheme& scheme, nvq::io::dtype wide);

/// E4M3 scales to float scales divided by the tensor's divisor (compressed-tensors 0.20.0, `dequantize()`).
std::vector<std::uint8_t> fold_divisor(const std::vector<std::uint8_t>& scales, float divisor);

/// Names of the recipes of a format with F32 scales, which has them all; the default first.
std::vector<std::string> recipe_names(const FormatName& format);

}  // namespace app
