// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/io/dtype.hpp>
#include <string>
#include <string_view>
#include <vector>

/// What every dialect of quantized checkpoints stores for one weight: names, dtypes and shapes. Kept apart
/// from the tables that nvq writes by (nvq/io/dialect.hpp), so that one judges the other.
namespace app::check {

enum class Kind {
  nvfp4,         ///< E2M1 pairs, E4M3 scale per 16, a float per tensor
  mxfp4,         ///< E2M1 pairs, E8M0 scale per 32
  mxfp6,         ///< E2M3, 3 bytes for 4, E8M0 scale per 32
  mxfp8,         ///< E4M3, E8M0 scale per 32
  fp8_tensor,    ///< E4M3, a float per tensor
  fp8_channel,   ///< E4M3, a float per row
  fp8_block,     ///< E4M3, a float per tile
  int_packed,    ///< integers in a bit stream of I32 words along the row, stored plus 2^(bits-1)
  int8,          ///< two's complement bytes, a float per row or group or tensor
  gptq,          ///< I32 words of codes along `in`, transposed
  awq,           ///< I32 words of codes along `out`, interleaved
  bnb4,          ///< NF4 or FP4 over the flattened tensor
  gptoss_mxfp4,  ///< experts stacked, blocks of 16 bytes
};

enum class Activations { none, dynamic, fixed };

/// Who defined the names of the tensors.
enum class Names { modelopt, compressed_tensors, huggingface };

struct Scheme {
  Kind kind = Kind::nvfp4;
  Names names = Names::compressed_tensors;
  int bits = 4;
  std::int64_t group = 0;  ///< values of a row that share a scale; 0: the whole row
  bool per_tensor = false;
  bool symmetric = true;
  Activations activations = Activations::none;
  std::int64_t tile_rows = 128, tile_columns = 128;
  bool gptq_v2 = false;
  std::string label;  ///< as the configuration calls it, for messages

  bool operator==(const Scheme& o) const { return kind == o.kind && label == o.label; }
};

/// No format has larger groups or tiles; sizes from files are held under it before anything is computed.
constexpr std::int64_t largest_block() { return std::int64_t{1} << 24; }

/// What a part is for; scales are read, codes are not.
enum class Role { codes, scales, tensor_scale, input_scale, zero_points, other };

struct PartSpec {
  std::string suffix;
  Role role;
  std::vector<nvq::io::dtype> types;
  std::vector<std::vector<std::int64_t>> shapes;  ///< any of them; none: not checked
  bool required = true;
};

/// Rows and columns of the weight, [out, in].
struct Extent {
  std::int64_t rows = 0, columns = 0, experts = 1;
};

/// The suffix of the tensor that holds the codes.
std::string_view codes_suffix(const Scheme& s);
/// The dtype of the codes.
nvq::io::dtype codes_type(const Scheme& s);
/// The extent that codes of this shape have; columns are an upper bound where the last word may be padded.
/// Zero rows when the shape cannot be one of this kind.
Extent extent_of(const Scheme& s, const std::vector<std::int64_t>& codes_shape);
/// All parts of a weight, the codes first.
std::vector<PartSpec> parts_of(const Scheme& s, const Extent& e);
/// The name of the input scale's tensor, and whether it divides; empty when the dialect has none.
std::string_view input_scale_suffix(const Scheme& s);
/// Largest columns that share a scale, for cuts and tails; 1 when any number will do.
std::int64_t column_group(const Scheme& s);
/// Whether engines share one tensor scale among the layers they fuse, without quantizing again.
inline bool shares_tensor_scale(const Scheme& s) { return s.kind == Kind::nvfp4; }

/// Suffixes of tensors that only quantized modules have.
bool is_quantization_suffix(std::string_view suffix);
/// Suffixes that belong beside a weight, quantization's included.
bool is_known_suffix(std::string_view suffix);
bool is_float(nvq::io::dtype t);

}  // namespace app::check
