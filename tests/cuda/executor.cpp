// SPDX-License-Identifier: Apache-2.0
#include "executor.hpp"

#include "block.hpp"

#include <algorithm>
#include <cstring>
#include <random>

namespace executor {

namespace {

std::vector<grid_shape> blocks_of(grid_shape grid, const schedule& schedule, std::mt19937_64& random) {
  std::vector<grid_shape> blocks;
  for (unsigned y = 0; y < grid.y; ++y) {
    for (unsigned x = 0; x < grid.x; ++x) blocks.push_back({x, y});
  }
  if (schedule.threads_in == order::reverse) std::reverse(blocks.begin(), blocks.end());
  if (schedule.threads_in == order::random) std::shuffle(blocks.begin(), blocks.end(), random);
  return blocks;
}

}  // namespace

bool same(code_site a, code_site b) {
  return a.line == b.line && (a.file == b.file || std::strcmp(a.file, b.file) == 0);
}

std::string to_string(code_site at) {
  const std::string path = at.file;
  return path.substr(path.rfind('/') + 1) + ":" + std::to_string(at.line);
}

report run(const launch& launch, const schedule& schedule, const std::function<void(void*)>& body) {
  report report;
  if (launch.threads == 0 || launch.threads % 32 != 0 || launch.threads > 1024) {
    report.error = std::to_string(launch.threads) + " threads are not a multiple of 32 up to 1024";
    return report;
  }
  std::mt19937_64 random(schedule.seed);
  block block(launch, schedule, random, report);
  for (const grid_shape index : blocks_of(launch.grid, schedule, random)) {
    block.run(index, body);
    if (!report.error.empty()) break;
  }
  return report;
}

}  // namespace executor
