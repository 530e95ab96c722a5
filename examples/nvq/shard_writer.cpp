// SPDX-License-Identifier: Apache-2.0
#include "shard_writer.hpp"

#include <utility>

#include "failure.hpp"

namespace app {

namespace {

/// The pages of the source that a batch has read are of no use any more.
void forget(const Checkpoint& source, Batch batch) {
  for (const Work& w : batch)
    if (w.source != nullptr)
      source.shards()[static_cast<std::size_t>(w.source->shard)].file.forget(w.source->offset,
                                                                             w.source->bytes);
}

void write_header(const OutputFile& file, const OutputShard& shard) {
  file.write(0, shard.layout.header.data(), static_cast<std::int64_t>(shard.layout.header.size()));
}

}  // namespace

std::vector<Batch> batches(const std::vector<Work>& work, std::int64_t enough) {
  std::vector<Batch> all;
  std::size_t first = 0;
  std::int64_t bytes = 0;
  for (std::size_t i = 0; i < work.size(); ++i) {
    bytes += work[i].bytes();
    if (bytes < enough && i + 1 < work.size()) continue;
    all.push_back({work.data() + first, i + 1 - first});
    first = i + 1;
    bytes = 0;
  }
  return all;
}

std::int64_t bytes_of(Batch batch) {
  std::int64_t bytes = 0;
  for (const Work& w : batch) bytes += w.bytes();
  return bytes;
}

void ShardWriter::write_batch(const OutputShard& shard, std::size_t number, Batch batch, const File& file,
                              std::vector<Quality>& qualities) {
  progress_.label(batch[0].outputs[0].name);
  std::vector<Quality> of_batch;
  encoder_.write(
      batch, OutputFile(*file, out_.where(shard.name)),
      [this](std::int64_t bytes) { progress_.advance(bytes); }, of_batch);
  qualities.insert(qualities.end(), of_batch.begin(), of_batch.end());
  // The writer is gone before the disk's thread when a run ends early.
  disk_.add([&out = out_, &journal = journal_, &source = job_.source, file, number, batch,
             of_batch = std::move(of_batch), name = shard.name] {
    unwrap(file->sync(), out.where(name));
    journal.add(name, number, of_batch);
    out.keep();
    file->forget(0, 0);
    forget(source, batch);
  });
}

void ShardWriter::write(const OutputShard& shard, std::vector<Quality>& qualities) {
  const auto all = batches(shard.work, job_.memory.batch_bytes);
  bool finished = out_.finished(shard.name);
  for (std::size_t b = 0; b < all.size(); ++b) finished = finished && journal_.find(shard.name, b) != nullptr;
  const bool begun = out_.begun(shard.name, shard.layout.file_size);
  const auto file = std::make_shared<nvq::io::file>();
  if (!finished) {
    *file = begun ? out_.reopen(shard.name) : out_.create(shard.name, shard.layout.file_size);
    write_header(OutputFile(*file, out_.where(shard.name)), shard);
  }
  for (std::size_t b = 0; b < all.size(); ++b) {
    const std::vector<Quality>* known = finished || begun ? journal_.find(shard.name, b) : nullptr;
    if (known != nullptr) {
      qualities.insert(qualities.end(), known->begin(), known->end());
      progress_.advance(bytes_of(all[b]));
      continue;
    }
    write_batch(shard, b, all[b], file, qualities);
  }
  if (!finished) disk_.add([&out = out_, file, name = shard.name] { out.finish(name, *file); });
}

void ShardWriter::write(const OutputShard& shard, const std::vector<std::size_t>& some) {
  const auto all = batches(shard.work, job_.memory.batch_bytes);
  const auto file = std::make_shared<nvq::io::file>();
  const std::int64_t size = shard.layout.file_size;
  if (out_.begun(shard.name, size))
    *file = out_.reopen(shard.name);
  else
    *file = some.size() == all.size() ? out_.create(shard.name, size) : out_.create_sparse(shard.name, size);
  write_header(OutputFile(*file, out_.where(shard.name)), shard);
  std::vector<Quality> qualities;
  for (const std::size_t b : some) write_batch(shard, b, all[b], file, qualities);
}

}  // namespace app
