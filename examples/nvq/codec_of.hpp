// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <memory>
#include <nvq/recipe.hpp>
#include <nvq/tensor.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "codec.hpp"

namespace app {

/// The Codec of one Format and one recipe.
template <class F, class R>
class CodecOf final : public Codec {
 public:
  std::string_view recipe() const override { return R::name(); }
  std::int64_t row_step() const override { return F::block::rows > 0 ? F::block::rows : 1; }
  bool rounds_stochastically() const override {
    return nvq::detail::has_stochastic<typename F::element>::value;
  }
  bool needs_amax() const override { return F::has_tensor_scale || F::block::rows == 0; }
  nvq::TensorScales tensor_scales(float amax) const override { return nvq::tensor_scales<F>(amax, R{}); }
  std::int64_t scale_rows(std::int64_t rows) const override { return F::scale_rows(rows); }
  std::int64_t scale_row_of(std::int64_t row) const override {
    return F::block::rows > 0 ? row / F::block::rows : 0;
  }

  Encoded sized(std::int64_t rows, std::int64_t columns) const override {
    Encoded e;
    e.codes.resize(F::codes_bytes(rows, columns));
    e.scales.resize(F::scales_bytes(rows, columns));
    e.zero_points.resize(F::has_zero_point ? F::scales_count(rows, columns) : 0);
    return e;
  }

  using Codec::encode;
  void encode(const float* in, std::int64_t rows, std::int64_t columns, float amax, Encoded& out,
              std::optional<std::uint64_t> seed) const override {
    out.codes.resize(F::codes_bytes(rows, columns));
    std::vector<Scale> scales(F::scales_count(rows, columns));
    out.zero_points.resize(F::has_zero_point ? scales.size() : 0);
    const nvq::matrix_view<const float> view(in, {rows, columns});
    nvq::encode_options options;
    options.stochastic = seed.has_value();
    options.seed = seed.value_or(0);
    if constexpr (F::has_tensor_scale) {
      check(nvq::encode<F>(view, out.codes, scales, amax, R{}, options));
    } else {
      if (needs_amax()) options.amax = amax;
      check(nvq::encode<F>(view, out.codes, scales, out.zero_points, R{}, options));
    }
    out.scales.resize(scales.size() * sizeof(Scale));
    std::memcpy(out.scales.data(), scales.data(), out.scales.size());
  }

  void decode(const Encoded& in, std::int64_t rows, std::int64_t columns, float tensor_scale,
              float* out) const override {
    std::vector<Scale> scales(in.scales.size() / sizeof(Scale));
    std::memcpy(scales.data(), in.scales.data(), in.scales.size());
    check(nvq::decode<F>(in.codes, scales, in.zero_points, nvq::matrix_view<float>(out, {rows, columns}),
                         tensor_scale));
  }

 private:
  using Scale = typename F::scale_type;
  /// The sizes are ours, so a refusal is a mistake of this program.
  static void check(nvq::result r) {
    if (!r) throw std::logic_error(nvq::to_string(r.ec));
  }
};

namespace detail {

template <class F, class... R>
CodecEntry codec_entry(std::tuple<R...>*) {
  using Default = nvq::default_recipe<F>;
  CodecEntry entry;
  const auto add = [&entry](auto* recipe) {
    using Recipe = std::remove_pointer_t<decltype(recipe)>;
    entry.push_back({Recipe::name(), [] { return std::unique_ptr<Codec>(new CodecOf<F, Recipe>); }});
  };
  add(static_cast<Default*>(nullptr));
  const auto add_other = [&add](auto* recipe) {
    using Recipe = std::remove_pointer_t<decltype(recipe)>;
    if constexpr (nvq::supports_v<Recipe, F> && !std::is_same_v<Recipe, Default>) add(recipe);
    (void)add;
  };
  (add_other(static_cast<R*>(nullptr)), ...);
  return entry;
}

}  // namespace detail

/// All recipes of nvq::AllRecipes that apply to a Format, the default first.
template <class F>
CodecEntry codec_entry() {
  return detail::codec_entry<F>(static_cast<nvq::AllRecipes*>(nullptr));
}

/// Of a format whose scale the dialect stores in a float as wide as the model's: With<Scale> is the Format.
template <template <class> class With>
CodecEntry codec_entry_wide(nvq::io::dtype wide) {
  switch (wide) {
    case nvq::io::dtype::bf16:
      return codec_entry<With<nvq::ScaleBF16>>();
    case nvq::io::dtype::f16:
      return codec_entry<With<nvq::ScaleFP16>>();
    default:
      return codec_entry<With<nvq::ScaleFP32>>();
  }
}

/// Formats without a tensor scale, by their element and block.
template <class Element, class Block>
struct Plain {
  template <class Scale>
  using With = nvq::Format<Element, Block, Scale, nvq::TensorNone>;
};

}  // namespace app
