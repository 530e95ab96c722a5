// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <nvq/io/safetensors_types.hpp>
#include <string>
#include <utility>
#include <vector>

NVQ_BEGIN_NAMESPACE
namespace io {
namespace detail {

/// Reads a safetensors header straight into its tensor table, without a document in between: memory stays
/// proportional to the table, and duplicate or unexpected keys are seen as they pass. Every callback returns
/// false to stop, with the reason in `reason`.
class header_sax : public nlohmann::json_sax<nlohmann::json> {
 public:
  std::vector<tensor_entry> tensors;
  std::vector<std::pair<std::string, std::string>> metadata;
  std::string reason;

  bool start_object(std::size_t) override {
    if (in_array_) return unexpected("an object");
    if (depth_ == 0) {
      depth_ = 1;
      return true;
    }
    if (depth_ != 1) return unexpected("an object");
    depth_ = 2;
    seen_type_ = seen_shape_ = seen_offsets_ = false;
    return true;
  }

  bool key(string_t& text) override {
    if (depth_ == 1) {
      in_metadata_ = text == "__metadata__";
      if (in_metadata_) {
        if (seen_metadata_) return stop("the key __metadata__ appears twice");
        seen_metadata_ = true;
      } else {
        tensors.emplace_back();
        tensors.back().name = text;
      }
      return true;
    }
    field_ = text;
    if (in_metadata_) {
      metadata.emplace_back(text, std::string());
      return true;
    }
    bool* seen = text == "dtype"          ? &seen_type_
                 : text == "shape"        ? &seen_shape_
                 : text == "data_offsets" ? &seen_offsets_
                                          : nullptr;
    if (seen == nullptr) return stop("unknown key \"" + text + "\"");
    if (*seen) return stop("the key " + text + " appears twice");
    *seen = true;
    return true;
  }

  bool string(string_t& text) override {
    if (depth_ == 2 && in_metadata_) {
      metadata.back().second = text;
      return true;
    }
    if (depth_ != 2 || in_array_ || field_ != "dtype") return unexpected("a string");
    const auto type = parse_dtype(text);
    if (!type) return stop("unknown dtype \"" + text.substr(0, 40) + "\"");
    tensors.back().type = *type;
    return true;
  }

  bool start_array(std::size_t) override {
    if (depth_ != 2 || in_metadata_ || in_array_ || field_ == "dtype") return unexpected("an array");
    in_array_ = true;
    offsets_read_ = 0;
    return true;
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (!in_array_) return unexpected("a number");
    if (value > static_cast<std::uint64_t>((std::numeric_limits<std::int64_t>::max)()))
      return stop(field_ + " holds " + std::to_string(value) + ", which is beyond 2^63");
    const auto number = static_cast<std::int64_t>(value);
    tensor_entry& t = tensors.back();
    if (field_ == "shape") {
      if (t.shape.size() == max_rank())
        return stop("more than " + std::to_string(max_rank()) + " dimensions");
      t.shape.push_back(number);
      return true;
    }
    if (offsets_read_ == 2) return stop("data_offsets has more than two numbers");
    (offsets_read_ == 0 ? t.begin : t.end) = number;
    ++offsets_read_;
    return true;
  }

  bool number_integer(number_integer_t value) override {
    return stop(field_ + " holds " + std::to_string(value) + ", a negative number");
  }
  bool number_float(number_float_t, const string_t& text) override {
    return stop(field_ + " holds " + text.substr(0, 40) + ", which is no 64-bit integer");
  }
  bool end_array() override {
    in_array_ = false;
    if (field_ == "data_offsets" && offsets_read_ != 2) return stop("data_offsets needs two numbers");
    return true;
  }
  bool end_object() override {
    if (depth_ == 2 && !in_metadata_) {
      if (!seen_type_) return stop("no dtype");
      if (!seen_shape_) return stop("no shape");
      if (!seen_offsets_) return stop("no data_offsets");
    }
    --depth_;
    return true;
  }

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a boolean"); }
  bool binary(binary_t&) override { return unexpected("binary data"); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    return stop("not valid JSON at byte " + std::to_string(position) + " of the header");
  }

  static constexpr std::size_t max_rank() noexcept { return 32; }

 private:
  bool stop(std::string why) {
    if (!reason.empty()) return false;
    if (depth_ >= 1 && !in_metadata_ && !tensors.empty())
      reason = "tensor '" + tensors.back().name + "': " + std::move(why);
    else
      reason = std::move(why);
    return false;
  }
  bool unexpected(const char* what) {
    if (depth_ == 0) return stop("the header is not a JSON object");
    if (in_metadata_) return stop(std::string("__metadata__ must map strings to strings, but holds ") + what);
    return stop(std::string("unexpected ") + what + " in its header entry");
  }

  int depth_ = 0;
  bool in_array_ = false, in_metadata_ = false, seen_metadata_ = false;
  bool seen_type_ = false, seen_shape_ = false, seen_offsets_ = false;
  int offsets_read_ = 0;
  std::string field_;
};

}  // namespace detail
}  // namespace io
NVQ_END_NAMESPACE
