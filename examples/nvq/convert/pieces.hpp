// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nvq/io/safetensors.hpp>
#include <string>
#include <vector>

#include "checkpoint.hpp"
#include "convert/scheme.hpp"
#include "convert/undo.hpp"
#include "stored.hpp"

namespace app {

/// One tensor of the output and where its bytes come from.
struct Piece {
  enum class How {
    copy,       ///< as they are in `source`
    constant,   ///< `bytes`
    cast,       ///< floats of `source` in another type
    rearrange,  ///< a whole part of `weight`
    index,      ///< the group of each column
    stack,      ///< rows of `members`
  };
  How how = How::copy;
  nvq::io::tensor_spec spec;
  const Tensor* source = nullptr;  ///< nullptr for rearranged zero points: all are 8
  std::string bytes;
  const StoredWeight* weight = nullptr;
  nvq::io::part from = nvq::io::part::codes, to = nvq::io::part::codes;
  nvq::io::weight_scheme scheme;  ///< the new one
  /// One after the other, the rows of each `ways` of them taking turns.
  std::vector<const Tensor*> members;
  std::int64_t ways = 1, row_bytes = 0;
};

/// Counts of what had to be computed.
struct ScaleCounts {
  std::int64_t inverted = 0, inexact = 0, restored = 0, widened = 0;
};

/// Makes the pieces of quantized weights. Reads their tensor scales and nothing else.
class PieceMaker {
 public:
  PieceMaker(const Checkpoint& source, const Undo& undo, UndoNotes& notes, ScaleCounts& counts)
      : source_(source), undo_(undo), notes_(notes), counts_(counts) {}

  /// Calls add(shard, piece) for every tensor of the weight in the scheme `to`. A Failure says which tensor
  /// cannot be told there.
  void make(const StoredWeight& w, const nvq::io::weight_scheme& to,
            const std::function<void(int, Piece)>& add);
  /// A single number under another name: a scale of a KV cache.
  Piece number(const Tensor& t, const std::string& name, nvq::io::dtype type,
               std::vector<std::int64_t> shape);
  /// Gives a piece the type and shape that an earlier conversion noted, where its values allow it.
  void restore(const nvq::io::json& before, Piece& piece) const;

 private:
  Piece piece(const StoredWeight& w, const nvq::io::weight_scheme& to, const nvq::io::stored_part& p,
              const Tensor* from, nvq::io::part from_what);
  std::string inverse(const Tensor& t, const nvq::io::json* before, nvq::io::part from, bool to_divisor);
  void note(const StoredWeight& w, const nvq::io::weight_scheme& to,
            const std::vector<nvq::io::stored_part>& made, nvq::io::dtype wide);
  void apply(const nvq::io::json& before, const Tensor* from, nvq::io::dtype& type,
             std::vector<std::int64_t>& shape) const;

  const Checkpoint& source_;
  const Undo& undo_;
  UndoNotes& notes_;
  ScaleCounts& counts_;
  std::map<nvq::io::part, nvq::io::json>
      bits_;  ///< of the weight's scales that their reciprocals do not give back
};

/// Whether all zero points of a weight are 8, as those of symmetric weights are; and whether any is 0.
struct ZeroPoints {
  bool all_eight = true, any_zero = false;
};
ZeroPoints zero_points(const Checkpoint& source, const StoredWeight& w);

/// Floats in one of the three types; a value that `to` cannot hold is rounded.
void cast_floats(nvq::io::dtype from, const std::vector<std::uint8_t>& in, nvq::io::dtype to,
                 std::vector<std::uint8_t>& out);

}  // namespace app
