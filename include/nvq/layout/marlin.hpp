// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/layout/permutation.hpp>
#include <type_traits>

NVQ_BEGIN_NAMESPACE
namespace layout {

/// Width of the activations a Marlin kernel multiplies with: 16 bits (fp16, bf16) or 8 (int8, fp8). It
/// decides the tensor core instruction, and with it the tile.
enum class MarlinActivation { bits16, bits8 };

/// Weights in the order the lanes of a warp load them for Marlin's tensor core instruction: tiles of 1024
/// codes, along the outputs, then along the inputs, 32 consecutive codes (16 bytes of 4-bit codes) a lane.
///
/// For 16-bit activations a tile is 16 inputs x 64 outputs. Lane 4j+i holds outputs j, j+8, ... j+56 (two to
/// each of its four parts) at inputs 2i, 2i+1, 2i+8, 2i+9; inside a word, codes at even places of that list
/// come first, so that 4-bit words dequantize two at a time. For 8-bit activations it is 32 inputs x 32
/// outputs, inputs 4i..4i+3 and 4i+16..4i+19, and 4-bit words alternate between the two runs.
///
/// rows: outputs, a multiple of 64; columns: inputs, a multiple of 16 (32 for 8-bit activations). No padding.
/// As a tensor: int32 [columns / 16, rows * 16 * Bits / 32]. Integer codes are unsigned
/// (Recode::offset_binary from Int4 and Int8); E2M1 and E4M3 codes as they are. Source: vLLM, marlin_weights
/// and gptq_marlin_repack.
template <int Bits, MarlinActivation Activation = MarlinActivation::bits16>
class MarlinWeights : public base<std::uint8_t, Bits> {
  static_assert(Bits == 4 || Bits == 8, "nvq::layout::MarlinWeights: 4 or 8 bits");
  using parent = base<std::uint8_t, Bits>;

  NVQ_HD static constexpr bool wide() noexcept { return Activation == MarlinActivation::bits16; }
  /// A tile is tile_k inputs x tile_n outputs; `run` consecutive inputs belong to one lane, again half a tile
  /// further.
  NVQ_HD static constexpr std::int64_t tile_k() noexcept { return wide() ? 16 : 32; }
  NVQ_HD static constexpr std::int64_t tile_n() noexcept { return 1024 / tile_k(); }
  NVQ_HD static constexpr std::int64_t run() noexcept { return wide() ? 2 : 4; }
  /// Codes of one lane from one column of 8 outputs: both runs.
  NVQ_HD static constexpr std::int64_t fragment() noexcept { return 2 * run(); }
  /// Codes one register word interleaves: 8 nibbles, or 4 bytes.
  NVQ_HD static constexpr std::int64_t word() noexcept { return 32 / Bits; }

  /// Order inside a word, and inverse.
  NVQ_HD static constexpr std::int64_t interleave(std::int64_t v) noexcept {
    if constexpr (wide()) {
      return EvenOdd<static_cast<int>(word())>::to(v);
    } else {
      return Bits == 4 ? EvenOdd<8>::from(v) : v;
    }
  }
  NVQ_HD static constexpr std::int64_t deinterleave(std::int64_t i) noexcept {
    if constexpr (wide()) {
      return EvenOdd<static_cast<int>(word())>::from(i);
    } else {
      return Bits == 4 ? EvenOdd<8>::to(i) : i;
    }
  }

 public:
  NVQ_HD static constexpr bool separable() noexcept { return true; }
  NVQ_HD explicit constexpr MarlinWeights(shape2d shape) noexcept
      : parent(shape, 1, 1, shape.rows() % 64 == 0 && shape.columns() % tile_k() == 0) {}

