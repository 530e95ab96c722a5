// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <nvq/io/json.hpp>
#include <nvq/io/safetensors.hpp>
#include <string>
#include <unordered_map>
#include <vector>

namespace app {

/// One tensor of a checkpoint and where its bytes are.
struct Tensor {
  std::string name;
  nvq::io::dtype type;
  std::vector<std::int64_t> shape;
  int shard;
  std::int64_t offset;  ///< of its first byte in the shard
  std::int64_t bytes;
};

struct Shard {
  std::filesystem::path path;
  nvq::io::file file;
  std::int64_t file_size = 0;
  std::vector<std::pair<std::string, std::string>> metadata;
};

/// A Hugging Face model directory: headers and configuration are in memory, tensors stay on the disk and are
/// read by ranges. Opening checks every header, and the index against the headers.
class Checkpoint {
 public:
  explicit Checkpoint(std::filesystem::path directory);
  /// A model of which there are only names and shapes, as if all were in one file: nothing can be read from it.
  Checkpoint(std::filesystem::path directory, nvq::io::json config, std::vector<Tensor> tensors);

  const std::filesystem::path& directory() const { return directory_; }
  const nvq::io::json& config() const { return config_; }
  const std::vector<Shard>& shards() const { return shards_; }
  /// Shard by shard, in the order of their bytes.
  const std::vector<Tensor>& tensors() const { return tensors_; }
  /// nullptr when there is none.
  const Tensor* find(const std::string& name) const;
  std::int64_t total_bytes() const;

  /// Reads `bytes` bytes of a tensor from `offset` within it.
  void read(const Tensor& t, std::int64_t offset, void* out, std::int64_t bytes) const;

 private:
  void open_shard(const std::filesystem::path& path);
  void find_shards();

  std::filesystem::path directory_;
  nvq::io::json config_;
  std::vector<Shard> shards_;
  std::vector<Tensor> tensors_;
  std::unordered_map<std::string, std::size_t> by_name_;
};

/// The text of a small file; a Failure beyond `limit` bytes.
std::string read_text(const std::filesystem::path& path, std::int64_t limit);

}  // namespace app
