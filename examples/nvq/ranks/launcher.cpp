// SPDX-License-Identifier: Apache-2.0
#include "launcher.hpp"

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "failure.hpp"

namespace app {

namespace {

struct Variables {
  const char* by;
  const char *rank, *size;
  const char* mpi;  ///< that the launcher serves MPI is told by this one
};

/// From the inside out: mpirun starts its daemons with srun on other machines, and torchrun is often started
/// by either, once on each. SLURM_NTASKS is also there in a batch script, the number of tasks of a step only in
/// what srun started.
constexpr Variables launchers[] = {
    {"torchrun", "RANK", "WORLD_SIZE", nullptr},
    {"mpirun", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"},
    {"mpiexec", "PMI_RANK", "PMI_SIZE", "PMI_RANK"},
    {"srun", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "PMIX_RANK"},
};

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

}  // namespace

std::optional<Launch> launch() {
  for (const Variables& v : launchers) {
    const char *rank = std::getenv(v.rank), *size = std::getenv(v.size);
    if (rank == nullptr || size == nullptr) continue;
    const std::optional<int> r = number(rank), n = number(size);
    if (!r || !n || *r >= *n)
      throw Failure(std::string(v.rank) + '=' + rank + " and " + v.size + '=' + size +
                    " in the environment: no rank and number of ranks; unset them, or give --shard r/N");
    return Launch{v.by, {*r, *n}, v.mpi != nullptr && std::getenv(v.mpi) != nullptr};
  }
  return std::nullopt;
}

Share parse_share(const std::string& text) {
  if (text == "auto") {
    if (const std::optional<Launch> l = launch()) return l->share;
    if (std::getenv("SLURM_JOB_ID") != nullptr)
      throw Failure(
          "--shard auto: this is the batch script of a SLURM job, of which there is one; start nvq with srun "
          "in it");
    throw Failure(
        "--shard auto: the environment names no rank; start nvq with srun, mpirun or torchrun, or give "
        "--shard r/N");
  }
  const std::size_t slash = text.find('/');
  const std::optional<int> r = number(std::string_view(text).substr(0, slash)),
                           n = slash == std::string::npos ? std::nullopt
                                                          : number(std::string_view(text).substr(slash + 1));
  if (!r || !n || *n == 0)
    throw Failure("--shard " + text + ": it is r/N, such as 0/4 for the first of four, or auto");
  if (*r >= *n)
    throw Failure("--shard " + text + ": ranks count from 0: the last of " + std::to_string(*n) + " is " +
                  std::to_string(*n - 1) + '/' + std::to_string(*n));
  return {*r, *n};
}

}  // namespace app
