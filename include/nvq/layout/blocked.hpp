// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/layout/linear.hpp>

NVQ_BEGIN_NAMESPACE
namespace layout {

/// The scale-factor layout of Blackwell tensor cores: one-byte block scales in tiles of 128 rows x 4 columns,
/// 512 bytes each, tiles of the same 128 rows one after the other. Taken by cuBLASLt (VEC16_UE4M3,
/// VEC32_UE8M0), CUTLASS (Sm1xxBlockScaledConfig), tcgen05 and mma.sync kernels, for A and B operands, blocks
/// of 16 and of 32 alike.
///
///     offset(r, c) = (r/128 * T + c/4) * 512 + r%32 * 16 + r%128/32 * 4 + c%4,   T = ceil(columns / 4)
///
/// As CUTLASS writes one tile over (row, K element): ((32,4),(V,4)):((16,4),(0,1)), V elements to a scale.
///
/// rows: rows of the matrix (M or N); columns: its scales along K. Padded to {128, 4}; kernels do read the
/// padding, so fill it: 0x00 is 0 as E4M3 but 2^-127 as E8M0, harmless where the padded codes are 0; 0x7F is
/// 1 as E8M0. Each matrix of a batch is padded by itself. Source: cuBLAS documentation, "1D block scaling
/// factors layout".
class Blocked128x4 : public base<std::uint8_t, 8> {
 public:
  NVQ_HD static constexpr bool separable() noexcept { return true; }
  NVQ_HD explicit constexpr Blocked128x4(shape2d shape) noexcept : base(shape, 128, 4) {}

  NVQ_HD constexpr std::int64_t offset(std::int64_t r, std::int64_t c) const noexcept {
    return offset(padded(), r, c);
  }
  NVQ_HD static constexpr std::int64_t offset(shape2d padded, std::int64_t r, std::int64_t c) noexcept {
    return r / 128 * (128 * padded.columns()) + c / 4 * 512 + r % 32 * 16 + r % 128 / 32 * 4 + c % 4;
  }
  NVQ_HD constexpr layout::position position(std::int64_t index) const noexcept {
    const std::int64_t tile = index / 512, tiles = padded().columns() / 4;
    return {tile / tiles * 128 + index % 16 / 4 * 32 + index % 512 / 16, tile % tiles * 4 + index % 4};
  }
  NVQ_HD constexpr Linear<> linear() const noexcept { return Linear<>(shape()); }
  NVQ_HD static constexpr std::int64_t alignment() noexcept { return 16; }
};

/// The scales of activations with few rows (up to 32) in TensorRT-LLM's generated kernels: tiles of 8 rows x
/// 4 columns, 32 bytes each. Weights of the same kernels are Blocked128x4.
///
///     offset(r, c) = (r/8 * T + c/4) * 32 + r%8 * 4 + c%4,   T = ceil(columns / 4)
///
/// Padded to {8, 4}; the kernels read the scales of padding rows into real ones' products, so an unwritten
/// padding is a source of NaN. Source: FlashInfer, SfLayout::layout_8x4.
class Blocked8x4 : public base<std::uint8_t, 8> {
 public:
  NVQ_HD static constexpr bool separable() noexcept { return true; }
  NVQ_HD explicit constexpr Blocked8x4(shape2d shape) noexcept : base(shape, 8, 4) {}

  NVQ_HD constexpr std::int64_t offset(std::int64_t r, std::int64_t c) const noexcept {
    return offset(padded(), r, c);
  }
  NVQ_HD static constexpr std::int64_t offset(shape2d padded, std::int64_t r, std::int64_t c) noexcept {
    return r / 8 * (8 * padded.columns()) + c / 4 * 32 + r % 8 * 4 + c % 4;
  }
  NVQ_HD constexpr layout::position position(std::int64_t index) const noexcept {
    const std::int64_t tile = index / 32, tiles = padded().columns() / 4;
    return {tile / tiles * 8 + index % 32 / 4, tile % tiles * 4 + index % 4};
  }
  NVQ_HD constexpr Linear<> linear() const noexcept { return Linear<>(shape()); }
  NVQ_HD static constexpr std::int64_t alignment() noexcept { return 16; }
};

/// DeepGEMM's packed UE8M0 scales for sm_100: four scales of consecutive K in one int32, the lowest K in the
/// lowest byte, and the words column-major with the rows padded so that a column is a multiple of 16 bytes
/// (TMA).
///
///     offset(r, c) = (c/4 * R + r) * 4 + c%4,   R = rows rounded up to 4
///
/// As a tensor: int32 [rows, ceil(columns/4)] with strides (1, R). Padded to {4, 4}, with 0x00 by DeepGEMM.
/// Source: DeepGEMM, get_mn_major_tma_aligned_packed_ue8m0_tensor.
class DeepGemmUE8M0 : public base<std::uint8_t, 8> {
 public:
  NVQ_HD static constexpr bool separable() noexcept { return true; }
  NVQ_HD explicit constexpr DeepGemmUE8M0(shape2d shape) noexcept : base(shape, 4, 4) {}

  NVQ_HD constexpr std::int64_t offset(std::int64_t r, std::int64_t c) const noexcept {
    return offset(padded(), r, c);
  }
  NVQ_HD static constexpr std::int64_t offset(shape2d padded, std::int64_t r, std::int64_t c) noexcept {
    return (c / 4 * padded.rows() + r) * 4 + c % 4;
  }
  NVQ_HD constexpr layout::position position(std::int64_t index) const noexcept {
    const std::int64_t word = index / 4;
    return {word % padded().rows(), word / padded().rows() * 4 + index % 4};
  }
  NVQ_HD constexpr Linear<> linear() const noexcept { return Linear<>(shape()); }
  NVQ_HD static constexpr std::int64_t alignment() noexcept { return 16; }
};

}  // namespace layout
NVQ_END_NAMESPACE
