// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/config.hpp>
#include <nvq/span.hpp>
#include <nvq/status.hpp>

NVQ_BEGIN_NAMESPACE
namespace layout {

/// A place in a grid of codes or scales.
struct position {
  std::int64_t row, column;

  NVQ_HD friend constexpr bool operator==(position a, position b) noexcept {
    return a.row == b.row && a.column == b.column;
  }
  NVQ_HD friend constexpr bool operator!=(position a, position b) noexcept { return !(a == b); }
};

/// What every layout is: a rule that gives each unit (a code, a scale) of a `rows x columns` grid a place in
/// one buffer.
///
///     offset(row, column)   index of the unit in the buffer, counted in units; nibbles: low one first
///     position(index)       the inverse; a place outside shape() is padding
///     elements(), bytes()   size of the buffer, padding included
///     check()               errc::ok, or why the shape has no such layout; bytes() is then 0
///     alignment()           bytes, what device kernels that read the buffer ask of its address
///     linear()              the linear layout of the same grid, the other side of to_layout()
///     separable()           true, or not there: offset(r, c) = offset(r, 0) + offset(0, c) - offset(0, 0), which grows by the
///                           same even number every 64 columns, nibbles that share a byte are in the same 64 rows, and
///                           stored() and loaded() take any unit; conversion is then fast
///
/// offset() maps the grid padded() one to one onto the units of the buffer (ggml blocks excepted: there codes
/// and scales share one). Padding is written by whoever fills the buffer, never by its reader; to_layout()
/// writes all of it.
///
/// T: type of the buffer's elements. Bits: bits of a unit, 4 (two in a byte) or all bits of T.
template <class T, int Bits>
class base {
  static_assert(Bits == 4 ? sizeof(T) == 1 : Bits == 8 * static_cast<int>(sizeof(T)),
                "nvq::layout: a unit is a nibble of a byte or a whole element");

 public:
  using value_type = T;
  NVQ_HD static constexpr int bits() noexcept { return Bits; }
  NVQ_HD static constexpr std::int64_t units_per_element() noexcept { return Bits == 4 ? 2 : 1; }

  NVQ_HD constexpr shape2d shape() const noexcept { return shape_; }
  NVQ_HD constexpr std::int64_t rows() const noexcept { return shape_.rows(); }
  NVQ_HD constexpr std::int64_t columns() const noexcept { return shape_.columns(); }
  /// The grid with its padding.
  NVQ_HD constexpr shape2d padded() const noexcept { return padded_; }

  NVQ_HD constexpr errc check() const noexcept { return ec_; }

  NVQ_HD constexpr std::int64_t elements() const noexcept {
    return static_cast<std::int64_t>(padded_.size()) / units_per_element();
  }
  NVQ_HD constexpr std::int64_t bytes() const noexcept {
    return elements() * static_cast<std::int64_t>(sizeof(T));
  }
  NVQ_HD static constexpr std::int64_t alignment() noexcept { return static_cast<std::int64_t>(sizeof(T)); }

  /// How a value is written in this layout, and back. Only layouts that store something else than the value
  /// redefine them.
  NVQ_HD static constexpr T stored(T value) noexcept { return value; }
  NVQ_HD static constexpr T loaded(T unit) noexcept { return unit; }

 protected:
  /// `row_multiple`, `column_multiple`: the grid is padded to these.
  NVQ_HD constexpr base(shape2d shape, std::int64_t row_multiple, std::int64_t column_multiple,
                        bool divisible = true) noexcept
      : base(shape, shape2d(round_up(shape.rows(), row_multiple), round_up(shape.columns(), column_multiple)),
             divisible) {}
  NVQ_HD constexpr base(shape2d shape, shape2d padded, bool divisible) noexcept
      : shape_(shape),
        padded_(padded),
        ec_(!shape.valid() || !padded.valid() ? errc::invalid_shape
            : divisible                       ? errc::ok
                                              : errc::unsupported_layout) {
    if (ec_ != errc::ok) padded_ = shape2d(0, 0);
  }

  /// Negative, which makes a shape invalid, where n is negative or the sum would overflow.
  NVQ_HD static constexpr std::int64_t round_up(std::int64_t n, std::int64_t multiple) noexcept {
    return n < 0 || n > INT64_MAX / 2 ? -1 : (n + multiple - 1) / multiple * multiple;
  }

 private:
  shape2d shape_, padded_;
  errc ec_;
};

}  // namespace layout
NVQ_END_NAMESPACE
