// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <nvq/executor.hpp>
#include <nvq/layout/base.hpp>
#include <nvq/layout/tiles.hpp>
#include <utility>

NVQ_BEGIN_NAMESPACE

/// What happens to a code on its way from one layout to another. Both are their own inverse.
enum class Recode {
  none,
  /// The code's top bit is flipped: two's complement (Int4, Int8) <-> offset binary, q + 8 or q + 128, the
  /// unsigned code that GPTQ, AWQ, Marlin and compressed-tensors store.
  offset_binary,
};

namespace layout {

/// The unit at `index` of a buffer: a nibble, or an element.
template <class L>
NVQ_HD constexpr typename L::value_type load(const typename L::value_type* buffer,
                                             std::int64_t index) noexcept {
  if constexpr (L::bits() == 4) {
    return L::loaded(static_cast<std::uint8_t>(buffer[index / 2] >> (index % 2 * 4) & 0xF));
  } else {
    return L::loaded(buffer[index]);
  }
}

/// Computes element `i` of a `to` buffer out of a `from` buffer, and writes it: element i of `out` and no
/// other, so that one thread each fills the buffer in any order. Where (row, column) lies in padding, it
/// writes `pad`. An element of `out` that belongs to something else (ggml's scales when converting its codes)
/// is left alone.
///
/// from.check() and to.check() are ok, the shapes are equal, 0 <= i < to.elements(); `in` and `out` do not
/// overlap.
template <class From, class To>
NVQ_HD constexpr void convert_element(const From& from, const typename From::value_type* in, const To& to,
                                      typename To::value_type* out, std::int64_t i,
                                      typename To::value_type pad = {},
                                      Recode recode = Recode::none) noexcept {
  using T = typename To::value_type;
  T element{};
  for (std::int64_t u = 0; u < To::units_per_element(); ++u) {
    const position p = to.position(i * To::units_per_element() + u);
    if (p.row < 0) return;
    T unit = pad;
    if (p.row < to.rows() && p.column < to.columns()) {
      unit = static_cast<T>(load<From>(in, from.offset(p.row, p.column)));
      if constexpr (To::bits() <= 8)
        if (recode == Recode::offset_binary) unit = static_cast<T>(unit ^ (1 << (To::bits() - 1)));
      unit = To::stored(unit);
    }
    if constexpr (To::bits() == 4) {
      element = static_cast<T>(element | (unit & 0xF) << (4 * u));
    } else {
      element = unit;
    }
  }
  out[i] = element;
}

/// Why convert_layout() refuses, or errc::ok.
template <class From, class To>
constexpr errc check_conversion(const From& from, span<const typename From::value_type> in, const To& to,
                                span<typename To::value_type> out) noexcept {
  if (from.check() != errc::ok) return from.check();
  if (to.check() != errc::ok) return to.check();
  if (from.rows() != to.rows() || from.columns() != to.columns()) return errc::unsupported_layout;
  if (in.size() != static_cast<std::size_t>(from.elements())) return errc::input_size;
  if (out.size() != static_cast<std::size_t>(to.elements())) return errc::output_size;
  if ((in.data() == nullptr && !in.empty()) || (out.data() == nullptr && !out.empty()))
    return errc::null_pointer;
  return errc::ok;
}

/// A whole grid, of which check_conversion() found nothing wrong.
template <class From, class To>
void convert_grid(const From& from, const typename From::value_type* in, const To& to,
                  typename To::value_type* out, typename To::value_type pad, Recode recode,
                  executor_ref executor) {
  using U = typename From::value_type;
  using V = typename To::value_type;
  if constexpr (separates<From> && separates<To> && tiles::little_endian) {
    int flip = 0;
    if constexpr (To::bits() <= 8)
      if (recode == Recode::offset_binary) flip = 1 << (To::bits() - 1);
    const auto unit = [flip](U u) {
      V v = static_cast<V>(From::loaded(u));
      if constexpr (To::bits() <= 8) v = static_cast<V>(v ^ flip);
      (void)flip;
      return To::stored(v);
    };
    bool flips = true;
    if constexpr (To::bits() <= 8)
      for (int u = 0; u < 1 << To::bits(); ++u)
        flips = flips && unit(static_cast<U>(u)) == static_cast<V>(u ^ unit(U{}));
    // Tasks of whole tiles, about 256 Ki units each: those of a byte are in one.
    const std::int64_t rows = to.padded().rows(), across = to.padded().columns();
    if (across == 0) return;
    const std::int64_t tall = tiles::side * (1 + (std::int64_t{1} << 12) / across);
    executor(static_cast<std::size_t>((rows + tall - 1) / tall), [&](std::size_t task) {
      const std::int64_t r0 = static_cast<std::int64_t>(task) * tall;
      tiles::convert_rows(from, in, to, out, r0, r0 + tall < rows ? r0 + tall : rows, pad, flips, unit);
    });
  } else {
    constexpr std::int64_t step = std::int64_t{1} << 16;
    executor(static_cast<std::size_t>((to.elements() + step - 1) / step), [&](std::size_t task) {
      const std::int64_t first = static_cast<std::int64_t>(task) * step;
      for (std::int64_t i = first; i < first + step && i < to.elements(); ++i)
        convert_element(from, in, to, out, i, pad, recode);
    });
  }
}

}  // namespace layout

