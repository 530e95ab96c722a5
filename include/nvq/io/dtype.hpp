// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <nvq/config.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

NVQ_BEGIN_NAMESPACE
namespace io {

/// Element types of the safetensors container (huggingface/safetensors 0.8, `enum Dtype`), in its order: by
/// size.
enum class dtype : std::uint8_t {
  boolean,
  f4,
  f6_e2m3,
  f6_e3m2,
  u8,
  i8,
  f8_e5m2,
  f8_e4m3,
  f8_e8m0,
  f8_e4m3fnuz,
  f8_e5m2fnuz,
  i16,
  u16,
  f16,
  bf16,
  i32,
  u32,
  f32,
  c64,
  f64,
  i64,
  u64
};

namespace detail {
struct dtype_row {
  dtype type;
  int bits;
  const char* name;
};

/// The one table behind name(), bits() and parse_dtype(); in the order of the enumeration.
inline const dtype_row* dtype_rows() noexcept {
  static constexpr dtype_row rows[] = {
      {dtype::boolean, 8, "BOOL"},
      {dtype::f4, 4, "F4"},
      {dtype::f6_e2m3, 6, "F6_E2M3"},
      {dtype::f6_e3m2, 6, "F6_E3M2"},
      {dtype::u8, 8, "U8"},
      {dtype::i8, 8, "I8"},
      {dtype::f8_e5m2, 8, "F8_E5M2"},
      {dtype::f8_e4m3, 8, "F8_E4M3"},
      {dtype::f8_e8m0, 8, "F8_E8M0"},
      {dtype::f8_e4m3fnuz, 8, "F8_E4M3FNUZ"},
      {dtype::f8_e5m2fnuz, 8, "F8_E5M2FNUZ"},
      {dtype::i16, 16, "I16"},
      {dtype::u16, 16, "U16"},
      {dtype::f16, 16, "F16"},
      {dtype::bf16, 16, "BF16"},
      {dtype::i32, 32, "I32"},
      {dtype::u32, 32, "U32"},
      {dtype::f32, 32, "F32"},
      {dtype::c64, 64, "C64"},
      {dtype::f64, 64, "F64"},
      {dtype::i64, 64, "I64"},
      {dtype::u64, 64, "U64"},
  };
  return rows;
}
constexpr int dtype_count() noexcept { return 22; }
}  // namespace detail

/// The type's name in a safetensors header, such as "BF16".
inline const char* name(dtype t) noexcept { return detail::dtype_rows()[static_cast<int>(t)].name; }

/// Bits of one element. Below 8 the shape still counts elements, and a tensor must end on a byte.
inline int bits(dtype t) noexcept { return detail::dtype_rows()[static_cast<int>(t)].bits; }

inline std::optional<dtype> parse_dtype(std::string_view text) noexcept {
  for (int i = 0; i < detail::dtype_count(); ++i)
    if (text == detail::dtype_rows()[i].name) return detail::dtype_rows()[i].type;
  return std::nullopt;
}

/// Number of elements of a shape (1 for rank 0); empty when a dimension is negative or the product leaves
/// int64.
inline std::optional<std::int64_t> element_count(const std::vector<std::int64_t>& shape) noexcept {
  bool zero = false;
  for (const std::int64_t d : shape) {
    if (d < 0) return std::nullopt;
    zero = zero || d == 0;
  }
  if (zero) return 0;
  std::int64_t n = 1;
  for (const std::int64_t d : shape) {
    if (n > (std::numeric_limits<std::int64_t>::max)() / d) return std::nullopt;
    n *= d;
  }
  return n;
}

/// Bytes of a tensor; empty when the count overflows or a sub-byte tensor does not end on a byte.
inline std::optional<std::int64_t> byte_count(dtype t, const std::vector<std::int64_t>& shape) noexcept {
  const std::optional<std::int64_t> n = element_count(shape);
  if (!n || *n > (std::numeric_limits<std::int64_t>::max)() / bits(t)) return std::nullopt;
  const std::int64_t total_bits = *n * bits(t);
  if (total_bits % 8 != 0) return std::nullopt;
  return total_bits / 8;
}

/// "[1024, 768]", for messages.
inline std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i != 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + "]";
}

}  // namespace io
NVQ_END_NAMESPACE
