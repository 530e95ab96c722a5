// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/layout/linear.hpp>

NVQ_BEGIN_NAMESPACE
namespace layout {

/// A ggml block with 4-bit codes: `ScaleBytes` bytes of scales, then the codes in sub-blocks of `SubBlock`,
/// each split in halves: its byte j holds code j in the low and code j + SubBlock/2 in the high nibble.
template <int Elements, int SubBlock, int ScaleBytes>
struct GgmlBlock {
  NVQ_HD static constexpr std::int64_t elements() noexcept { return Elements; }
  NVQ_HD static constexpr std::int64_t sub_block() noexcept { return SubBlock; }
  NVQ_HD static constexpr std::int64_t scale_bytes() noexcept { return ScaleBytes; }
  NVQ_HD static constexpr std::int64_t bytes() noexcept { return ScaleBytes + Elements / 2; }
};

/// block_mxfp4: E8M0 scale, 32 codes. block_q4_0: fp16 scale, 32 codes (unsigned, q + 8). block_nvfp4: four
/// E4M3 scales (sign bit clear), 64 codes in sub-blocks of 16. Source: ggml, ggml-common.h; gguf, quants.py.
using GgmlMXFP4 = GgmlBlock<32, 32, 1>;
using GgmlQ4_0 = GgmlBlock<32, 32, 2>;
using GgmlNVFP4 = GgmlBlock<64, 16, 4>;

/// The codes in a buffer of ggml blocks, which also holds the scales: bytes() is that of the whole buffer,
/// and converting writes the code bytes only. rows x columns codes; columns a multiple of the block. No
/// padding.
///
///     byte(r, c) = b * block bytes + scale bytes + c%E/S * S/2 + c%(S/2),   nibble c%S/(S/2)
///     b = r * columns/E + c/E,   E codes a block, S a sub-block;   offset = 2 * byte + nibble
template <class Block>
class GgmlCodes : public base<std::uint8_t, 4> {
  NVQ_HD static constexpr std::int64_t half() noexcept { return Block::sub_block() / 2; }

 public:
  NVQ_HD static constexpr bool separable() noexcept { return true; }
  NVQ_HD explicit constexpr GgmlCodes(shape2d shape) noexcept
      : base(shape, 1, 1, shape.columns() % Block::elements() == 0) {}

  NVQ_HD constexpr std::int64_t elements() const noexcept {
    return static_cast<std::int64_t>(padded().size()) / Block::elements() * Block::bytes();
  }
  NVQ_HD constexpr std::int64_t bytes() const noexcept { return elements(); }

  NVQ_HD constexpr std::int64_t offset(std::int64_t r, std::int64_t c) const noexcept {
    const std::int64_t block = r * (columns() / Block::elements()) + c / Block::elements();
    const std::int64_t sub = c % Block::elements() / Block::sub_block(), j = c % Block::sub_block();
    return 2 * (block * Block::bytes() + Block::scale_bytes() + sub * half() + j % half()) + j / half();
  }
  /// {-1, -1} for a nibble of the scales.
  NVQ_HD constexpr layout::position position(std::int64_t index) const noexcept {
    const std::int64_t block = index / 2 / Block::bytes(),
                       byte = index / 2 % Block::bytes() - Block::scale_bytes();
    if (byte < 0) return {-1, -1};
    const std::int64_t c = byte / half() * Block::sub_block() + index % 2 * half() + byte % half();
    const std::int64_t blocks = columns() / Block::elements();
    return {block / blocks, block % blocks * Block::elements() + c};
  }
  NVQ_HD constexpr LinearCodes<4> linear() const noexcept { return LinearCodes<4>(shape()); }
};

/// The scales in the same buffer, byte by byte: rows x (blocks a row * scale bytes a block), so an NVFP4 row
/// has a column for each 16 codes, an MXFP4 row one for each 32, and a Q4_0 row two (the fp16, low byte
/// first). Converting writes the scale bytes only. columns: a multiple of the block's scale bytes. No
/// padding.
template <class Block>
class GgmlScales : public base<std::uint8_t, 8> {
 public:
  NVQ_HD static constexpr bool separable() noexcept { return true; }
  NVQ_HD explicit constexpr GgmlScales(shape2d shape) noexcept
      : base(shape, 1, 1, shape.columns() % Block::scale_bytes() == 0) {}

  NVQ_HD constexpr std::int64_t elements() const noexcept {
    return static_cast<std::int64_t>(padded().size()) / Block::scale_bytes() * Block::bytes();
  }
  NVQ_HD constexpr std::int64_t bytes() const noexcept { return elements(); }

  NVQ_HD constexpr std::int64_t offset(std::int64_t r, std::int64_t c) const noexcept {
    const std::int64_t i = r * columns() + c;
    return i / Block::scale_bytes() * Block::bytes() + i % Block::scale_bytes();
  }
  /// {-1, -1} for a byte of codes.
  NVQ_HD constexpr layout::position position(std::int64_t index) const noexcept {
    const std::int64_t byte = index % Block::bytes();
    if (byte >= Block::scale_bytes()) return {-1, -1};
    const std::int64_t i = index / Block::bytes() * Block::scale_bytes() + byte;
    return {i / columns(), i % columns()};
  }
  NVQ_HD constexpr Linear<> linear() const noexcept { return Linear<>(shape()); }
};

}  // namespace layout
NVQ_END_NAMESPACE
