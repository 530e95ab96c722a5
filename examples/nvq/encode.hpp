// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nvq/metrics/error_sums.hpp>
#include <nvq/span.hpp>
#include <string>
#include <vector>

#include "codec.hpp"
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

/// Writes the tensors of a plan, a batch of them at a time and the rows of all of a batch on all threads:
/// while one thread reads or writes, others encode. Holds a few runs of rows per thread, whatever the size
/// of a tensor.
class Encoder {
 public:
  Encoder(const Checkpoint& source, const Plan& plan, std::string recipe, Pool& pool);

  /// Writes all parts of some tensors of one shard, encoded or copied, and adds the quality of each encoded
  /// one. `progress` is told the source bytes done, from any thread.
  void write(nvq::span<const Work> batch, const OutputFile& out,
             const std::function<void(std::int64_t)>& progress, std::vector<Quality>& qualities);

 private:
  const Codec& codec(nvq::io::dtype wide);
  void find_amax(nvq::span<const Work> batch);
  float amax_of(const Work& work) const;
  void write_tensor_parts(const Work& work, const OutputFile& out);
  nvq::error_sums write_rows(const Work& work, Rows run, const OutputFile& out);

  const Checkpoint& source_;
  const Plan& plan_;
  std::string recipe_;
  Pool& pool_;
  std::map<nvq::io::dtype, std::unique_ptr<Codec>> codecs_;
  std::vector<float> group_amax_;  ///< -1 where not known yet
};

}  // namespace app
