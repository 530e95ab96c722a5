// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace app {

/// One of several processes that share the work: `rank` of `size`, counted from 0.
struct Share {
  int rank = 0, size = 1;
  std::string text() const { return std::to_string(rank) + '/' + std::to_string(size); }
};

/// What started this process together with others, as its environment tells.
struct Launch {
  std::string by;  ///< "srun", "mpirun", "torchrun"
  Share share;
  bool mpi = false;  ///< MPI_Init would find the others
};

/// Nothing when this process was started alone. A SLURM allocation alone starts nothing: its batch script is
/// one process, whatever number of tasks it has been given. A Failure when the variables make no sense.
std::optional<Launch> launch();

/// "r/N", or "auto" for what the launcher says. A Failure when it is neither, or when no launcher is there.
Share parse_share(const std::string& text);

}  // namespace app
