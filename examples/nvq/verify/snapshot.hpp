// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nvq/io/index.hpp>
#include <nvq/io/json.hpp>
#include <nvq/io/safetensors.hpp>
#include <optional>
#include <string>
#include <vector>

#include "finding.hpp"

namespace app::check {

/// A tensor and where its bytes are.
struct Entry {
  std::string name;
  nvq::io::dtype type;
  std::vector<std::int64_t> shape;
  std::size_t shard;
  std::int64_t offset;  ///< of its first byte in the shard
  std::int64_t bytes;
  bool complete;  ///< All its bytes are in the file.

  std::int64_t values() const { return nvq::io::element_count(shape).value_or(0); }
};

/// What is read is counted by purpose.
enum class Reading { headers, scales, codes };

/// A checkpoint opened leniently: what is broken becomes a finding, and the rest is still there.
class Snapshot {
 public:
  /// A Failure when there is nothing to examine: no such directory, or no file of tensors in it.
  Snapshot(std::filesystem::path directory, Findings& findings);

  const std::filesystem::path& directory() const { return directory_; }
  /// Objects; empty when the file is missing or unreadable.
  const nvq::io::json& config() const { return config_; }
  const nvq::io::json& hf_quant_config() const { return hf_quant_config_; }
  bool has_config() const { return has_config_; }
  bool has_hf_quant_config() const { return has_hf_quant_config_; }
  const std::optional<nvq::io::shard_index>& index() const { return index_; }
  const std::vector<std::string>& shards() const { return shards_; }
  /// By name. Of a name that is in two shards, the one the index names.
  const std::map<std::string, Entry>& tensors() const { return tensors_; }
  const Entry* find(const std::string& name) const;

  /// The bytes of a tensor, or nothing when the file does not have them all.
  std::vector<std::uint8_t> read(const Entry& t, Reading why) const;
  /// Some of its bytes.
  bool read(const Entry& t, std::int64_t offset, std::int64_t bytes, std::uint8_t* out, Reading why) const;

  std::int64_t bytes_read(Reading why) const { return read_[static_cast<std::size_t>(why)]; }
  std::int64_t total_bytes() const;

 private:
  nvq::io::json read_object(const std::string& name, bool& present, Findings& findings);
  std::string read_text(const std::filesystem::path& path, std::int64_t limit, std::string& problem);
  void open_index(Findings& findings);
  void open_shard(const std::string& name, Findings& findings);

  std::filesystem::path directory_;
  nvq::io::json config_, hf_quant_config_;
  bool has_config_ = false, has_hf_quant_config_ = false;
  std::optional<nvq::io::shard_index> index_;
  std::vector<std::string> shards_;
  std::vector<nvq::io::file> files_;
  std::map<std::string, Entry> tensors_;
  mutable std::array<std::atomic<std::int64_t>, 3> read_{};
};

}  // namespace app::check
