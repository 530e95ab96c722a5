// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Third-party test vectors: safetensors files under tests/vectors/, read whole.
///
///     const nvq_test::Vectors v("nvfp4_torchao.safetensors");
///     const auto codes = v.tensor<std::uint8_t>("codes");   // codes.shape, codes.data
///     const auto scale = v.scalar<float>("tensor_scale");
///     INFO(v.provenance());                                 // package, version, seed ... for a failing test
///
/// Anything wrong (missing file or tensor, wrong type, damaged file) throws std::runtime_error naming the
/// file and the tensor, which Catch2 reports as the failure of the test case.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#if !defined(NVQ_VECTORS_DIR)
#error "define NVQ_VECTORS_DIR as the path of tests/vectors, in quotes"
#endif

namespace nvq_test {

template <class T>
struct Tensor {
  std::vector<std::size_t> shape;
  std::vector<T> data;  ///< row-major

  std::size_t size() const { return data.size(); }
  std::size_t dim(std::size_t axis) const { return shape.at(axis); }
  const T& operator[](std::size_t i) const { return data[i]; }
  typename std::vector<T>::const_iterator begin() const { return data.begin(); }
  typename std::vector<T>::const_iterator end() const { return data.end(); }
};

class Vectors {
 public:
  /// `name`: the file's name inside NVQ_VECTORS_DIR, with its extension.
  explicit Vectors(const std::string& name) : name_(name) {
    std::ifstream file(std::string(NVQ_VECTORS_DIR) + "/" + name, std::ios::binary);
    if (!file) fail("cannot be opened in " NVQ_VECTORS_DIR);
    const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    if (bytes.size() < 8) fail("is shorter than a safetensors header");
    std::uint64_t header_size = 0;
    for (std::size_t i = 0; i < 8; ++i)
      header_size |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    if (header_size > bytes.size() - 8) fail("has a header longer than the file");
    const auto header_end = static_cast<std::size_t>(8 + header_size);
    header_ = nlohmann::json::parse(bytes.begin() + 8,
                                    bytes.begin() + static_cast<std::ptrdiff_t>(header_end), nullptr, false);
    if (!header_.is_object()) fail("has no JSON header");
    data_ = bytes.substr(header_end);
  }

  bool has(const std::string& tensor_name) const {
    return tensor_name != metadata_key() && header_.contains(tensor_name);
  }

  /// Every tensor's name, sorted.
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : header_.items())
      if (entry.key() != metadata_key()) all.push_back(entry.key());
    return all;
  }

  /// The safetensors name of a tensor's type: "F32", "F8_E4M3", "U8" ...
  std::string dtype(const std::string& tensor_name) const {
    return entry(tensor_name).at("dtype").get<std::string>();
  }

  /// A tensor of element type T: float for F32, double for F64, the intN_t of an IN, and any trivially
  /// copyable type of the right size for bit patterns (std::uint8_t for F8_*, std::uint16_t or nvq::bfloat16
  /// for BF16, std::uint32_t for F32).
  template <class T>
  Tensor<T> tensor(const std::string& tensor_name) const {
    static_assert(std::is_trivially_copyable<T>::value, "vectors hold plain numbers");
    const auto& e = entry(tensor_name);
    const std::string type = e.at("dtype").get<std::string>();
    if (!matches<T>(type)) fail("holds " + type + ", which the test reads as another type", tensor_name);
    Tensor<T> out;
    out.shape = e.at("shape").get<std::vector<std::size_t>>();
    const auto count =
        std::accumulate(out.shape.begin(), out.shape.end(), std::size_t{1}, std::multiplies<std::size_t>());
    const auto range = e.at("data_offsets").get<std::pair<std::size_t, std::size_t>>();
    if (range.first > range.second || range.second > data_.size() ||
        range.second - range.first != count * sizeof(T))
      fail("has data offsets that disagree with its shape", tensor_name);
    out.data.resize(count);
    for (std::size_t i = 0; i < count; ++i) out.data[i] = little_endian<T>(range.first + i * sizeof(T));
    return out;
  }

  /// The one value of a tensor with one element, whatever its rank.
  template <class T>
  T scalar(const std::string& tensor_name) const {
    const auto t = tensor<T>(tensor_name);
    if (t.size() != 1)
      fail("holds " + std::to_string(t.size()) + " values where one is expected", tensor_name);
    return t[0];
  }

  bool has_metadata(const std::string& key) const {
    return header_.contains(metadata_key()) && header_.at(metadata_key()).contains(key);
  }
  std::string metadata(const std::string& key) const {
    if (!has_metadata(key)) fail("has no metadata \"" + key + "\"");
    return header_.at(metadata_key()).at(key).get<std::string>();
  }

  /// File name and all metadata on one line: who made the numbers a test just disagreed with.
  std::string provenance() const {
    std::string text = name_;
    if (header_.contains(metadata_key()))
      for (const auto& item : header_.at(metadata_key()).items())
        text += ", " + item.key() + ": " + item.value().get<std::string>();
    return text;
  }

 private:
  static const char* metadata_key() { return "__metadata__"; }

  [[noreturn]] void fail(const std::string& what, const std::string& tensor_name = "") const {
    throw std::runtime_error(name_ + (tensor_name.empty() ? "" : ": tensor \"" + tensor_name + "\"") + " " +
                             what);
  }

  const nlohmann::json& entry(const std::string& tensor_name) const {
    if (!has(tensor_name)) fail("is not in the file", tensor_name);
    return header_.at(tensor_name);
  }

  static std::size_t bytes_of(const std::string& type) {
    static const std::map<std::string, std::size_t> sizes = {
        {"BOOL", 1},        {"U8", 1},          {"I8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"F8_E8M0", 1},
        {"F8_E4M3FNUZ", 1}, {"F8_E5M2FNUZ", 1}, {"I16", 2}, {"U16", 2},     {"F16", 2},     {"BF16", 2},
        {"I32", 4},         {"U32", 4},         {"F32", 4}, {"I64", 8},     {"U64", 8},     {"F64", 8}};
    const auto it = sizes.find(type);
    return it == sizes.end() ? 0 : it->second;
  }

  template <class T>
  static bool matches(const std::string& type) {
    if (bytes_of(type) != sizeof(T)) return false;
    if (std::is_floating_point<T>::value) return type == "F32" || type == "F64";
    if (std::is_integral<T>::value && std::is_signed<T>::value) return type[0] == 'I';
    return true;
  }

  template <class T>
  T little_endian(std::size_t offset) const {
    const std::uint16_t probe = 1;
    unsigned char first = 0;
    std::memcpy(&first, &probe, 1);
    char bytes[sizeof(T)];
    for (std::size_t i = 0; i < sizeof(T); ++i) bytes[first == 1 ? i : sizeof(T) - 1 - i] = data_[offset + i];
    T value;
    std::memcpy(&value, bytes, sizeof(T));
    return value;
  }

  std::string name_;
  nlohmann::json header_;
  std::string data_;
};

}  // namespace nvq_test
