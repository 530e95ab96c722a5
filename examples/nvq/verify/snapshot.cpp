// SPDX-License-Identifier: Apache-2.0
#include "snapshot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>
#include <system_error>
#include <utility>

#include "failure.hpp"

namespace fs = std::filesystem;

namespace app::check {

namespace {

constexpr auto index_name = "model.safetensors.index.json";

struct Header {
  nvq::io::safetensors_header value;
  std::int64_t read = 0;
  std::string problem;  ///< empty when all is well
};

/// Reads as much of a header as makes sense. A file that is cut off after the header still gives its table.
Header read_header(const nvq::io::file& f, std::int64_t size) {
  Header h;
  if (size < 8) {
    h.problem = fmt::format("the file has {} bytes; a safetensors file has at least 8", size);
    return h;
  }
  unsigned char first[8];
  if (auto ok = f.read_at(0, first, 8); !ok) return h.problem = ok.error().message, h;
  const auto length = nvq::io::safetensors_header_length(first, size);
  if (!length) return h.problem = length.error().message, h;
  std::string text(static_cast<std::size_t>(*length), '\0');
  if (auto ok = f.read_at(8, text.data(), *length); !ok) return h.problem = ok.error().message, h;
  h.read = 8 + *length;
  auto strict = nvq::io::parse_safetensors_header(text, size);
  if (strict) return h.value = *std::move(strict), h;
  h.problem = strict.error().message;
  nvq::io::detail::header_sax sax;
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &sax) || !sax.reason.empty()) return h;
  h.value.data_begin = h.read;
  for (nvq::io::tensor_entry& t : sax.tensors)
    if (nvq::io::detail::check_tensor(t)) h.value.tensors.push_back(std::move(t));
  return h;
}

}  // namespace

std::string Snapshot::read_text(const fs::path& path, std::int64_t limit, std::string& problem) {
  auto f = nvq::io::file::open_read(path.string());
  if (!f) return problem = f.error().message, std::string();
  const auto size = f->size();
  if (!size) return problem = size.error().message, std::string();
  if (*size > limit) return problem = fmt::format("it has {} bytes, too many", *size), std::string();
  std::string text(static_cast<std::size_t>(*size), '\0');
  if (auto ok = f->read_at(0, text.data(), *size); !ok) return problem = ok.error().message, std::string();
  read_[0] += *size;
  return text;
}

nvq::io::json Snapshot::read_object(const std::string& name, bool& present, Findings& findings) {
  nvq::io::json empty = nvq::io::json::object();
  std::error_code ec;
  if (!fs::exists(directory_ / name, ec)) return empty;
  std::string problem;
  const std::string text = read_text(directory_ / name, std::int64_t{64} << 20, problem);
  if (!problem.empty()) return findings.error("N-config", name, problem), empty;
  auto parsed = nvq::io::parse_json(text);
  if (!parsed) return findings.error("N-config", name, parsed.error().message), empty;
  if (!parsed->is_object()) return findings.error("N-config", name, "it is not a JSON object"), empty;
  present = true;
  return *std::move(parsed);
}

Snapshot::Snapshot(fs::path directory, Findings& findings) : directory_(std::move(directory)) {
  std::error_code ec;
  if (!fs::is_directory(directory_, ec))
    throw Failure(directory_.string() + ": it is not a directory; name the checkpoint's directory");
  if (!fs::exists(directory_ / "config.json", ec))
    findings.error("N-config", "config.json", "there is no such file");
  config_ = read_object("config.json", has_config_, findings);
  hf_quant_config_ = read_object("hf_quant_config.json", has_hf_quant_config_, findings);
  open_index(findings);

  std::set<std::string> names;
  for (const auto& e : fs::directory_iterator(directory_, ec)) {
    const std::string name = e.path().filename().string();
    if (e.path().extension() == ".safetensors" && name.rfind("consolidated", 0) != 0) names.insert(name);
  }
  if (ec) throw Failure(directory_.string() + ": cannot look into it: " + ec.message());
  if (index_)
    for (const std::string& name : index_->shards()) {
      if (fs::exists(directory_ / name, ec))
        names.insert(name);
      else
        findings.error("V20", name, fmt::format("{} lists this shard, but it is not there", index_name));
    }
  if (names.empty()) throw Failure(directory_.string() + ": there is no safetensors file in it to examine");
  for (const std::string& name : names) open_shard(name, findings);
}

