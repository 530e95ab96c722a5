// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/io/file.hpp>
#include <string>
#include <vector>

#include "checkpoint.hpp"
#include "weight_source.hpp"

namespace app {

/// A run of whole rows of a matrix, or of bytes of a tensor, small enough to hold several at once.
struct Rows {
  std::int64_t first, count;
};

/// Cuts a matrix into runs of a multiple of `step` rows, about a quarter of a million values each. The cut
/// depends on the shape alone, so sums over the runs, added in order, are the same for any number of threads.
std::vector<Rows> cut_rows(std::int64_t rows, std::int64_t columns, std::int64_t step);

/// The bytes of some rows of a matrix, row by row, whatever way it lies in its tensor.
void read_bytes(const Checkpoint& source, const WeightSource& w, Rows rows, std::vector<std::uint8_t>& bytes);

/// Reads rows of an F32, F16 or BF16 matrix as floats. A Failure names the first value that is NaN or
/// infinite.
void read_rows(const Checkpoint& source, const WeightSource& w, Rows rows, std::vector<float>& out);

/// The largest magnitude of the same rows, with the same Failure.
float rows_amax(const Checkpoint& source, const WeightSource& w, Rows rows);

/// Bytes of one output file, written under a name that errors can mention.
class OutputFile {
 public:
  OutputFile(nvq::io::file& file, std::string where) : file_(file), where_(std::move(where)) {}
  void write(std::int64_t offset, const void* data, std::int64_t bytes) const;

 private:
  nvq::io::file& file_;
  std::string where_;
};

/// Cuts `bytes` bytes into pieces of 4 MiB.
std::vector<Rows> cut_bytes(std::int64_t bytes);

/// Copies a piece of a tensor's bytes to its place in a copy that begins at `offset`.
void copy_bytes(const Checkpoint& source, const Tensor& t, Rows piece, const OutputFile& out,
                std::int64_t offset);

}  // namespace app
