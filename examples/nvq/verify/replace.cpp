// SPDX-License-Identifier: Apache-2.0
#include "replace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nvq/io/file.hpp>
#include <system_error>

#include "failure.hpp"

namespace fs = std::filesystem;

namespace app::check {

namespace {

using nvq::io::file;

/// Gives the complete new file its name, and the old one another.
void take_name(const fs::path& fresh, const fs::path& path) {
  std::error_code ec;
  if (fs::exists(path, ec)) {
    fs::path kept = path.string() + ".orig";
    for (int i = 2; fs::exists(kept, ec); ++i) kept = fmt::format("{}.orig{}", path.string(), i);
    // A link, so that there is a file of the name at every moment; some file systems have none.
    fs::create_hard_link(path, kept, ec);
    if (ec) fs::rename(path, kept, ec);
    if (ec)
      throw Failure(path.string() + ": cannot keep it as " + kept.filename().string() + ": " + ec.message());
  }
  fs::rename(fresh, path, ec);
  if (ec) throw Failure(path.string() + ": cannot replace it: " + ec.message());
}

fs::path partial(const fs::path& path) { return path.string() + ".partial"; }

/// Removes what was begun, unless it was finished.
class Begun {
 public:
  explicit Begun(fs::path path)
      : path_(std::move(path)), file_(unwrap(file::create(path_.string()), path_.string())) {}
  Begun(const Begun&) = delete;
  ~Begun() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove(path_, ignored);
  }
  void write(std::int64_t offset, const void* data, std::int64_t bytes) {
    unwrap(file_.write_at(offset, data, bytes), path_.string());
  }
  void finish(const fs::path& name) {
    unwrap(file_.sync(), path_.string());
    unwrap(file_.close(), path_.string());
    take_name(path_, name);
    path_.clear();
  }

 private:
  fs::path path_;
  file file_;
};

}  // namespace

void replace_text(const fs::path& path, const std::string& text) {
  Begun out(partial(path));
  out.write(0, text.data(), static_cast<std::int64_t>(text.size()));
  out.finish(path);
}

void replace_patched(const fs::path& path, const std::vector<Patch>& patches) {
  const file in = unwrap(file::open_read(path.string()), path.string());
  const std::int64_t size = unwrap(in.size(), path.string());
  Begun out(partial(path));
  std::vector<char> piece(std::size_t{4} << 20);
  for (std::int64_t at = 0; at < size; at += static_cast<std::int64_t>(piece.size())) {
    const std::int64_t n = std::min(size - at, static_cast<std::int64_t>(piece.size()));
    unwrap(in.read_at(at, piece.data(), n), path.string());
    out.write(at, piece.data(), n);
  }
  for (const Patch& p : patches)
    out.write(p.offset, p.bytes.data(), static_cast<std::int64_t>(p.bytes.size()));
  out.finish(path);
}

std::string add_shard(const fs::path& directory, const std::vector<nvq::io::tensor_spec>& specs,
                      const std::vector<std::vector<std::uint8_t>>& bytes) {
  std::error_code ec;
  std::string name = "model-added.safetensors";
  for (int i = 2; fs::exists(directory / name, ec); ++i) name = fmt::format("model-added-{}.safetensors", i);
  const auto layout = unwrap(nvq::io::plan_safetensors(specs, {{"format", "pt"}}), name);
  std::map<std::string, const std::vector<std::uint8_t>*> by_name;
  for (std::size_t i = 0; i < specs.size(); ++i) by_name[specs[i].name] = &bytes[i];
  Begun out(partial(directory / name));
  const auto data = static_cast<std::int64_t>(layout.header.size());
  out.write(0, layout.header.data(), data);
  for (const nvq::io::tensor_entry& t : layout.tensors)
    out.write(data + t.begin, by_name.at(t.name)->data(), t.bytes());
  out.finish(directory / name);
  return name;
}

}  // namespace app::check
