// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/config.hpp>
#include <nvq/element.hpp>
#include <nvq/float16.hpp>

// Block scales: the number that the codes of one block share. All of them are decode multipliers:
//
//   value = code * block scale [* tensor scale]
//
// A block scale type has `storage` (one element of the scales array), `code` (what a recipe chooses for a
// block: the storage, plus a zero point where there is one), `encode(float)`, `decode(storage)`, `largest()`
// and `min_positive()`.

NVQ_BEGIN_NAMESPACE

/// OCP E4M3 without a sign, one byte: NVFP4. Encoding rounds to nearest even and saturates at 448.
struct ScaleE4M3 {
  using storage = std::uint8_t;
  using code = storage;
  static constexpr bool has_zero_point = false;
  static constexpr const char* name() noexcept { return "E4M3"; }
  NVQ_HD static constexpr storage encode(float x) noexcept { return UE4M3::encode(x); }
  NVQ_HD static constexpr float decode(storage s) noexcept { return E4M3::decode(s); }
  NVQ_HD static constexpr float largest() noexcept { return UE4M3::largest(); }
  NVQ_HD static constexpr float min_positive() noexcept { return UE4M3::min_positive(); }
};

/// A power of two, one byte: MX formats. Recipes pick the exponent; encode rounds upward, so that nothing is
/// clipped.
struct ScaleE8M0 {
  using storage = std::uint8_t;
  using code = storage;
  static constexpr bool has_zero_point = false;
  static constexpr const char* name() noexcept { return "E8M0"; }
  NVQ_HD static constexpr storage encode(float x) noexcept {
    return E8M0::encode(x, Rounding::away_from_zero);
  }
  NVQ_HD static constexpr float decode(storage s) noexcept { return E8M0::decode(s); }
  NVQ_HD static constexpr float largest() noexcept { return E8M0::largest(); }
  NVQ_HD static constexpr float min_positive() noexcept { return E8M0::lowest(); }
};

/// IEEE binary16 bits. Encoding rounds to nearest even and saturates at 65504.
struct ScaleFP16 {
  using storage = std::uint16_t;
  using code = storage;
  static constexpr bool has_zero_point = false;
  static constexpr const char* name() noexcept { return "FP16"; }
  NVQ_HD static constexpr storage encode(float x) noexcept {
    return half(canonical_nan(clamp(x, negate(largest()), largest()))).bits;
  }
  NVQ_HD static constexpr float decode(storage s) noexcept { return static_cast<float>(half::from_bits(s)); }
  NVQ_HD static constexpr float largest() noexcept { return 65504.0f; }
  NVQ_HD static constexpr float min_positive() noexcept { return exp2i(-24); }
};

/// bfloat16 bits. Encoding rounds to nearest even and saturates at the largest finite bfloat16.
struct ScaleBF16 {
  using storage = std::uint16_t;
  using code = storage;
  static constexpr bool has_zero_point = false;
  static constexpr const char* name() noexcept { return "BF16"; }
  NVQ_HD static constexpr storage encode(float x) noexcept {
    return bfloat16(canonical_nan(clamp(x, negate(largest()), largest()))).bits;
  }
  NVQ_HD static constexpr float decode(storage s) noexcept {
    return static_cast<float>(bfloat16::from_bits(s));
  }
  NVQ_HD static constexpr float largest() noexcept { return float_from_bits(0x7F7F0000u); }
  NVQ_HD static constexpr float min_positive() noexcept { return exp2i(-133); }
};

/// A float.
struct ScaleFP32 {
  using storage = float;
  using code = storage;
  static constexpr bool has_zero_point = false;
  static constexpr const char* name() noexcept { return "FP32"; }
  NVQ_HD static constexpr storage encode(float x) noexcept { return canonical_nan(x); }
  NVQ_HD static constexpr float decode(storage s) noexcept { return s; }
  NVQ_HD static constexpr float largest() noexcept { return float_max(); }
  NVQ_HD static constexpr float min_positive() noexcept { return exp2i(-149); }
};

/// A scale with a zero point, a code of the element that stands for 0: value = (code - zero_point) * scale.
/// Zero points are held one byte each in an array of their own.
template <class Scale>
struct Affine : Scale {
  struct code {
    typename Scale::storage scale;
    std::uint8_t zero_point;
  };
  static constexpr bool has_zero_point = true;
};

/// Float scales that are quantized once more (QLoRA's double quantization, as bitsandbytes computes it):
/// their mean is taken off, and 256 of them share a float under codes of an 8-bit dynamic map.
///
///   scale of block b = map[code b] * group[b / 256] + mean
///
/// The scales array is bytes: n codes, zeros up to a multiple of 4, ceil(n / 256) groups and the mean,
/// little-endian floats.
struct ScaleFP32DQ {
  using storage = std::uint8_t;
  using code = float;
  static constexpr bool has_zero_point = false;
  static constexpr std::int64_t group_size = 256;
  static constexpr const char* name() noexcept { return "FP32, double-quantized"; }
  NVQ_HD static constexpr code encode(float x) noexcept { return canonical_nan(x); }
  NVQ_HD static constexpr float decode(code s) noexcept { return s; }
  NVQ_HD static constexpr float largest() noexcept { return float_max(); }
  NVQ_HD static constexpr float min_positive() noexcept { return exp2i(-149); }

  /// Where group g lies in the scales array of n blocks; group ceil(n / 256) is the mean.
  NVQ_HD static constexpr std::int64_t group_offset(std::int64_t n, std::int64_t g) noexcept {
    return (n + 3) / 4 * 4 + 4 * g;
  }
  NVQ_HD static constexpr std::int64_t groups(std::int64_t n) noexcept {
    return (n + group_size - 1) / group_size;
  }
  /// Elements of the scales array of n blocks.
  NVQ_HD static constexpr std::int64_t array_size(std::int64_t n) noexcept {
    return n == 0 ? 0 : group_offset(n, groups(n) + 1);
  }
};

/// A second factor for the whole tensor: a float decode multiplier.
struct TensorFP32 {
  static constexpr bool present = true;
};
/// No factor for the tensor.
struct TensorNone {
  static constexpr bool present = false;
};

/// The two directions of a tensor scale, as the owner of a recipe rounds each: they are not exact
/// reciprocals.
struct TensorScales {
  float encode = 1.0f;  ///< multiplies inputs before block scaling
  float decode = 1.0f;  ///< multiplies decoded values; this is what tensor_scale() returns and decoders take
  float amax = 0.0f;    ///< the amax they were derived from
};

NVQ_END_NAMESPACE
