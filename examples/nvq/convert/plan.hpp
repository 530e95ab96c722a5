// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/io/quantization.hpp>
#include <string>
#include <vector>

#include "convert/convert.hpp"
#include "convert/pieces.hpp"

namespace app {

/// A file of the output: as many as the source has, under their names.
struct ConvertedShard {
  int source = 0;  ///< index of the source's
  std::string name;
  std::vector<Piece> pieces;
  nvq::io::safetensors_layout layout;
};

/// Everything a conversion will do, from headers and tensor scales alone.
struct ConvertPlan {
  std::map<std::string, StoredWeight> weights;
  std::vector<ConvertedShard> shards;
  nvq::io::json config;  ///< config.json
  std::string second;    ///< name of the dialect's other file; empty: there is none
  nvq::io::json second_content;
  ScaleCounts counts;
  std::vector<std::string> formats, notes;
  std::int64_t converted = 0, copied = 0, bytes = 0;
};

/// A Failure names the first module that cannot be told in the dialect.
ConvertPlan make_convert_plan(const Checkpoint& source, const nvq::io::quantization& before,
                              nvq::io::dialect to, const ConvertOptions& options);

}  // namespace app
