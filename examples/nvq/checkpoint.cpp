// SPDX-License-Identifier: Apache-2.0
#include "checkpoint.hpp"

#include <algorithm>
#include <nvq/io/index.hpp>
#include <system_error>
#include <utility>

#include "failure.hpp"

namespace fs = std::filesystem;

namespace app {

std::string read_text(const fs::path& path, std::int64_t limit) {
  const nvq::io::file f = unwrap(nvq::io::file::open_read(path.string()), path.string());
  const std::int64_t size = unwrap(f.size(), path.string());
  if (size > limit)
    throw Failure(path.string() + ": it has " + std::to_string(size) +
                  " bytes, which is too many for such a file");
  std::string text(static_cast<std::size_t>(size), '\0');
  unwrap(f.read_at(0, text.data(), size), path.string());
  return text;
}

Checkpoint::Checkpoint(fs::path directory) : directory_(std::move(directory)) {
  std::error_code ec;
  if (!fs::exists(directory_, ec)) throw Failure(directory_.string() + ": there is no such directory");
  if (!fs::is_directory(directory_, ec))
    throw Failure(directory_.string() + ": it is not a directory; name the model's directory");
  const fs::path config = directory_ / "config.json";
  const bool is_model = fs::exists(config, ec);
  if (ec) throw Failure(config.string() + ": cannot look for it: " + ec.message());
  if (!is_model)
    throw Failure(directory_.string() + ": it is no model directory, there is no config.json in it");
  config_ = unwrap(nvq::io::parse_json(read_text(config, std::int64_t{4} << 20)), config.string());
  if (!config_.is_object()) throw Failure(config.string() + ": it is not a JSON object");
  find_shards();
}

Checkpoint::Checkpoint(fs::path directory, nvq::io::json config, std::vector<Tensor> tensors)
    : directory_(std::move(directory)), config_(std::move(config)), tensors_(std::move(tensors)) {
  shards_.emplace_back();
  shards_[0].path = directory_ / "model.safetensors";
  for (std::size_t i = 0; i < tensors_.size(); ++i) by_name_.emplace(tensors_[i].name, i);
}

void Checkpoint::find_shards() {
  const fs::path single = directory_ / "model.safetensors",
                 index_path = directory_ / "model.safetensors.index.json";
  std::error_code ec;
  if (!fs::exists(index_path, ec)) {
    if (!fs::exists(single, ec) && fs::is_symlink(single, ec))
      throw Failure(single.string() + ": it is a link to " + fs::read_symlink(single, ec).string() +
                    ", which is not there; fetch the model again");
    if (!fs::exists(single, ec))
      throw Failure(directory_.string() +
                    ": there is neither model.safetensors nor model.safetensors.index.json in it");
    open_shard(single);
    return;
  }
  const auto index =
      unwrap(nvq::io::parse_index(read_text(index_path, std::int64_t{256} << 20)), index_path.string());
  const auto names = index.shards();
  if (fs::exists(single, ec) && !std::binary_search(names.begin(), names.end(), single.filename().string()))
    throw Failure(
        directory_.string() +
        ": model.safetensors is not in model.safetensors.index.json; remove whichever of the two is stale");
  for (const std::string& name : names) {
    if (!fs::exists(directory_ / name, ec))
      throw Failure((directory_ / name).string() + ": this shard is missing although " +
                    index_path.filename().string() + " lists it; fetch it");
    open_shard(directory_ / name);
  }
  for (const auto& [tensor, file] : index.weight_map) {
    const Tensor* t = find(tensor);
    if (t == nullptr || shards_[static_cast<std::size_t>(t->shard)].path.filename() != file)
      throw Failure(index_path.string() + ": it says tensor '" + tensor + "' is in " + file +
                    ", but it is not there; the index and the shards do not belong together");
  }
  for (const Tensor& t : tensors_)
    if (index.weight_map.count(t.name) == 0)
      throw Failure(shards_[static_cast<std::size_t>(t.shard)].path.string() + ": tensor '" + t.name +
                    "' is not in " + index_path.filename().string() +
                    "; the index and the shards do not belong together");
}

void Checkpoint::open_shard(const fs::path& path) {
  Shard shard;
  shard.path = path;
  shard.file = unwrap(nvq::io::file::open_read(path.string()), path.string());
  auto header = unwrap(nvq::io::read_safetensors_header(shard.file), path.string());
  shard.file_size = unwrap(shard.file.size(), path.string());
  shard.metadata = std::move(header.metadata);
  const int index = static_cast<int>(shards_.size());
  for (nvq::io::tensor_entry& t : header.tensors) {
    const auto [at, fresh] = by_name_.emplace(t.name, tensors_.size());
    if (!fresh)
      throw Failure(path.string() + ": tensor '" + t.name + "' is also in " +
                    shards_[static_cast<std::size_t>(tensors_[at->second].shard)].path.filename().string() +
                    "; one of the two files is stale");
    const std::int64_t begin = header.data_begin + t.begin, bytes = t.bytes();
    tensors_.push_back({std::move(t.name), t.type, std::move(t.shape), index, begin, bytes});
  }
  shards_.push_back(std::move(shard));
}

const Tensor* Checkpoint::find(const std::string& name) const {
  const auto at = by_name_.find(name);
  return at == by_name_.end() ? nullptr : &tensors_[at->second];
}

std::int64_t Checkpoint::total_bytes() const {
  std::int64_t sum = 0;
  for (const Tensor& t : tensors_) sum += t.bytes;
  return sum;
}

void Checkpoint::read(const Tensor& t, std::int64_t offset, void* out, std::int64_t bytes) const {
  const Shard& s = shards_[static_cast<std::size_t>(t.shard)];
  unwrap(s.file.read_at(t.offset + offset, out, bytes), s.path.string() + ": tensor '" + t.name + "'");
}

}  // namespace app
