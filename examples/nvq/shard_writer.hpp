// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <nvq/io/file.hpp>
#include <nvq/span.hpp>
#include <vector>

#include "background.hpp"
#include "encode.hpp"
#include "interrupt.hpp"
#include "job.hpp"
#include "journal.hpp"
#include "output.hpp"
#include "progress.hpp"

namespace app {

using Batch = nvq::span<const Work>;

/// Cuts the work of a shard: big enough to keep all threads busy, small enough that writing to the disk
/// begins early and that a group is still in memory when it is read the second time.
std::vector<Batch> batches(const std::vector<Work>& work, std::int64_t enough);

/// Bytes of the source that a batch needs.
std::int64_t bytes_of(Batch batch);

/// Writes shards, while the disk gets what is written already, and leaves out what the journal says is there.
class ShardWriter {
 public:
  ShardWriter(const Job& job, Encoder& encoder, OutputDirectory& out, Journal& journal, Background& disk,
              Progress& progress)
      : job_(job), encoder_(encoder), out_(out), journal_(journal), disk_(disk), progress_(progress) {}
  ShardWriter(const ShardWriter&) = delete;
  /// A run that fails still gets what it has written into the journal; one that is interrupted leaves at once.
  ~ShardWriter() {
    if (!interrupted()) disk_.settle();
  }

  /// Writes a whole shard and gives it its name.
  void write(const OutputShard& shard, std::vector<Quality>& qualities);
  /// Writes these batches of a shard, and leaves it under its temporary name: a file of its full size with
  /// holes where the others belong.
  void write(const OutputShard& shard, const std::vector<std::size_t>& some);

 private:
  using File = std::shared_ptr<nvq::io::file>;
  void write_batch(const OutputShard& shard, std::size_t number, Batch batch, const File& file,
                   std::vector<Quality>& qualities);

  const Job& job_;
  Encoder& encoder_;
  OutputDirectory& out_;
  Journal& journal_;
  Background& disk_;
  Progress& progress_;
};

}  // namespace app
