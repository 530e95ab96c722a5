// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nvq/metrics/error_sums.hpp>
#include <nvq/span.hpp>
#include <string>
#include <utility>
#include <vector>

#include "arrange.hpp"
#include "codec.hpp"
#include "nested.hpp"
#include "parallel.hpp"
#include "plan.hpp"
#include "tensor_io.hpp"

namespace app {

/// How well one weight survived.
struct Quality {
  std::string name;
  std::int64_t values;
  nvq::error_sums errors;  ///< count, signal and noise only
};

/// What is held of a weight until all of its rows are encoded, because some of its parts are written last.
struct WholeWeight {
  Encoded encoded;                  ///< of double-quantized weights the scales alone
  std::vector<ScaledError> errors;  ///< of double-quantized weights, one a block
};

/// Writes the tensors of a plan, a batch of them at a time and the rows of all of a batch on all threads:
/// while one thread reads or writes, others encode. Holds a few runs of rows per thread, whatever the size
/// of a tensor; where a dialect stores codes across rows, the codes of a batch as well.
class Encoder {
 public:
  Encoder(const Checkpoint& source, const Plan& plan, Pool& pool);

  /// Writes all parts of some tensors of one shard, encoded or copied, and adds the quality of each encoded
  /// one. `progress` is told the source bytes done, from any thread.
  void write(nvq::span<const Work> batch, const OutputFile& out,
             const std::function<void(std::int64_t)>& progress, std::vector<Quality>& qualities);

  /// Whether a work's bytes depend on the largest magnitude of its group.
  bool needs_amax(const Work& work) { return codec(work).needs_amax(); }
  /// The largest magnitudes of these groups, as far as every `of`th run of rows from number `part` on tells.
  std::vector<float> amaxes(const std::vector<int>& groups, int part = 0, int of = 1);
  /// Takes them as given instead of looking for them.
  void know(const std::vector<int>& groups, const std::vector<float>& amaxes);

 private:
  const Codec& codec(const Work& work);
  void find_amax(nvq::span<const Work> batch);
  float amax_of(const Work& work) const;
  void write_tensor_parts(const Work& work, const OutputFile& out);
  WholeWeight whole_of(const Work& work);
  nvq::error_sums write_rows(const Work& work, Rows run, const OutputFile& out, WholeWeight& whole);
  void write_spanning(const Work& work, const Encoded& encoded, const OutputFile& out);

  const Checkpoint& source_;
  const Plan& plan_;
  Pool& pool_;
  std::map<std::pair<int, nvq::io::dtype>, std::unique_ptr<Codec>> codecs_;
  std::vector<float> group_amax_;  ///< -1 where not known yet
};

}  // namespace app
