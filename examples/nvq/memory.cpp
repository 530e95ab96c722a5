// SPDX-License-Identifier: Apache-2.0
#include "memory.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <thread>

#include "arrange.hpp"
#include "failure.hpp"
#include "tensor_io.hpp"

namespace app {

namespace {

constexpr std::int64_t mebi = std::int64_t{1} << 20;
/// The program, its headers and plans, and what the allocator keeps.
constexpr std::int64_t fixed = 48 * mebi;
/// Values as floats twice, as they are stored, and their codes and scales twice.
constexpr std::int64_t bytes_per_value = 16;

struct Needs {
  std::int64_t per_thread = 8 * mebi;  ///< copying takes pieces of 4 MiB
  std::int64_t codes = 0;              ///< of the largest weight that is written at once
  bool across_rows = false;
};

Needs needs_of(const Plan& plan) {
  Needs n;
  for (const OutputShard& shard : plan.shards)
    for (const Work& w : shard.work) {
      if (!w.quantized()) continue;
      const bool tiles = plan.treatment(w).scheme.kind == nvq::io::weight_kind::fp8_block;
      const Rows run = cut_rows(w.weight.rows, w.weight.columns, tiles ? 128 : 8).front();
      n.per_thread = std::max(n.per_thread, run.count * w.weight.columns * bytes_per_value);
      for (const Output& o : w.outputs)
        if (written_last(plan.treatment(w).scheme, o.what)) {
          n.across_rows = true;
          // Codes and scales twice; of double-quantized weights a block of 64 with 13 bytes.
          n.codes = std::max(n.codes, spans_rows(o.what) ? 2 * w.weight.values() : w.weight.values() / 4);
        }
    }
  return n;
}

}  // namespace

std::int64_t peak_rss() {
  rusage usage{};
  return ::getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss * std::int64_t{1024} : 0;
}

std::int64_t parse_bytes(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string unit(end, text.data() + text.size());
  if (unit.size() > 1 && unit.back() == 'B') unit.pop_back();
  if (unit.size() > 1 && unit.back() == 'i') unit.pop_back();
  const int shift = unit.empty() || unit == "B" ? 0
                    : unit == "K"               ? 10
                    : unit == "M"               ? 20
                    : unit == "G"               ? 30
                                                : -1;
  if (ec != std::errc() || number <= 0 || shift < 0 || number > (INT64_MAX >> 31))
    throw Failure("'" + text + "' is no amount of memory; write it as 900M or 4G");
  return number << shift;
}

MemoryPlan plan_memory(const Plan& plan, std::int64_t bound, int threads, std::int64_t batch_bytes) {
  const Needs n = needs_of(plan);
  const int cores =
      threads > 0 ? threads : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  const std::int64_t least = fixed + n.per_thread + n.codes;
  if (bound < least)
    throw Failure(fmt::format("--max-rss: this model takes at least {} MiB", (least + mebi - 1) / mebi));
  MemoryPlan m{cores, batch_bytes};
  // A batch ends with the tensor that fills it, so it is larger by one at most. Two bytes a weight of 16 bits
  // hold its 4-bit codes twice over.
  if (n.across_rows) m.batch_bytes = std::min(batch_bytes, std::max(mebi, (bound - least) / 2));
  const std::int64_t left = bound - fixed - n.codes - (n.across_rows ? m.batch_bytes : 0);
  m.threads = static_cast<int>(std::clamp<std::int64_t>(left / n.per_thread, 1, cores));
  return m;
}

}  // namespace app
