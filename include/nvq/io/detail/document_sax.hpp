// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <nvq/config.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

NVQ_BEGIN_NAMESPACE
namespace io {
namespace detail {

/// A new member at the end of an object, without a search for its key among the others, which for the ordered
/// kind is linear: a hundred thousand layers would take minutes.
template <class Key, class T, class Less, class Allocator>
T& new_member(nlohmann::ordered_map<Key, T, Less, Allocator>& object, Key key) {
  object.emplace_back(std::move(key), nullptr);
  return object.back().second;
}
template <class Map>
typename Map::mapped_type& new_member(Map& object, typename Map::key_type key) {
  return object[std::move(key)];
}

/// Builds a document of `Json` from text. Stops, with `reason` set, at what it does not allow; without one
/// where the text is no JSON, with `read` as the number of bytes up to there.
template <class Json>
class document_sax final : public nlohmann::json_sax<Json> {
  using base = nlohmann::json_sax<Json>;

 public:
  explicit document_sax(std::size_t deepest) : deepest_(deepest) {}

  Json document;
  std::string reason;
  std::size_t read = 0;

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(typename base::number_integer_t value) override { return add(value); }
  bool number_unsigned(typename base::number_unsigned_t value) override { return add(value); }
  bool number_float(typename base::number_float_t value, const typename base::string_t&) override {
    return add(value);
  }
  bool string(typename base::string_t& value) override { return add(std::move(value)); }
  bool binary(typename base::binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool key(typename base::string_t& text) override {
    if (!levels_.back().keys.insert(text).second) {
      reason = "the key \"" + text + "\" appears twice in one object";
      return false;
    }
    key_ = std::move(text);
    return true;
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    read = position;
    return false;
  }

 private:
  /// An object or array that has not ended. It stays where it is: what holds it gets nothing new meanwhile.
  struct level {
    Json* value;
    std::set<std::string> keys;
  };

  template <class T>
  Json& place(T&& value) {
    if (levels_.empty()) return document = std::forward<T>(value);
    Json& in = *levels_.back().value;
    if (in.is_object())
      return new_member(in.template get_ref<typename Json::object_t&>(), std::move(key_)) =
                 std::forward<T>(value);
    in.push_back(std::forward<T>(value));
    return in.back();
  }
  template <class T>
  bool add(T&& value) {
    place(Json(std::forward<T>(value)));
    return true;
  }
  bool open(Json value) {
    if (levels_.size() == deepest_) {
      reason = "it nests deeper than " + std::to_string(deepest_) + " levels";
      return false;
    }
    levels_.push_back({&place(std::move(value)), {}});
    return true;
  }
  bool close() {
    levels_.pop_back();
    return true;
  }

  std::size_t deepest_;
  std::vector<level> levels_;
  std::string key_;
};

}  // namespace detail
}  // namespace io
NVQ_END_NAMESPACE
