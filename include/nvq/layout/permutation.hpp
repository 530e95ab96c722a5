// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/layout/linear.hpp>

NVQ_BEGIN_NAMESPACE
namespace layout {

/// Permutations of the index along one dimension: to() where an index goes, from() which index lies there.
/// Each works on runs of period() indices.
struct Identity {
  NVQ_HD static constexpr std::int64_t period() noexcept { return 1; }
  NVQ_HD static constexpr std::int64_t to(std::int64_t i) noexcept { return i; }
  NVQ_HD static constexpr std::int64_t from(std::int64_t i) noexcept { return i; }
};

/// In runs of N the even indices first, then the odd ones: N = 8 gives [0 2 4 6 1 3 5 7]. Kernels that take a
/// word apart by masking its low nibbles of both halves get neighbours side by side from it.
template <int N>
struct EvenOdd {
  NVQ_HD static constexpr std::int64_t period() noexcept { return N; }
  NVQ_HD static constexpr std::int64_t to(std::int64_t i) noexcept {
    return i / N * N + i % 2 * (N / 2) + i % N / 2;
  }
  NVQ_HD static constexpr std::int64_t from(std::int64_t i) noexcept {
    return i / N * N + i % (N / 2) * 2 + i % N / (N / 2);
  }
};

/// First A, then B.
template <class A, class B>
struct Then {
  NVQ_HD static constexpr std::int64_t period() noexcept {
    return A::period() > B::period() ? A::period() : B::period();
  }
  NVQ_HD static constexpr std::int64_t to(std::int64_t i) noexcept { return B::to(A::to(i)); }
  NVQ_HD static constexpr std::int64_t from(std::int64_t i) noexcept { return A::from(B::from(i)); }
};

/// The transposed grid, its rows (the outputs of a linear layer) now consecutive and permuted:
///
///     offset(r, c) = c * rows + Permutation::to(r)
///
/// rows must be a multiple of `RowMultiple`; there is no padding. `LinearSide`: the linear layout of the same
/// grid.
template <class T, int Bits, class Permutation, int RowMultiple, class LinearSide>
class Transposed : public base<T, Bits> {
  static_assert(RowMultiple % Permutation::period() == 0,
                "nvq::layout: rows hold whole runs of the permutation");
  using parent = base<T, Bits>;

 public:
  NVQ_HD static constexpr bool separable() noexcept { return 64 % Permutation::period() == 0; }
  NVQ_HD explicit constexpr Transposed(shape2d shape) noexcept
      : parent(shape, 1, 1, shape.rows() % RowMultiple == 0) {}

  NVQ_HD constexpr std::int64_t offset(std::int64_t r, std::int64_t c) const noexcept {
    return c * this->rows() + Permutation::to(r);
  }
  NVQ_HD constexpr layout::position position(std::int64_t index) const noexcept {
    return {Permutation::from(index % this->rows()), index / this->rows()};
  }
  NVQ_HD constexpr LinearSide linear() const noexcept { return LinearSide(this->shape()); }
};

}  // namespace layout
NVQ_END_NAMESPACE
