// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <nvq/io/detail/header_sax.hpp>
#include <nvq/io/expected.hpp>
#include <nvq/io/file.hpp>
#include <nvq/io/safetensors_types.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The safetensors container (huggingface/safetensors 0.8): a little-endian u64 header length, a JSON header,
/// then the bytes of every tensor. A header is treated as hostile: every length, offset, shape and product is
/// checked before anything is allocated or read from it.
NVQ_BEGIN_NAMESPACE
namespace io {

/// Longest header the reference implementation accepts, in bytes.
constexpr std::int64_t max_safetensors_header() noexcept { return 100000000; }

namespace detail {

inline error truncated(std::int64_t missing) {
  return {"the file is " + std::to_string(missing) +
          " bytes shorter than its header says; it is truncated, fetch it again"};
}

/// Tensors must tile the data section: sorted by offset, each starts where the one before it ended.
inline expected<void> check_tiling(const std::vector<tensor_entry>& tensors, std::int64_t data_size) {
  std::int64_t at = 0;
  const tensor_entry* before = nullptr;
  for (const tensor_entry& t : tensors) {
    const std::string where = "tensor '" + t.name + "': ";
    if (t.begin < at)
      return error{where + "its bytes overlap those of tensor '" + before->name +
                   "'; the header lies, do not use this file"};
    if (t.begin > at)
      return error{where + "starts at byte " + std::to_string(t.begin) + " but the data before it ends at " +
                   std::to_string(at) + "; the header leaves a hole, do not use this file"};
    at = t.end;
    before = &t;
  }
  if (at > data_size) return truncated(at - data_size);
  if (at < data_size)
    return error{std::to_string(data_size - at) +
                 " bytes after the last tensor belong to no tensor; the header does not describe this file"};
  return {};
}

inline expected<void> check_tensor(const tensor_entry& t) {
  const std::string where = "tensor '" + t.name + "': ";
  const auto bytes = byte_count(t.type, t.shape);
  if (!bytes)
    return error{where + "shape " + shape_text(t.shape) + " of " + name(t.type) +
                 " is no whole number of bytes below 2^63"};
  if (t.end < t.begin)
    return error{where + "data_offsets [" + std::to_string(t.begin) + ", " + std::to_string(t.end) +
                 "] run backwards"};
  if (t.bytes() != *bytes)
    return error{where + "shape " + shape_text(t.shape) + " of " + name(t.type) + " needs " +
                 std::to_string(*bytes) + " bytes but data_offsets span " + std::to_string(t.bytes())};
  return {};
}

}  // namespace detail

/// The header's length from the first 8 bytes of a file of `file_size` bytes.
inline expected<std::int64_t> safetensors_header_length(const unsigned char (&first)[8],
                                                        std::int64_t file_size) {
  std::uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | first[i];
  if (length > static_cast<std::uint64_t>(max_safetensors_header()))
    return error{"its first 8 bytes give a header of " + std::to_string(length) +
                 " bytes (the limit is 100000000); this is no safetensors file"};
  const auto n = static_cast<std::int64_t>(length);
  if (n < 2)
    return error{"its first 8 bytes give a header of " + std::to_string(n) +
                 " bytes; this is no safetensors file"};
  if (n > file_size - 8) return detail::truncated(n - (file_size - 8));
  return n;
}

/// Parses and checks the JSON text of a header (without the 8 length bytes) of a file of `file_size` bytes.
inline expected<safetensors_header> parse_safetensors_header(std::string_view text, std::int64_t file_size) {
  if (text.empty() || text.front() != '{')
    return error{"the header does not start with '{'; this is no safetensors file"};
  detail::header_sax sax;
  // The text ends with padding spaces, which JSON allows; strict parsing refuses anything else after the
  // object.
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &sax) || !sax.reason.empty())
    return error{sax.reason.empty() ? "the header is not valid JSON" : sax.reason};

  safetensors_header header;
  header.tensors = std::move(sax.tensors);
  header.metadata = std::move(sax.metadata);
  header.data_begin = 8 + static_cast<std::int64_t>(text.size());

  std::vector<std::string_view> names;
  names.reserve(header.tensors.size());
  for (const tensor_entry& t : header.tensors) {
    if (auto ok = detail::check_tensor(t); !ok) return ok.error();
    names.push_back(t.name);
  }
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) return error{"tensor '" + std::string(*twice) + "' appears twice in the header"};
  std::vector<std::string_view> keys;
  for (const auto& [key, value] : header.metadata) keys.push_back(key);
  std::sort(keys.begin(), keys.end());
  const auto again = std::adjacent_find(keys.begin(), keys.end());
  if (again != keys.end())
    return error{"the key '" + std::string(*again) + "' appears twice in __metadata__"};
  std::stable_sort(header.tensors.begin(), header.tensors.end(),
                   [](const tensor_entry& a, const tensor_entry& b) {
                     return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
                   });
  if (auto ok = detail::check_tiling(header.tensors, file_size - header.data_begin); !ok) return ok.error();
  return header;
}

