// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/layout/blocked.hpp>
#include <nvq/layout/convert.hpp>
#include <nvq/layout/linear.hpp>

NVQ_BEGIN_NAMESPACE

/// The layouts of one-byte block scales (E4M3, E8M0) by name, for functions that take one at run time.
enum class ScaleLayout {
  linear,         ///< layout::Linear<std::uint8_t>
  blocked_128x4,  ///< layout::Blocked128x4: cuBLASLt, CUTLASS, tcgen05
  blocked_8x4,    ///< layout::Blocked8x4: TensorRT-LLM generated kernels
  deepgemm,       ///< layout::DeepGemmUE8M0
};

constexpr const char* to_string(ScaleLayout name) noexcept {
  switch (name) {
    case ScaleLayout::linear:
      return "linear";
    case ScaleLayout::blocked_128x4:
      return "blocked_128x4";
    case ScaleLayout::blocked_8x4:
      return "blocked_8x4";
    case ScaleLayout::deepgemm:
      return "deepgemm";
  }
  return "unknown";
}

namespace layout {
template <ScaleLayout>
struct scale_grid;
template <>
struct scale_grid<ScaleLayout::linear> {
  using type = Linear<std::uint8_t>;
};
template <>
struct scale_grid<ScaleLayout::blocked_128x4> {
  using type = Blocked128x4;
};
template <>
struct scale_grid<ScaleLayout::blocked_8x4> {
  using type = Blocked8x4;
};
template <>
struct scale_grid<ScaleLayout::deepgemm> {
  using type = DeepGemmUE8M0;
};

/// The layout type of a name.
template <ScaleLayout L>
using ScaleGrid = typename scale_grid<L>::type;
}  // namespace layout

/// Bytes of a grid of one-byte scales in layout `name`, padding included; 0 when the shape is invalid.
NVQ_HD constexpr std::int64_t scales_bytes(ScaleLayout name, shape2d scales) noexcept {
  switch (name) {
    case ScaleLayout::linear:
      return layout::ScaleGrid<ScaleLayout::linear>(scales).bytes();
    case ScaleLayout::blocked_128x4:
      return layout::ScaleGrid<ScaleLayout::blocked_128x4>(scales).bytes();
    case ScaleLayout::blocked_8x4:
      return layout::ScaleGrid<ScaleLayout::blocked_8x4>(scales).bytes();
    case ScaleLayout::deepgemm:
      return layout::ScaleGrid<ScaleLayout::deepgemm>(scales).bytes();
  }
  return 0;
}

/// Where scale (r, c) of a grid lies in layout `name`, in bytes. Prefer ScaleGrid where the layout is known
/// at compile time.
NVQ_HD constexpr std::int64_t scales_offset(ScaleLayout name, shape2d scales, std::int64_t r,
                                            std::int64_t c) noexcept {
  switch (name) {
    case ScaleLayout::linear:
      return layout::ScaleGrid<ScaleLayout::linear>(scales).offset(r, c);
    case ScaleLayout::blocked_128x4:
      return layout::ScaleGrid<ScaleLayout::blocked_128x4>(scales).offset(r, c);
    case ScaleLayout::blocked_8x4:
      return layout::ScaleGrid<ScaleLayout::blocked_8x4>(scales).offset(r, c);
    case ScaleLayout::deepgemm:
      return layout::ScaleGrid<ScaleLayout::deepgemm>(scales).offset(r, c);
  }
  return 0;
}

namespace layout {
/// scales_offset() in a grid of which only the extents with padding are known: nothing is checked, nothing is divided
/// by a variable.
NVQ_HD constexpr std::int64_t scales_offset_in(ScaleLayout name, shape2d padded, std::int64_t r,
                                               std::int64_t c) noexcept {
  switch (name) {
    case ScaleLayout::linear:
      return ScaleGrid<ScaleLayout::linear>::offset(padded, r, c);
    case ScaleLayout::blocked_128x4:
      return ScaleGrid<ScaleLayout::blocked_128x4>::offset(padded, r, c);
    case ScaleLayout::blocked_8x4:
      return ScaleGrid<ScaleLayout::blocked_8x4>::offset(padded, r, c);
    case ScaleLayout::deepgemm:
      return ScaleGrid<ScaleLayout::deepgemm>::offset(padded, r, c);
  }
  return 0;
}

/// The extents of a grid with the padding of layout `name`; {0, 0} for an unknown name.
NVQ_HD constexpr shape2d padded_scales(ScaleLayout name, shape2d scales) noexcept {
  switch (name) {
    case ScaleLayout::linear:
      return ScaleGrid<ScaleLayout::linear>(scales).padded();
    case ScaleLayout::blocked_128x4:
      return ScaleGrid<ScaleLayout::blocked_128x4>(scales).padded();
    case ScaleLayout::blocked_8x4:
      return ScaleGrid<ScaleLayout::blocked_8x4>(scales).padded();
    case ScaleLayout::deepgemm:
      return ScaleGrid<ScaleLayout::deepgemm>(scales).padded();
  }
  return {0, 0};
}
}  // namespace layout

NVQ_END_NAMESPACE
