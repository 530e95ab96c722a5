// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <type_traits>
#include <vector>

#include "reference.hpp"

// A format under a recipe behind one face, so that properties are plain functions, compiled once.

namespace properties {

/// A quantized matrix and what it decodes to.
struct Quantized {
  bool ok = false;
  std::vector<std::uint8_t> codes;  ///< one a byte
  std::vector<std::uint8_t> zero_points;
  std::vector<float> scales;  ///< decoded; the bytes of doubly quantized ones
  std::vector<float> decoded;
  float tensor_scale = 1.0f;
};

struct Codec {
  std::string format, recipe;
  int bits = 0;
  std::int64_t block_rows = 0, block_columns = 0;  ///< 0: of the matrix
  float largest_element = 0.0f, largest_scale = 0.0f;
  bool has_tensor_scale = false, has_zero_point = false;
  bool integer = false, nf4 = false, e8m0_scales = false, float_scales = false, packed_scales = false;
  /// Against `amax`, or the matrix's own where that is negative.
  Quantized (*quantize)(const std::vector<float>& values, std::size_t rows, float amax) = nullptr;

  bool whole_tensor() const { return block_rows == 0; }
  /// Values of a block's row, `otherwise` where the matrix has one block across.
  std::size_t columns_or(std::size_t otherwise) const {
    return block_columns == 0 ? otherwise : static_cast<std::size_t>(block_columns);
  }
};

template <class F, class R>
Quantized quantize_with(const std::vector<float>& values, std::size_t rows, float amax) {
  const std::size_t columns = values.size() / rows;
  nvq::encode_options options;
  options.amax = amax;
  const nvq::quantized<F> q = nvq::quantize<F>(values, {rows, columns}, R{}, options);
  Quantized out;
  out.ok = static_cast<bool>(q);
  if (!out.ok) return out;
  out.codes = oracle::unpack(q.codes(), rows, columns, static_cast<std::size_t>(F::element::bits));
  out.zero_points = q.zero_points();
  for (const auto s : q.scales())
    if constexpr (packs_scales<F>)
      out.scales.push_back(static_cast<float>(s));
    else
      out.scales.push_back(F::block_scale::decode(s));
  out.decoded = nvq::dequantize<float>(q);
  out.tensor_scale = q.tensor_scale();
  return out;
}

template <class E>
constexpr bool is_integer_element = false;
template <int N>
constexpr bool is_integer_element<nvq::Int<N>> = true;
template <int N>
constexpr bool is_integer_element<nvq::UInt<N>> = true;

template <class F, class R>
Codec codec_of(R) {
  Codec c;
  c.format = nvq::format_name<F>;
  c.recipe = R::name();
  c.bits = F::element::bits;
  c.block_rows = F::block::rows;
  c.block_columns = F::block::columns;
  c.largest_element = F::element::largest();
  c.largest_scale = F::block_scale::largest();
  c.has_tensor_scale = F::has_tensor_scale;
  c.has_zero_point = F::has_zero_point;
  c.integer = is_integer_element<typename F::element>;
  c.nf4 = std::is_same<typename F::element, nvq::NormalFloat4>::value;
  c.e8m0_scales = std::is_same<typename F::block_scale, nvq::ScaleE8M0>::value;
  c.float_scales = sizeof(typename F::scale_type) == 4;
  c.packed_scales = packs_scales<F>;
  c.quantize = quantize_with<F, R>;
  return c;
}

/// Every property that holds for the codec.
void check_properties(const Codec& codec);

/// The same for every recipe that applies to F.
template <class F>
void check_recipes() {
  std::vector<Codec> codecs;
  std::apply(
      [&](auto... recipe) {
        const auto maybe = [&](auto r) {
          if constexpr (nvq::supports_v<decltype(r), F>) codecs.push_back(codec_of<F>(r));
        };
        (maybe(recipe), ...);
      },
      nvq::AllRecipes{});
  CHECK_FALSE(codecs.empty());
  for (const Codec& codec : codecs) check_properties(codec);
}

}  // namespace properties
