// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <nvq/io/detail/document_sax.hpp>
#include <nvq/io/expected.hpp>
#include <string>
#include <string_view>
#include <utility>

NVQ_BEGIN_NAMESPACE
namespace io {

/// A JSON document whose objects keep the order of their keys: a configuration is written back as it was
/// read.
using json = nlohmann::ordered_json;

/// Deepest nesting parse_json() accepts.
constexpr int max_json_depth() noexcept { return 64; }

namespace detail {

/// Of the last of the first `read` bytes of a text, as editors count: "line 3, column 14".
inline std::string place_in(std::string_view text, std::size_t read) {
  const std::string_view before = text.substr(0, read == 0 ? 0 : (std::min)(read - 1, text.size()));
  const std::size_t newline = before.rfind('\n');
  return "line " + std::to_string(std::count(before.begin(), before.end(), '\n') + 1) + ", column " +
         std::to_string(before.size() - (newline == std::string_view::npos ? 0 : newline + 1) + 1);
}

}  // namespace detail

/// Parses a document from outside, in time proportional to its length. Refuses what lenient parsers let
/// through and later readers disagree on: a key twice in one object, nesting beyond max_json_depth(), anything
/// after the document.
///
/// `Json` is `json`, or `nlohmann::json` for objects of many keys that are looked up: the ordered kind does so
/// one by one.
template <class Json = json>
inline expected<Json> parse_json(std::string_view text) {
  detail::document_sax<Json> sax(static_cast<std::size_t>(max_json_depth()));
  if (!Json::sax_parse(text.begin(), text.end(), &sax))
    return error{sax.reason.empty() ? "it is not valid JSON: " + detail::place_in(text, sax.read)
                                    : sax.reason};
  return std::move(sax.document);
}

/// Adds a member whose key the object has not got, without looking for it.
inline void append_member(json& object, std::string key, json value) {
  detail::new_member(object.get_ref<json::object_t&>(), std::move(key)) = std::move(value);
}

/// The document as these files are usually written: two spaces, a final newline.
inline std::string dump_json(const json& document) {
  return document.dump(2, ' ', false, json::error_handler_t::replace) + '\n';
}

}  // namespace io
NVQ_END_NAMESPACE