/// Reads the header of an open file. Messages do not repeat the file's name.
inline expected<safetensors_header> read_safetensors_header(const file& f) {
  const auto size = f.size();
  if (!size) return size.error();
  if (*size < 8)
    return error{"the file has " + std::to_string(*size) + " bytes; a safetensors file has at least 8"};
  unsigned char first[8];
  if (auto ok = f.read_at(0, first, 8); !ok) return ok.error();
  const auto length = safetensors_header_length(first, *size);
  if (!length) return length.error();
  std::string text(static_cast<std::size_t>(*length), '\0');
  if (auto ok = f.read_at(8, text.data(), *length); !ok) return ok.error();
  return parse_safetensors_header(text, *size);
}

/// A tensor to be written.
struct tensor_spec {
  std::string name;
  dtype type = dtype::u8;
  std::vector<std::int64_t> shape;
};

/// A file laid out before its first byte is written.
struct safetensors_layout {
  std::string header;                 ///< The first bytes of the file: length, JSON, padding.
  std::vector<tensor_entry> tensors;  ///< Offsets from the start of the data section, which is header.size().
  std::int64_t file_size = 0;
};

/// Lays a file out byte for byte as the reference writer does: tensors by descending dtype, then by name, so
/// that every tensor is aligned to its element; the header padded with spaces to 8 bytes; `__metadata__`
/// first. Names are UTF-8.
inline expected<safetensors_layout> plan_safetensors(
    std::vector<tensor_spec> specs, const std::vector<std::pair<std::string, std::string>>& metadata) {
  std::sort(specs.begin(), specs.end(), [](const tensor_spec& a, const tensor_spec& b) {
    return a.type != b.type ? a.type > b.type : a.name < b.name;
  });
  std::vector<std::string_view> names;
  for (const tensor_spec& s : specs) names.push_back(s.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) return error{"tensor '" + std::string(*twice) + "' would be written twice"};
  if (std::binary_search(names.begin(), names.end(), "__metadata__"))
    return error{"a tensor must not be named __metadata__, which the header keeps for itself"};

  safetensors_layout layout;
  nlohmann::ordered_json head = nlohmann::ordered_json::object();
  if (!metadata.empty()) {
    auto& map = head["__metadata__"] = nlohmann::ordered_json::object();
    for (const auto& [key, value] : metadata) map[key] = value;
  }
  constexpr auto replace = nlohmann::ordered_json::error_handler_t::replace;
  std::string text = head.dump(-1, ' ', false, replace);
  text.pop_back();
  std::int64_t at = 0;
  for (tensor_spec& s : specs) {
    const auto bytes = byte_count(s.type, s.shape);
    if (!bytes || *bytes > (std::numeric_limits<std::int64_t>::max)() - max_safetensors_header() - 8 - at)
      return error{"tensor '" + s.name + "' of shape " + shape_text(s.shape) + " does not fit a file"};
    // One entry at a time: ordered_json looks keys up linearly, and a model may have a hundred thousand.
    const nlohmann::ordered_json entry = {
        {"dtype", name(s.type)}, {"shape", s.shape}, {"data_offsets", {at, at + *bytes}}};
    if (text.size() > 1) text += ',';
    text += nlohmann::ordered_json(s.name).dump(-1, ' ', false, replace) + ':' + entry.dump();
    layout.tensors.push_back({std::move(s.name), s.type, std::move(s.shape), at, at + *bytes});
    at += *bytes;
  }
  text += '}';
  text.append((8 - text.size() % 8) % 8, ' ');
  if (static_cast<std::int64_t>(text.size()) > max_safetensors_header())
    return error{"the header of " + std::to_string(specs.size()) +
                 " tensors passes the limit of 100000000 bytes; use more shards"};
  for (int i = 0; i < 8; ++i) layout.header += static_cast<char>(text.size() >> (8 * i) & 0xff);
  layout.header += text;
  layout.file_size = static_cast<std::int64_t>(layout.header.size()) + at;
  return layout;
}

}  // namespace io
NVQ_END_NAMESPACE
