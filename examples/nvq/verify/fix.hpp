// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "checks.hpp"
#include "replace.hpp"

namespace app::check {

/// What a repair did, and what it did not and why.
struct FixLog {
  std::vector<std::string> done, refused;
};

/// A checkpoint opened for a repair: as for the checks, without their findings.
struct Opened {
  Findings findings;
  Snapshot checkpoint;
  Declaration declared;
  std::map<std::string, Module> modules;

  explicit Opened(const std::filesystem::path& directory);
};

/// Applies one repair: input-scale=NUMBER, shared-scales, ignore, config, index. A Failure for any other.
void fix(const std::string& action, const std::filesystem::path& directory,
         const std::filesystem::path& source, FixLog& log);

// One per repair.
void fix_input_scales(const Opened& c, float value, FixLog& log);
void fix_shared_scales(const Opened& c, FixLog& log);
void fix_ignore(const Opened& c, FixLog& log);
void fix_config(const Opened& c, const std::filesystem::path& source, FixLog& log);
void fix_index(const Opened& c, FixLog& log);

/// The index of the headers as they are, and of a shard `added` of these tensors.
std::string index_text(const Snapshot& c, const std::string& added = {},
                       const std::vector<nvq::io::tensor_spec>& specs = {});

constexpr const char* index_file = "model.safetensors.index.json";

/// Collects patches by shard and applies them.
class Patches {
 public:
  void add(const Snapshot& c, const Entry& t, std::vector<std::uint8_t> bytes);
  void apply(const Snapshot& c, Replacement& files) const;

 private:
  std::map<std::size_t, std::vector<Patch>> by_shard_;
};

}  // namespace app::check
