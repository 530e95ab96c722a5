// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/layout/permutation.hpp>

NVQ_BEGIN_NAMESPACE
namespace layout {

/// The qweight tensor of GPTQ checkpoints: int32 [columns / P, rows] with P = 32/Bits codes of consecutive
/// inputs in a word, the first lowest.
///
///     offset(n, k) = (k/P * rows + n) * P + k%P
///
/// rows: outputs; columns: inputs, a multiple of P. No padding. GPTQ's codes are unsigned; those of a
/// symmetric Int4 or Int8 format become so by Recode::offset_binary. Source: GPTQModel,
/// BaseQuantLinear.pack_original.
template <int Bits>
class GptqWeights : public base<std::uint8_t, Bits> {
  static_assert(Bits == 4 || Bits == 8, "nvq::layout::GptqWeights: 4 or 8 bits");
  using parent = base<std::uint8_t, Bits>;
  NVQ_HD static constexpr std::int64_t per_word() noexcept { return 32 / Bits; }

 public:
  NVQ_HD static constexpr bool separable() noexcept { return true; }
  NVQ_HD explicit constexpr GptqWeights(shape2d shape) noexcept
      : parent(shape, 1, 1, shape.columns() % per_word() == 0) {}

  NVQ_HD constexpr std::int64_t offset(std::int64_t n, std::int64_t k) const noexcept {
    return (k / per_word() * this->rows() + n) * per_word() + k % per_word();
  }
  NVQ_HD constexpr layout::position position(std::int64_t index) const noexcept {
    const std::int64_t word = index / per_word();
    return {word % this->rows(), word / this->rows() * per_word() + index % per_word()};
  }
  NVQ_HD constexpr LinearCodes<Bits> linear() const noexcept { return LinearCodes<Bits>(this->shape()); }
  NVQ_HD static constexpr std::int64_t alignment() noexcept { return 16; }
};

/// Which number a GPTQ checkpoint stores for a zero point z: v1 (checkpoint_format "gptq") z - 1, with 0
/// wrapping to the largest code; v2 ("gptq_v2") z.
enum class GptqVersion { v1, v2 };

/// The qzeros tensor of GPTQ checkpoints: int32 [columns, rows / P], P = 32/Bits zero points of consecutive
/// outputs in a word, the first lowest.
///
///     offset(n, g) = g * rows + n
///
/// rows: outputs, a multiple of P; columns: groups. No padding. The linear side holds one byte a zero point,
/// the value z in w = (code - z) * scale; a symmetric format has z = 8 (128 for 8 bits) everywhere. Source:
/// GPTQModel, pack_original and convert_gptq_v2_to_v1_format_module.
template <int Bits, GptqVersion Version = GptqVersion::v1>
class GptqZeros : public Transposed<std::uint8_t, Bits, Identity, 32 / Bits, Linear<>> {
  static_assert(Bits == 4 || Bits == 8, "nvq::layout::GptqZeros: 4 or 8 bits");

 public:
  using Transposed<std::uint8_t, Bits, Identity, 32 / Bits, Linear<>>::Transposed;

  NVQ_HD static constexpr std::uint8_t stored(std::uint8_t z) noexcept {
    return static_cast<std::uint8_t>((z - one()) & mask());
  }
  NVQ_HD static constexpr std::uint8_t loaded(std::uint8_t unit) noexcept {
    return static_cast<std::uint8_t>((unit + one()) & mask());
  }

 private:
  NVQ_HD static constexpr int one() noexcept { return Version == GptqVersion::v1 ? 1 : 0; }
  NVQ_HD static constexpr int mask() noexcept { return (1 << Bits) - 1; }
};

/// The scales tensor of GPTQ and AWQ checkpoints: [columns, rows] = [groups, outputs], 16-bit patterns by
/// default.
template <class T = std::uint16_t>
using GroupMajorScales = Transposed<T, 8 * static_cast<int>(sizeof(T)), Identity, 1, Linear<T>>;

/// The weight_zero_point tensor of compressed-tensors' `pack-quantized`: int32 [rows / P, columns] = [outputs
/// / P, groups], P = 32/Bits zero points of consecutive outputs in a word, the first lowest.
///
///     offset(n, g) = (n/P * columns + g) * P + n%P
///
/// The linear side holds one byte a zero point, as the unsigned z (compressed-tensors adds 2^(Bits-1) to a
/// signed one when it packs). Padded to {P, 1}, with zero bits by compressed-tensors when a word is not full.
/// Source: compressed-tensors, pack_to_int32 with packed_dim 0.
template <int Bits>
class PackQuantizedZeros : public base<std::uint8_t, Bits> {
  using parent = base<std::uint8_t, Bits>;
  NVQ_HD static constexpr std::int64_t per_word() noexcept { return 32 / Bits; }

 public:
  NVQ_HD static constexpr bool separable() noexcept { return true; }
  NVQ_HD explicit constexpr PackQuantizedZeros(shape2d shape) noexcept : parent(shape, per_word(), 1) {}

  NVQ_HD constexpr std::int64_t offset(std::int64_t n, std::int64_t g) const noexcept {
    return (n / per_word() * this->columns() + g) * per_word() + n % per_word();
  }
  NVQ_HD constexpr layout::position position(std::int64_t index) const noexcept {
    const std::int64_t word = index / per_word();
    return {word / this->columns() * per_word() + index % per_word(), word % this->columns()};
  }
  NVQ_HD constexpr Linear<> linear() const noexcept { return Linear<>(this->shape()); }
};

}  // namespace layout
NVQ_END_NAMESPACE
