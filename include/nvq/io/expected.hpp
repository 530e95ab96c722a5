// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/config.hpp>
#include <optional>
#include <string>
#include <utility>

NVQ_BEGIN_NAMESPACE
namespace io {

/// Why a file could not be read or written: one sentence that says what is wrong, where, and what to do.
struct error {
  std::string message;
};

/// A value or the error that took its place. Files come from outside, so every function of `nvq::io` that can
/// fail returns one; nothing here throws.
///
///     if (auto header = read_safetensors_header(file)) use(*header); else print(header.error().message);
template <class T>
class [[nodiscard]] expected {
 public:
  expected(T value) : value_(std::move(value)) {}
  expected(io::error e) : error_(std::move(e)) {}

  explicit operator bool() const noexcept { return value_.has_value(); }

  /// The value; only when the conversion to bool is true.
  T& operator*() & noexcept { return *value_; }
  const T& operator*() const& noexcept { return *value_; }
  T&& operator*() && noexcept { return *std::move(value_); }
  T* operator->() noexcept { return &*value_; }
  const T* operator->() const noexcept { return &*value_; }

  /// The error; only when the conversion to bool is false.
  const io::error& error() const noexcept { return error_; }

 private:
  std::optional<T> value_;
  io::error error_;
};

/// Success, or the error.
template <>
class [[nodiscard]] expected<void> {
 public:
  expected() = default;
  expected(io::error e) : error_(std::move(e)) {}

  explicit operator bool() const noexcept { return !error_; }
  const io::error& error() const noexcept { return *error_; }

 private:
  std::optional<io::error> error_;
};

}  // namespace io
NVQ_END_NAMESPACE
