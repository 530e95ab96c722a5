// SPDX-License-Identifier: Apache-2.0
// A program built without MPI.
#include <fmt/format.h>

#include "failure.hpp"
#include "ranks/team.hpp"

namespace app {

std::unique_ptr<Team> join_team(const Launch& launch) {
  throw Failure(fmt::format(
      "{} started {} of this command, but this nvq is built without MPI; give --shard auto, and then "
      "`nvq merge`, or build nvq where libopenmpi-dev is installed",
      launch.by, launch.share.size));
}

std::string mpi_name() { return {}; }

}  // namespace app
