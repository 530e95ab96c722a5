// SPDX-License-Identifier: Apache-2.0
// The safetensors header. The input is a file's first bytes; its size is made up so that the data fits.
#include <algorithm>
#include <map>
#include <nvq/io/safetensors.hpp>
#include <set>
#include <string>
#include <string_view>

#include "fuzz.hpp"

namespace {

using nvq::io::tensor_entry;
__extension__ using wide = unsigned __int128;

/// The largest number in the text: where its data ends, if it is right.
std::int64_t largest_number(std::string_view text) {
  constexpr std::int64_t limit = std::int64_t{1} << 59;
  std::int64_t largest = 0, n = 0;
  for (const char c : text) {
    n = c >= '0' && c <= '9' ? std::min(limit, n * 10 + (c - '0')) : 0;
    largest = std::max(largest, n);
  }
  return largest;
}

/// The checks of the reader, by other means: 128 bits and sets.
void check_tensors(const nvq::io::safetensors_header& h, std::int64_t file_size) {
  std::set<std::string> names, keys;
  std::int64_t at = 0;
  for (const tensor_entry& t : h.tensors) {
    fuzz::require(names.insert(t.name).second, "names are unique");
    fuzz::require(t.begin == at && t.end >= t.begin, "tensors follow each other");
    at = t.end;
    wide bits = static_cast<unsigned>(nvq::io::bits(t.type));
    for (const std::int64_t n : t.shape) {
      fuzz::require(n >= 0, "no dimension is negative");
      // A zero may stand behind dimensions whose product is beyond any type.
      if (std::find(t.shape.begin(), t.shape.end(), 0) != t.shape.end()) bits = 0;
      bits *= static_cast<wide>(n);
      fuzz::require(bits >> 64 == 0, "sizes do not overflow");
    }
    fuzz::require(bits == static_cast<wide>(t.bytes()) * 8, "the bytes are those of the shape");
    fuzz::require(h.find(t.name) == &t, "every tensor is found by its name");
  }
  for (const auto& [key, value] : h.metadata)
    fuzz::require(keys.insert(key).second, "keys of the metadata are unique");
  fuzz::require(h.data_begin + at == file_size, "tensors fill the file");
}

std::map<std::string, std::pair<nvq::io::dtype, std::vector<std::int64_t>>> by_name(
    const std::vector<tensor_entry>& tensors) {
  std::map<std::string, std::pair<nvq::io::dtype, std::vector<std::int64_t>>> all;
  for (const tensor_entry& t : tensors) all[t.name] = {t.type, t.shape};
  return all;
}

nvq::io::safetensors_layout layout_of(const nvq::io::safetensors_header& h) {
  std::vector<nvq::io::tensor_spec> specs;
  for (const tensor_entry& t : h.tensors) specs.push_back({t.name, t.type, t.shape});
  auto layout = nvq::io::plan_safetensors(specs, h.metadata);
  fuzz::require(static_cast<bool>(layout), "what was read can be written");
  return *std::move(layout);
}

void check_written(const nvq::io::safetensors_header& h) {
  const auto layout = layout_of(h);
  unsigned char first[8];
  std::copy_n(layout.header.begin(), 8, first);
  const auto length = nvq::io::safetensors_header_length(first, layout.file_size);
  fuzz::require(length && *length + 8 == static_cast<std::int64_t>(layout.header.size()),
                "the length that is written is the header's");
  const auto back =
      nvq::io::parse_safetensors_header(std::string_view(layout.header).substr(8), layout.file_size);
  fuzz::require(static_cast<bool>(back), "what was written can be read");
  check_tensors(*back, layout.file_size);
  fuzz::require(back->metadata == h.metadata, "metadata comes back");
  fuzz::require(by_name(back->tensors) == by_name(h.tensors), "tensors come back");
  fuzz::require(back->data_begin % 8 == 0, "data is aligned");
  for (const tensor_entry& t : back->tensors)
    if (const int bytes = nvq::io::bits(t.type) / 8; bytes > 1)
      fuzz::require(t.begin % bytes == 0, "tensors are aligned");
  fuzz::require(layout_of(*back).header == layout.header, "writing again changes nothing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 8) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 8, size - 8);
  unsigned char first[8];
  std::copy_n(data, 8, first);
  const auto length = nvq::io::safetensors_header_length(first, static_cast<std::int64_t>(size));
  if (length)
    fuzz::require(*length >= 2 && *length <= static_cast<std::int64_t>(text.size()),
                  "a header lies within its file");
  const std::int64_t file_size = static_cast<std::int64_t>(size) + largest_number(text);
  const auto header = nvq::io::parse_safetensors_header(text, file_size);
  if (!header) {
    fuzz::require(!header.error().message.empty(), "a refusal says why");
    return 0;
  }
  check_tensors(*header, file_size);
  check_written(*header);
  return 0;
}
