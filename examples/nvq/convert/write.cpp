// SPDX-License-Identifier: Apache-2.0
#include "convert/write.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>
#include <unordered_map>

#include "arrange.hpp"
#include "background.hpp"
#include "failure.hpp"
#include "parallel.hpp"
#include "progress.hpp"
#include "tensor_io.hpp"

namespace app {

namespace {

using How = Piece::How;

constexpr std::int64_t mebi = std::int64_t{1} << 20;
/// The program, headers and plans; and what copying takes per thread.
constexpr std::int64_t fixed = 48 * mebi, copying = 8 * mebi;

/// Codes, scales and zero points pass through as unsigned numbers: a symmetric weight's are stored with 8
/// added, and so are their zero points.
Arranged unsigned_of(const StoredWeight& w, const nvq::io::weight_scheme& scheme) {
  Arranged a{scheme, w.rows, w.columns};
  a.scheme.zero_points = true;
  return a;
}

/// Kept from weight to weight: fresh memory costs more than the work.
struct Buffers {
  std::vector<std::uint8_t> bytes, scratch;
  Encoded encoded;
};

void rearrange(const Checkpoint& source, const Piece& p, const OutputFile& out, std::int64_t offset) {
  const StoredWeight& w = *p.weight;
  const Arranged before = unsigned_of(w, w.scheme), after = unsigned_of(w, p.scheme);
  static thread_local Buffers buffers;
  auto& [bytes, scratch, encoded] = buffers;
  if (p.source != nullptr) {
    bytes.resize(static_cast<std::size_t>(p.source->bytes));
    source.read(*p.source, 0, bytes.data(), p.source->bytes);
    restore(p.from, before, bytes, encoded);
  } else {
    encoded.zero_points.assign(static_cast<std::size_t>(w.rows * (w.columns / p.scheme.group)), 8);
  }
  const nvq::span<const std::uint8_t> made = arrange(p.to, after, encoded, scratch);
  out.write(offset, made.data(), static_cast<std::int64_t>(made.size()));
}

void cast_piece(const Checkpoint& source, const Piece& p, Rows values, const OutputFile& out,
                std::int64_t offset) {
  const std::int64_t from = nvq::io::bits(p.source->type) / 8, to = nvq::io::bits(p.spec.type) / 8;
  std::vector<std::uint8_t> in(static_cast<std::size_t>(values.count * from)), made;
  source.read(*p.source, values.first * from, in.data(), values.count * from);
  cast_floats(p.source->type, in, p.spec.type, made);
  out.write(offset + values.first * to, made.data(), values.count * to);
}

void write_index(const Piece& p, const OutputFile& out, std::int64_t offset) {
  std::vector<std::int32_t> groups(static_cast<std::size_t>(p.weight->columns));
  for (std::size_t c = 0; c < groups.size(); ++c)
    groups[c] = static_cast<std::int32_t>(c) / static_cast<std::int32_t>(p.scheme.group);
  out.write(offset, groups.data(), static_cast<std::int64_t>(groups.size() * 4));
}

/// Some rows of each member of a turn, woven together.
void weave(const Checkpoint& source, const Piece& p, std::size_t turn, Rows rows, const OutputFile& out,
           std::int64_t offset) {
  static thread_local std::vector<char> in, made;
  const auto row = static_cast<std::size_t>(p.row_bytes), ways = static_cast<std::size_t>(p.ways),
             count = static_cast<std::size_t>(rows.count);
  in.resize(count * row);
  made.resize(count * row * ways);
  for (std::size_t way = 0; way < ways; ++way) {
    source.read(*p.members[turn * ways + way], rows.first * p.row_bytes, in.data(), rows.count * p.row_bytes);
    for (std::size_t r = 0; r < count; ++r)
      std::memcpy(made.data() + (r * ways + way) * row, in.data() + r * row, row);
  }
  const auto before = static_cast<std::int64_t>(turn) * p.members.front()->bytes + rows.first * p.row_bytes;
  out.write(offset + before * p.ways, made.data(), static_cast<std::int64_t>(made.size()));
}

/// The jobs of one piece whose bytes begin at `offset`.
void add_tasks(const Checkpoint& source, const Piece& p, const OutputFile& out, std::int64_t offset,
               Progress& progress, std::vector<std::function<void()>>& tasks) {
  const std::int64_t read = p.source != nullptr ? p.source->bytes : 0;
  switch (p.how) {
    case How::copy:
      for (const Rows& piece : cut_bytes(p.source->bytes))
        tasks.push_back([&, piece, offset] {
          copy_bytes(source, *p.source, piece, out, offset);
          progress.advance(piece.count);
        });
      break;
    case How::cast: {
      const std::int64_t size = nvq::io::bits(p.source->type) / 8;
      for (const Rows& piece : cut_bytes(p.source->bytes))
        tasks.push_back([&, piece, offset, size] {
          cast_piece(source, p, {piece.first / size, piece.count / size}, out, offset);
          progress.advance(piece.count);
        });
      break;
    }
    case How::constant:
      tasks.push_back([&, offset, read] {
        out.write(offset, p.bytes.data(), static_cast<std::int64_t>(p.bytes.size()));
        progress.advance(read);
      });
      break;
    case How::rearrange:
      tasks.push_back([&, offset, read] {
        rearrange(source, p, out, offset);
        progress.advance(read);
      });
      break;
    case How::stack: {
      // A buffer of the members' rows and one of all.
      const std::int64_t all = p.members.front()->bytes / p.row_bytes,
                         step = std::max<std::int64_t>(1, mebi / p.row_bytes);
      for (std::size_t turn = 0; turn < p.members.size() / static_cast<std::size_t>(p.ways); ++turn)
        for (std::int64_t first = 0; first < all; first += step)
          tasks.push_back([&, turn, first, offset, count = std::min(step, all - first)] {
            weave(source, p, turn, {first, count}, out, offset);
            progress.advance(count * p.row_bytes * p.ways);
          });
      break;
    }
    case How::index:
      tasks.push_back([&, offset] { write_index(p, out, offset); });
      break;
  }
}

}  // namespace

int convert_threads(const ConvertPlan& plan, std::int64_t bound, int threads) {
  // As they are stored, twice over, and as numbers: zero points take a byte each.
  std::int64_t codes = 0, scales = 0, zeros = 0;
  for (const ConvertedShard& s : plan.shards)
    for (const Piece& p : s.pieces) {
      if (p.how != How::rearrange || p.source == nullptr) continue;
      const Content content = content_of(p.to);
      std::int64_t& largest = content == Content::codes ? codes : content == Content::zeros ? zeros : scales;
      largest = std::max(largest, p.source->bytes);
    }
  const std::int64_t each = copying + 3 * codes + 3 * scales + 4 * zeros;
  if (bound < fixed + each)
    throw Failure(
        fmt::format("--max-rss: this model takes at least {} MiB", (fixed + each + mebi - 1) / mebi));
  const int cores =
      threads > 0 ? threads : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  return static_cast<int>(std::clamp<std::int64_t>((bound - fixed) / each, 1, cores));
}

void write_tensors(const Checkpoint& source, const ConvertPlan& plan, OutputDirectory& out, int threads,
                   bool show) {
  Pool pool(threads);
  Progress progress(source.total_bytes(), show);
  Background disk;
  for (const ConvertedShard& shard : plan.shards) {
    const auto file = std::make_shared<nvq::io::file>(out.create(shard.name, shard.layout.file_size));
    const OutputFile to(*file, out.where(shard.name));
    const auto data = static_cast<std::int64_t>(shard.layout.header.size());
    to.write(0, shard.layout.header.data(), data);
    progress.label(shard.name);
    std::unordered_map<std::string_view, std::int64_t> at;
    for (const nvq::io::tensor_entry& t : shard.layout.tensors) at[t.name] = data + t.begin;
    std::vector<std::function<void()>> tasks;
    for (const Piece& p : shard.pieces) add_tasks(source, p, to, at.at(p.spec.name), progress, tasks);
    pool.run(static_cast<std::int64_t>(tasks.size()),
             [&](std::int64_t i) { tasks[static_cast<std::size_t>(i)](); });
    disk.add([file, &out, &source, &shard] {
      unwrap(file->sync(), out.where(shard.name));
      file->forget(0, 0);
      source.shards()[static_cast<std::size_t>(shard.source)].file.forget(0, 0);
      out.finish(shard.name, *file);
    });
  }
  progress.label("writing to the disk");
  disk.wait();
}

}  // namespace app