  NVQ_HD constexpr std::int64_t offset(std::int64_t n, std::int64_t k) const noexcept {
    const std::int64_t tile = k / tile_k() * (this->rows() / tile_n()) + n / tile_n();
    const std::int64_t half = k % tile_k() / (tile_k() / 2), in_half = k % (tile_k() / 2);
    const std::int64_t lane = n % 8 * 4 + in_half / run();
    const std::int64_t value = n % tile_n() / 8 * fragment() + half * run() + in_half % run();
    return tile * 1024 + lane * 32 + interleave(value);
  }
  NVQ_HD constexpr layout::position position(std::int64_t index) const noexcept {
    const std::int64_t tile = index / 1024, lane = index % 1024 / 32, value = deinterleave(index % 32);
    const std::int64_t tiles_n = this->rows() / tile_n(), v = value % fragment();
    return {tile % tiles_n * tile_n() + value / fragment() * 8 + lane / 4,
            tile / tiles_n * tile_k() + v / run() * (tile_k() / 2) + lane % 4 * run() + v % run()};
  }
  NVQ_HD constexpr LinearCodes<Bits> linear() const noexcept { return LinearCodes<Bits>(this->shape()); }
  NVQ_HD static constexpr std::int64_t alignment() noexcept { return 16; }
};

/// Marlin's order of group scales over runs of 64 outputs: an 8 x 8 transposition, so that a lane finds the
/// scales of its outputs j, j+8, ... j+56 side by side.
struct MarlinGroupOrder {
  NVQ_HD static constexpr std::int64_t period() noexcept { return 64; }
  NVQ_HD static constexpr std::int64_t to(std::int64_t n) noexcept {
    return n / 64 * 64 + n % 8 * 8 + n % 64 / 8;
  }
  NVQ_HD static constexpr std::int64_t from(std::int64_t i) noexcept { return to(i); }
};

/// Marlin's order of one scale per output (and of a bias) over runs of 32 outputs, that of the accumulator
/// fragment: place 8i+j holds output 2i + [0 1 8 9 16 17 24 25][j].
struct MarlinChannelOrder {
  NVQ_HD static constexpr std::int64_t period() noexcept { return 32; }
  NVQ_HD static constexpr std::int64_t to(std::int64_t n) noexcept {
    return n / 32 * 32 + n % 8 / 2 * 8 + n % 32 / 8 * 2 + n % 2;
  }
  NVQ_HD static constexpr std::int64_t from(std::int64_t i) noexcept {
    return i / 32 * 32 + i % 8 / 2 * 8 + i % 32 / 8 * 2 + i % 2;
  }
};

/// Scales for Marlin: [columns, rows] = [groups, outputs], the outputs permuted.
///
///     offset(n, g) = g * rows + order(n)
///
/// order is MarlinGroupOrder, or MarlinChannelOrder when there is one group only or the activations have 8
/// bits. One-byte scales (E4M3 of NVFP4, E8M0 of MXFP4) for 16-bit activations are then put in the order 0 2
/// 1 3 in every four.
///
/// T: std::uint16_t for fp16 and bf16 patterns, std::uint8_t for one-byte scales. rows: a multiple of 64. No
/// padding. NVFP4 scale bytes also change their value: marlin_scale_from_e4m3(). Source: vLLM,
/// marlin_permute_scales, nvfp4_marlin_process_scales, mxfp4_marlin_process_scales.
template <class T = std::uint16_t, MarlinActivation Activation = MarlinActivation::bits16>
class MarlinScales : public base<T, 8 * static_cast<int>(sizeof(T))> {
  using parent = base<T, 8 * static_cast<int>(sizeof(T))>;
  NVQ_HD static constexpr bool wide() noexcept { return Activation == MarlinActivation::bits16; }
  NVQ_HD static constexpr bool quads() noexcept { return sizeof(T) == 1 && wide(); }

 public:
  NVQ_HD static constexpr bool separable() noexcept { return true; }
  NVQ_HD explicit constexpr MarlinScales(shape2d shape) noexcept
      : parent(shape, 1, 1, shape.rows() % 64 == 0) {}

  NVQ_HD constexpr std::int64_t offset(std::int64_t n, std::int64_t g) const noexcept {
    const std::int64_t place = grouped() ? MarlinGroupOrder::to(n) : MarlinChannelOrder::to(n);
    return g * this->rows() + (quads() ? EvenOdd<4>::to(place) : place);
  }
  NVQ_HD constexpr layout::position position(std::int64_t index) const noexcept {
    const std::int64_t i = index % this->rows(), place = quads() ? EvenOdd<4>::from(i) : i;
    return {grouped() ? MarlinGroupOrder::from(place) : MarlinChannelOrder::from(place),
            index / this->rows()};
  }
  NVQ_HD constexpr Linear<T> linear() const noexcept { return Linear<T>(this->shape()); }
  NVQ_HD static constexpr std::int64_t alignment() noexcept { return 16; }

 private:
  NVQ_HD constexpr bool grouped() const noexcept { return wide() && this->columns() > 1; }
};

/// Zero points for Marlin: int32 [columns, rows * Bits / 32] = [groups, ...], outputs in MarlinGroupOrder
/// and, for 16-bit activations, even places of every word first. Stored as they are. The linear side holds
/// one byte a zero point. rows: a multiple of 64. No padding. Source: vLLM, marlin_zero_points.
template <int Bits, MarlinActivation Activation = MarlinActivation::bits16>
using MarlinZeros =
    Transposed<std::uint8_t, Bits,
               Then<MarlinGroupOrder,
                    std::conditional_t<Activation == MarlinActivation::bits16, EvenOdd<32 / Bits>, Identity>>,
               64, Linear<>>;

/// The byte Marlin wants for an NVFP4 block scale: the E4M3 value times 2^(7 + shift) as 5 exponent and 3
/// mantissa bits without a sign (the upper bits of an fp16), and 0 when that is below 2. Exact otherwise; the
/// sign is dropped. `shift`: 0 for fp16 activations; for bf16 the largest that keeps the tensor's greatest
/// scale at or below 448, which spares small scales from becoming 0. The tensor's decode scale is then
/// multiplied by 2^7 for fp16 and 2^(119 - shift) for bf16. Source: vLLM,
/// nvfp4_marlin_process_scales and nvfp4_marlin_process_global_scale.
NVQ_HD constexpr std::uint8_t marlin_scale_from_e4m3(std::uint8_t e4m3, int shift = 0) noexcept {
  int exponent = e4m3 >> 3 & 0xF, mantissa = e4m3 & 7;
  if (exponent == 0) {
    if (mantissa == 0) return 0;
    for (exponent = 1; mantissa < 8; --exponent) mantissa *= 2;
    mantissa -= 8;
  }
  const int biased = exponent + 15 + shift;  // -7 of E4M3, +7 of the factor, +15 of fp16
  return biased < 16 ? std::uint8_t{0} : static_cast<std::uint8_t>(biased << 3 | mantissa);
}

}  // namespace layout
NVQ_END_NAMESPACE