void Snapshot::open_index(Findings& findings) {
  std::error_code ec;
  if (!fs::exists(directory_ / index_name, ec)) return;
  std::string problem;
  const std::string text = read_text(directory_ / index_name, std::int64_t{512} << 20, problem);
  if (!problem.empty()) return findings.error("V20", index_name, problem);
  auto index = nvq::io::parse_index(text);
  if (!index) return findings.error("V20", index_name, index.error().message);
  // parse_index() leaves the sum out, because many are wrong; here that is a finding.
  const auto document = nvq::io::parse_json<nlohmann::json>(text);
  if (document && document->contains("metadata") && (*document)["metadata"].is_object()) {
    const auto& metadata = (*document)["metadata"];
    if (metadata.contains("total_size") && metadata["total_size"].is_number())
      index->total_size = metadata["total_size"].get<std::int64_t>();
  }
  index_ = *std::move(index);
}

void Snapshot::open_shard(const std::string& name, Findings& findings) {
  auto f = nvq::io::file::open_read((directory_ / name).string());
  if (!f) return findings.error("N-shard", name, f.error().message);
  const auto size = f->size();
  if (!size) return findings.error("N-shard", name, size.error().message);
  Header h = read_header(*f, *size);
  read_[0] += h.read;
  if (!h.problem.empty()) findings.error("N-shard", name, h.problem);
  const std::size_t shard = shards_.size();
  shards_.push_back(name);
  files_.push_back(*std::move(f));
  for (nvq::io::tensor_entry& t : h.value.tensors) {
    constexpr auto far = (std::numeric_limits<std::int64_t>::max)() / 4;
    if (t.end > far) continue;
    Entry e{t.name, t.type, std::move(t.shape), shard, h.value.data_begin + t.begin, t.end - t.begin, true};
    e.complete = e.offset + e.bytes <= *size;
    if (!e.complete) findings.error("N-shard", e.name, fmt::format("{} ends before this tensor does", name));
    const auto [at, fresh] = tensors_.emplace(t.name, e);
    if (fresh) continue;
    findings.error(
        "V20", t.name,
        fmt::format("it is in {} and in {}; one of them is stale", shards_[at->second.shard], name));
    if (!index_) continue;
    const auto named = index_->weight_map.find(t.name);
    if (named != index_->weight_map.end() && named->second == name) at->second = std::move(e);
  }
}

const Entry* Snapshot::find(const std::string& name) const {
  const auto at = tensors_.find(name);
  return at == tensors_.end() ? nullptr : &at->second;
}

std::vector<std::uint8_t> Snapshot::read(const Entry& t, Reading why) const {
  std::vector<std::uint8_t> bytes(t.complete ? static_cast<std::size_t>(t.bytes) : 0);
  if (!bytes.empty() && !read(t, 0, t.bytes, bytes.data(), why)) bytes.clear();
  return bytes;
}

bool Snapshot::read(const Entry& t, std::int64_t offset, std::int64_t bytes, std::uint8_t* out,
                    Reading why) const {
  if (!t.complete || offset < 0 || bytes > t.bytes - offset) return false;
  read_[static_cast<std::size_t>(why)] += bytes;
  return static_cast<bool>(files_[t.shard].read_at(t.offset + offset, out, bytes));
}

std::int64_t Snapshot::total_bytes() const {
  std::int64_t sum = 0;
  for (const auto& [name, t] : tensors_) sum += t.bytes;
  return sum;
}

}  // namespace app::check
