// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

// What the tests of the application share: running it, directories that go away, and safetensors files read
// and written without nvq, so that what nvq writes is judged by something else.

namespace test {

namespace fs = std::filesystem;
using json = nlohmann::json;

/// A directory that is removed at the end.
class TempDir {
 public:
  TempDir();
  TempDir(const TempDir&) = delete;
  ~TempDir();
  fs::path operator/(const std::string& name) const { return path_ / name; }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

struct Outcome {
  int status;       ///< exit status, or 128 + the signal
  std::string out;  ///< standard output
  std::string err;  ///< standard error
  /// What it asked the system to read from files, -1 where the system does not tell.
  std::int64_t bytes_read = -1;
};

struct RunOptions {
  std::int64_t file_size_limit = -1;  ///< RLIMIT_FSIZE
  fs::path signal_when_exists;        ///< sends `signal` once this exists
  int signal = 0;
  int after_ms = -1;  ///< or this long after the start
  std::map<std::string, std::string> environment;
};

/// Runs nvq with these arguments.
Outcome nvq(const std::vector<std::string>& arguments, const RunOptions& options = {});

struct Raw {
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::string bytes;
  bool operator==(const Raw& o) const { return dtype == o.dtype && shape == o.shape && bytes == o.bytes; }
};
using Tensors = std::map<std::string, Raw>;

std::string read_file(const fs::path& path);
void write_file(const fs::path& path, const std::string& bytes);
json read_json(const fs::path& path);

/// A safetensors file from its parts: any header text, any data.
std::string safetensors_bytes(const std::string& header, const std::string& data);
/// A valid file.
void write_safetensors(const fs::path& path, const Tensors& tensors);
Tensors read_safetensors(const fs::path& path);
/// All tensors of all *.safetensors files of a directory.
Tensors read_checkpoint(const fs::path& directory);

/// F32, F16 or BF16 tensor of values that every one of the three holds exactly.
Raw weights(const std::string& dtype, std::int64_t rows, std::int64_t columns, int seed);
/// A model directory of one file with these tensors and a minimal config.json.
void write_model(const fs::path& directory, const Tensors& tensors,
                 const json& config = {{"model_type", "llama"}});

/// Three shards of a few hundred KiB, with layers that engines fuse in different ones.
void write_sharded_model(const fs::path& directory);
/// The bytes of every file of a directory, by name; for a directory in it, "a directory".
std::map<std::string, std::string> files_of(const fs::path& directory);

/// The 256-wide Llama of examples/data.
inline fs::path shared_model() { return NVQ_DATA_DIR; }

template <class T>
T value_at(const std::string& bytes, std::size_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

}  // namespace test
