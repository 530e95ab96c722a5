// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <nvq/io/expected.hpp>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

NVQ_BEGIN_NAMESPACE
namespace io {

/// A JSON document whose objects keep the order of their keys: a configuration is written back as it was
/// read.
using json = nlohmann::ordered_json;

/// Deepest nesting parse_json() accepts.
constexpr int max_json_depth() noexcept { return 64; }

/// Parses a document from outside. Refuses what lenient parsers let through and later readers disagree on: a
/// key twice in one object, nesting beyond max_json_depth(), anything after the document.
///
/// `Json` is `json`, or `nlohmann::json` for objects of many keys: the ordered kind looks keys up one by one.
template <class Json = json>
inline expected<Json> parse_json(std::string_view text) {
  std::vector<std::set<std::string>> keys;
  std::string reason;
  const auto watch = [&](int depth, typename Json::parse_event_t event, Json& value) {
    if (!reason.empty()) return true;
    if (depth > max_json_depth())
      reason = "it nests deeper than " + std::to_string(max_json_depth()) + " levels";
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key &&
        !keys.back().insert(value.template get_ref<const std::string&>()).second)
      reason = "the key \"" + value.template get_ref<const std::string&>() + "\" appears twice in one object";
    return true;
  };
  Json document = Json::parse(text.begin(), text.end(), watch, false);
  if (!reason.empty()) return error{reason};
  if (document.is_discarded()) return error{"it is not valid JSON"};
  return document;
}

/// The document as these files are usually written: two spaces, a final newline.
inline std::string dump_json(const json& document) {
  return document.dump(2, ' ', false, json::error_handler_t::replace) + '\n';
}

}  // namespace io
NVQ_END_NAMESPACE
