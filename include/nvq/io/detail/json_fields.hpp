// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/io/json.hpp>
#include <string>
#include <vector>

/// Fields of a JSON object that may be missing or of another type than they should.
NVQ_BEGIN_NAMESPACE
namespace io {
namespace detail {

inline const json* field(const json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto it = object.find(key);
  return it != object.end() ? &*it : nullptr;
}
inline std::string text_at(const json& object, const char* key) {
  const json* f = field(object, key);
  return f != nullptr && f->is_string() ? f->get_ref<const std::string&>() : std::string();
}
inline std::int64_t number_at(const json& object, const char* key) {
  const json* f = field(object, key);
  return f != nullptr && f->is_number_integer() ? f->get<std::int64_t>() : 0;
}
inline bool is_false(const json& object, const char* key) {
  const json* f = field(object, key);
  return f != nullptr && *f == false;
}
/// The strings of an array; others are left out.
inline std::vector<std::string> texts_at(const json& object, const char* key) {
  std::vector<std::string> all;
  const json* f = field(object, key);
  if (f != nullptr && f->is_array())
    for (const json& entry : *f)
      if (entry.is_string()) all.push_back(entry.get<std::string>());
  return all;
}

}  // namespace detail
}  // namespace io
NVQ_END_NAMESPACE
