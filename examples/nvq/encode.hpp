// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nvq/metrics/error_sums.hpp>
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
  nvq::error_sums errors;
};

/// Encodes the weights of a plan one by one, the rows of each on all threads. Holds a few runs of rows per
/// thread, whatever the size of a tensor.
class Encoder {
 public:
  Encoder(const Checkpoint& source, const Plan& plan, std::string recipe, Pool& pool);

  /// Writes all parts of one weight. `progress` is told the source bytes done, from any thread.
  Quality write(const Work& work, const OutputFile& out, const std::function<void(std::int64_t)>& progress);

 private:
  const Codec& codec(nvq::io::dtype wide);
  float group_amax(int group);
  float tensor_amax(const Tensor& t);

  const Checkpoint& source_;
  const Plan& plan_;
  std::string recipe_;
  Pool& pool_;
  std::map<nvq::io::dtype, std::unique_ptr<Codec>> codecs_;
  std::vector<float> group_amax_;  ///< -1 where not known yet
};

}  // namespace app
