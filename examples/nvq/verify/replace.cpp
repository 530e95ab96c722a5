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

using nvq::io::file;

/// A new file on its way to the disk; one that does not get there is removed with the others.
class Replacement::Fresh {
 public:
  Fresh(Replacement& owner, const std::string& name) : path_(owner.directory_ / (name + ".partial")) {
    std::error_code ec;
    if (fs::exists(fs::symlink_status(path_, ec)))
      throw Failure(
          path_.string() +
          ": another repair is writing it or was killed while it did; remove it when none is running");
    file_ = unwrap(file::create(path_.string()), path_.string());
    owner.files_.push_back({path_, owner.directory_ / name, {}});
  }
  void write(std::int64_t offset, const void* data, std::int64_t bytes) {
    unwrap(file_.write_at(offset, data, bytes), path_.string());
  }
  void finish() {
    unwrap(file_.sync(), path_.string());
    unwrap(file_.close(), path_.string());
  }

 private:
  fs::path path_;
  file file_;
};

Replacement::~Replacement() {
  std::error_code ignored;
  for (const File& f : files_)
    if (!f.named) fs::remove(f.fresh, ignored);
}

void Replacement::text(const std::string& name, const std::string& text) {
  Fresh out(*this, name);
  out.write(0, text.data(), static_cast<std::int64_t>(text.size()));
  out.finish();
}

void Replacement::patched(const std::string& name, const std::vector<Patch>& patches) {
  const fs::path path = directory_ / name;
  const file in = unwrap(file::open_read(path.string()), path.string());
  const std::int64_t size = unwrap(in.size(), path.string());
  Fresh out(*this, name);
  std::vector<char> piece(std::size_t{4} << 20);
  for (std::int64_t at = 0; at < size; at += static_cast<std::int64_t>(piece.size())) {
    const std::int64_t n = std::min(size - at, static_cast<std::int64_t>(piece.size()));
    unwrap(in.read_at(at, piece.data(), n), path.string());
    out.write(at, piece.data(), n);
  }
  for (const Patch& p : patches)
    out.write(p.offset, p.bytes.data(), static_cast<std::int64_t>(p.bytes.size()));
  out.finish();
}

std::string Replacement::added(const std::vector<nvq::io::tensor_spec>& specs,
                               const std::vector<std::vector<std::uint8_t>>& bytes) {
  std::error_code ec;
  std::string name = "model-added.safetensors";
  for (int i = 2; fs::exists(directory_ / name, ec); ++i) name = fmt::format("model-added-{}.safetensors", i);
  const auto layout = unwrap(nvq::io::plan_safetensors(specs, {{"format", "pt"}}), name);
  std::map<std::string, const std::vector<std::uint8_t>*> by_name;
  for (std::size_t i = 0; i < specs.size(); ++i) by_name[specs[i].name] = &bytes[i];
  Fresh out(*this, name);
  const auto data = static_cast<std::int64_t>(layout.header.size());
  out.write(0, layout.header.data(), data);
  for (const nvq::io::tensor_entry& t : layout.tensors)
    out.write(data + t.begin, by_name.at(t.name)->data(), t.bytes());
  out.finish();
  return name;
}

/// Keeps the old file under another name and gives the new one its own.
void Replacement::take_name(File& f) {
  std::error_code ec;
  if (fs::exists(f.path, ec)) {
    fs::path kept = f.path.string() + ".orig";
    for (int i = 2; fs::exists(kept, ec); ++i) kept = fmt::format("{}.orig{}", f.path.string(), i);
    // A link, so that there is a file of the name at every moment; some file systems have none.
    fs::create_hard_link(f.path, kept, ec);
    if (ec) fs::rename(f.path, kept, ec);
    if (ec)
      throw Failure(f.path.string() + ": cannot keep it as " + kept.filename().string() + ": " +
                    ec.message());
    f.kept = kept;
  }
  fs::rename(f.fresh, f.path, ec);
  if (ec) throw Failure(f.path.string() + ": cannot replace it: " + ec.message());
  f.named = true;
}

/// Undoes take_name(), wherever it ended.
bool Replacement::give_back(const File& f) const {
  std::error_code ec;
  if (f.kept.empty()) return !f.named || fs::remove(f.path, ec);
  // Of two names of one file rename() leaves both.
  if (!f.named && fs::equivalent(f.path, f.kept, ec)) return fs::remove(f.kept, ec);
  fs::rename(f.kept, f.path, ec);
  return !ec;
}

void Replacement::commit() {
  try {
    for (File& f : files_) take_name(f);
  } catch (const Failure& e) {
    std::string apart;
    for (const File& f : files_)
      if (!give_back(f)) apart += (apart.empty() ? "" : ", ") + f.path.filename().string();
    if (apart.empty()) throw;
    throw Failure(
        fmt::format("{}; and these could not be undone, put back their .orig: {}", e.what(), apart));
  }
}

}  // namespace app::check
