// SPDX-License-Identifier: Apache-2.0
#pragma once

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
    return error{sax.reason.empty() ? "it is not valid JSON" : sax.reason};
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
