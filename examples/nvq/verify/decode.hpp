// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "modules.hpp"
#include "snapshot.hpp"

namespace app::check {

/// Which nibble of an I32 word of AWQ holds which of its eight columns.
enum class Lanes {
  interleaved,  ///< column 0, 2, 4, 6, 1, 3, 5, 7, as AWQ has it
  plain,        ///< column 0, 1, 2, ...
  swapped,      ///< interleaved, but the two nibbles of each byte exchanged
};

/// A mistake that a producer may have made: decoding with it undoes the mistake.
struct Twist {
  bool nibbles = false;   ///< the first of two codes is in the high nibble
  bool swizzled = false;  ///< block scales lie in tiles of 128 x 4
  bool flipped = false;   ///< the tensor scale points the other way
  Lanes codes = Lanes::interleaved, zeros = Lanes::interleaved;  ///< of AWQ
};

/// A quantized weight in memory, decoded row by row. Plain code, independent of the library's kernels, so
/// that a mistake there is not repeated here.
class Decoder {
 public:
  /// Reads codes and scales of a module whose parts are whole; nothing when they cannot be read, or the
  /// kind needs what is not there.
  static std::optional<Decoder> load(const Snapshot& c, const Module& m);

  std::int64_t rows() const { return extent_.rows; }
  std::int64_t columns() const { return extent_.columns; }
  std::int64_t experts() const { return extent_.experts; }
  /// Decodes one row of one of the stacked experts (0 where there is one weight).
  void row(std::int64_t expert, std::int64_t r, const Twist& t, float* out) const;

  /// Whether this column's block scale is 0, so that the block decodes to zeros.
  bool zero_scale(std::int64_t r, std::int64_t c) const { return block_scale(r, c, {}) == 0; }
  /// Blocks of NVFP4 with a larger magnitude have a scale above 0 under every recipe.
  double underflow() const;

  bool has_nibbles() const { return scheme_.kind == Kind::nvfp4 || scheme_.kind == Kind::mxfp4; }
  bool has_tensor_scale() const { return scheme_.kind == Kind::nvfp4; }
  bool has_lanes() const { return scheme_.kind == Kind::awq; }
  /// Whether the scales could be tiles of 128 x 4 without padding.
  bool may_be_swizzled() const;
  /// The word that all codes repeat, or nothing.
  std::optional<std::uint32_t> constant_word() const;

 private:
  bool load_scales(const Snapshot& c, const Module& m);
  bool load_integers(const Snapshot& c, const Module& m);
  bool load_bnb(const Snapshot& c, const Module& m);
  void packed_floats(std::int64_t at, const Twist& t, std::int64_t r, float* out) const;
  void integers(std::int64_t r, float* out) const;
  void gptq(std::int64_t r, float* out) const;
  void awq(std::int64_t r, const Twist& t, float* out) const;
  void bnb(std::int64_t r, const Twist& t, float* out) const;
  std::uint32_t word(const std::vector<std::uint8_t>& from, std::int64_t index) const;
  float block_scale(std::int64_t r, std::int64_t c, const Twist& t) const;

  Scheme scheme_;
  Extent extent_;
  std::vector<std::uint8_t> codes_, zeros_;
  std::vector<float> scales_;        ///< in the order stored, decoded
  std::vector<std::int32_t> order_;  ///< g_idx, or empty
  std::vector<float> map_;           ///< bitsandbytes' sixteen values
  std::int64_t scale_columns_ = 1, scale_rows_ = 1, block_ = 64;
  float tensor_scale_ = 1;
  bool divides_ = false;
};

}  // namespace app::check
