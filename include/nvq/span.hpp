// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <nvq/config.hpp>
#include <type_traits>
#include <utility>

NVQ_BEGIN_NAMESPACE

/// A pointer and a number of elements; made implicitly from anything contiguous (std::vector, std::array,
/// std::span, arrays).
template <class T>
class span {
 public:
  using element_type = T;

  constexpr span() noexcept = default;
  NVQ_HD constexpr span(T* data, std::size_t size) noexcept : data_(data), size_(size) {}
  template <std::size_t N>
  NVQ_HD constexpr span(T (&array)[N]) noexcept : data_(array), size_(N) {}
  template <class C, class P = decltype(std::declval<C&>().data()),
            class = decltype(std::declval<C&>().size()),
            class = std::enable_if_t<std::is_convertible<std::remove_pointer_t<P> (*)[], T (*)[]>::value>>
  constexpr span(C&& container) noexcept : data_(container.data()), size_(container.size()) {}

  NVQ_HD constexpr T* data() const noexcept { return data_; }
  NVQ_HD constexpr std::size_t size() const noexcept { return size_; }
  NVQ_HD constexpr bool empty() const noexcept { return size_ == 0; }
  NVQ_HD constexpr T& operator[](std::size_t i) const noexcept { return data_[i]; }
  NVQ_HD constexpr T* begin() const noexcept { return data_; }
  NVQ_HD constexpr T* end() const noexcept { return data_ + size_; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Rows and columns, from any integer types. A negative or unrepresentable extent makes the shape invalid,
/// which the functions that take one report as errc::invalid_shape.
class shape2d {
 public:
  template <class R, class C,
            class = std::enable_if_t<std::is_integral<R>::value && std::is_integral<C>::value>>
  NVQ_HD constexpr shape2d(R rows, C columns) noexcept : rows_(extent(rows)), columns_(extent(columns)) {}

  NVQ_HD constexpr std::int64_t rows() const noexcept { return rows_; }
  NVQ_HD constexpr std::int64_t columns() const noexcept { return columns_; }
  /// rows * columns; meaningful when valid().
  NVQ_HD constexpr std::size_t size() const noexcept {
    return static_cast<std::size_t>(rows_) * static_cast<std::size_t>(columns_);
  }
  /// Both extents are non-negative, and 8 times either and 8 * rows * columns fit in 63 bits, so that no size
  /// derived from the shape overflows.
  NVQ_HD constexpr bool valid() const noexcept {
    constexpr std::int64_t limit = INT64_MAX / 8;  // 2^60 - 1
    if (rows_ < 0 || rows_ > limit || columns_ < 0 || columns_ > limit) return false;
    // The product by halves of 32 bits: kernels make layouts, and devices divide 64 bits by a subroutine.
    const auto r = static_cast<std::uint64_t>(rows_), c = static_cast<std::uint64_t>(columns_);
    const std::uint64_t r_high = r >> 32, r_low = r & 0xFFFFFFFFu, c_high = c >> 32, c_low = c & 0xFFFFFFFFu;
    if (r_high != 0 && c_high != 0) return false;
    const std::uint64_t high = r_high * c_low + r_low * c_high, low = r_low * c_low;
    return high >> 28 == 0 && low >> 60 == 0 && ((high << 32) + low) >> 60 == 0;
  }

 private:
  template <class I>
  NVQ_HD static constexpr std::int64_t extent(I i) noexcept {
    if constexpr (std::is_signed<I>::value) {
      return static_cast<std::int64_t>(i);
    } else {
      return static_cast<std::uint64_t>(i) > static_cast<std::uint64_t>(INT64_MAX)
                 ? -1
                 : static_cast<std::int64_t>(i);
    }
  }

  std::int64_t rows_, columns_;
};

/// A row-major matrix in somebody's memory: element (r, c) is at data[r * row_stride + c], row_stride >=
/// columns in elements.
template <class T>
class matrix_view {
 public:
  using element_type = T;

  NVQ_HD constexpr matrix_view(T* data, shape2d shape) noexcept
      : data_(data), shape_(shape), row_stride_(shape.columns()) {}
  template <class I, class = std::enable_if_t<std::is_integral<I>::value>>
  NVQ_HD constexpr matrix_view(T* data, shape2d shape, I row_stride) noexcept
      : data_(data), shape_(shape), row_stride_(static_cast<std::int64_t>(row_stride)) {}

  /// A view of the same values that cannot change them.
  NVQ_HD constexpr matrix_view<const T> as_const() const noexcept { return {data_, shape_, row_stride_}; }

  NVQ_HD constexpr T* data() const noexcept { return data_; }
  NVQ_HD constexpr shape2d shape() const noexcept { return shape_; }
  NVQ_HD constexpr std::int64_t rows() const noexcept { return shape_.rows(); }
  NVQ_HD constexpr std::int64_t columns() const noexcept { return shape_.columns(); }
  NVQ_HD constexpr std::int64_t row_stride() const noexcept { return row_stride_; }
  NVQ_HD constexpr T* row(std::int64_t r) const noexcept { return data_ + r * row_stride_; }
  NVQ_HD constexpr T& operator()(std::int64_t r, std::int64_t c) const noexcept { return row(r)[c]; }

 private:
  T* data_;
  shape2d shape_;
  std::int64_t row_stride_;
};

NVQ_END_NAMESPACE
