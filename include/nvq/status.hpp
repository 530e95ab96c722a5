// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <nvq/config.hpp>

NVQ_BEGIN_NAMESPACE

/// Why a call was refused. When it was, nothing has been written.
enum class errc {
  ok = 0,
  invalid_shape,         ///< an extent is negative or too large, or a row stride is smaller than the row
  input_size,            ///< the input does not hold rows * columns values (a layout: elements())
  codes_size,            ///< the codes buffer is not codes_bytes(rows, columns) long
  scales_size,           ///< the scales buffer is not scales_count(rows, columns) elements long
  zero_points_size,      ///< the zero-points buffer is not scales_count(rows, columns) bytes long
  output_size,           ///< the output does not hold rows * columns values (a layout: elements())
  importance_size,       ///< the importance weights are not one per column
  invalid_amax,          ///< the amax given is negative
  unsupported_layout,    ///< the layout does not take this shape
  unsupported_rounding,  ///< the element cannot be rounded stochastically
  null_pointer,          ///< a pointer is null although its size is not zero
};

/// One sentence per value of errc.
constexpr const char* to_string(errc ec) noexcept {
  switch (ec) {
    case errc::ok:
      return "ok";
    case errc::invalid_shape:
      return "the shape has a negative or too large extent, or its row stride is smaller than a row";
    case errc::input_size:
      return "the input is not as long as its shape says";
    case errc::codes_size:
      return "the codes buffer is not codes_bytes(rows, columns) bytes long";
    case errc::scales_size:
      return "the scales buffer is not scales_count(rows, columns) elements long";
    case errc::zero_points_size:
      return "the zero-points buffer is not scales_count(rows, columns) bytes long";
    case errc::output_size:
      return "the output is not as long as its shape says";
    case errc::importance_size:
      return "the importance weights are not one per column";
    case errc::invalid_amax:
      return "the amax to encode against is negative";
    case errc::unsupported_layout:
      return "the layout does not take this shape";
    case errc::unsupported_rounding:
      return "the element of this format cannot be rounded stochastically";
    case errc::null_pointer:
      return "a buffer is null although its size is not zero";
  }
  return "unknown error";
}

/// The outcome of a call: how many values were processed, or why none was.
struct [[nodiscard]] result {
  std::size_t count = 0;
  errc ec = errc::ok;

  constexpr explicit operator bool() const noexcept { return ec == errc::ok; }
};

NVQ_END_NAMESPACE