/// Moves a grid of codes or scales from one layout to another. Allocates nothing.
///
/// from, in: the layout of the input and its buffer, from.elements() long; padding in it is not read.
/// to, out: the layout of the output and its buffer, to.elements() long, written whole, padding included.
/// pad: what is written into padding: 0x00 (default), or 0x7F where E8M0 padding shall mean 1.
/// recode: what happens to units of 4 and 8 bits; leave it out for scales and zero points.
///
/// The buffers must not overlap. Returns the number of codes or scales moved, or, with nothing written:
/// errc::invalid_shape (negative or too large), unsupported_layout (a dimension is not the multiple a layout
/// requires, or the two shapes differ), input_size, output_size, null_pointer.
template <class From, class To>
constexpr result convert_layout(const From& from, span<const typename From::value_type> in, const To& to,
                                span<typename To::value_type> out, typename To::value_type pad = {},
                                Recode recode = Recode::none) noexcept {
  const errc ec = layout::check_conversion(from, in, to, out);
  if (ec != errc::ok) return {0, ec};
  if (__builtin_is_constant_evaluated()) {
    for (std::int64_t i = 0; i < to.elements(); ++i)
      layout::convert_element(from, in.data(), to, out.data(), i, pad, recode);
  } else {
    layout::convert_grid(from, in.data(), to, out.data(), pad, recode, executor_ref());
  }
  return {to.shape().size(), errc::ok};
}
/// The same on the threads of `executor`: see executor.hpp.
template <class From, class To>
result convert_layout(const From& from, span<const typename From::value_type> in, const To& to,
                      span<typename To::value_type> out, executor_ref executor,
                      typename To::value_type pad = {}, Recode recode = Recode::none) {
  const errc ec = layout::check_conversion(from, in, to, out);
  if (ec != errc::ok) return {0, ec};
  layout::convert_grid(from, in.data(), to, out.data(), pad, recode, executor);
  return {to.shape().size(), errc::ok};
}

/// From linear into `layout`: what quantize() returned into what a kernel or a checkpoint wants.
///
///     const nvq::layout::Blocked128x4 blocked({rows, columns / 16});
///     std::vector<std::uint8_t> swizzled(blocked.bytes());
///     nvq::to_layout(blocked, q.scales(), swizzled);
///
/// linear: layout.linear().elements() elements. Otherwise as convert_layout().
template <class L, class Linear = decltype(std::declval<const L&>().linear())>
constexpr result to_layout(const L& layout, span<const typename Linear::value_type> linear,
                           span<typename L::value_type> out, typename L::value_type pad = {},
                           Recode recode = Recode::none) noexcept {
  return convert_layout(layout.linear(), linear, layout, out, pad, recode);
}
template <class L, class Linear = decltype(std::declval<const L&>().linear())>
constexpr result to_layout(const L& layout, span<const typename Linear::value_type> linear,
                           span<typename L::value_type> out, Recode recode) noexcept {
  return convert_layout(layout.linear(), linear, layout, out, typename L::value_type{}, recode);
}

/// From `layout` back into linear; the inverse of to_layout() with the same `recode`. Padding is not read; a
/// row's last nibble that no code fills becomes 0.
template <class L, class Linear = decltype(std::declval<const L&>().linear())>
constexpr result from_layout(const L& layout, span<const typename L::value_type> in,
                             span<typename Linear::value_type> linear,
                             Recode recode = Recode::none) noexcept {
  return convert_layout(layout, in, layout.linear(), linear, typename Linear::value_type{}, recode);
}

NVQ_END_NAMESPACE
