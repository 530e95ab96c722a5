// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"

#include <cstring>
#include <functional>
#include <nvq/fp8.hpp>
#include <nvq/int4.hpp>
#include <nvq/mxfp4.hpp>
#include <nvq/nvfp4.hpp>
#include <tuple>
#include <type_traits>

#include "failure.hpp"

namespace app {

namespace {

using nvq::Format;
using nvq::TensorNone;
using nvq::io::dtype;
using nvq::io::weight_kind;

template <class R>
struct Named {
  std::string_view name;
  R recipe;
};
template <class R>
Named(std::string_view, R) -> Named<R>;

/// The recipes of a family of formats, the default first.
constexpr auto nvfp4_recipes() {
  return std::tuple{Named{"transformer_engine", nvq::recipe::transformer_engine},
                    Named{"modelopt", nvq::recipe::modelopt}, Named{"torchao", nvq::recipe::torchao},
                    Named{"four_over_six", nvq::recipe::four_over_six}, Named{"mse", nvq::recipe::mse}};
}
constexpr auto mx_recipes() { return std::tuple{Named{"rceil", nvq::recipe::rceil}}; }
constexpr auto plain_recipes() { return std::tuple{Named{"amax", nvq::recipe::amax}}; }

void check(nvq::result r) {
  if (!r) throw std::logic_error(nvq::to_string(r.ec));
}

template <class F, class R>
class CodecOf final : public Codec {
 public:
  CodecOf(std::string_view name, R recipe) : name_(name), recipe_(recipe) {}

  std::string_view recipe() const override { return name_; }
  std::int64_t row_step() const override { return F::block::rows > 0 ? F::block::rows : 1; }
  bool needs_amax() const override { return F::has_tensor_scale || F::block::rows == 0; }
  nvq::TensorScales tensor_scales(float amax) const override { return nvq::tensor_scales<F>(amax, recipe_); }
  std::int64_t scale_rows(std::int64_t rows) const override { return F::scale_rows(rows); }
  std::int64_t scale_row_of(std::int64_t row) const override {
    return F::block::rows > 0 ? row / F::block::rows : 0;
  }

  void encode(const float* in, std::int64_t rows, std::int64_t columns, float amax,
              std::vector<std::uint8_t>& codes, std::vector<std::uint8_t>& scales) const override {
    codes.resize(F::codes_bytes(rows, columns));
    std::vector<typename F::scale_type> typed(F::scales_count(rows, columns));
    const nvq::matrix_view<const float> view(in, {rows, columns});
    if constexpr (F::has_tensor_scale) {
      check(nvq::encode<F>(view, codes, typed, amax, recipe_));
    } else {
      nvq::encode_options options;
      if (needs_amax()) options.amax = amax;
      check(nvq::encode<F>(view, codes, typed, recipe_, options));
    }
    scales.resize(typed.size() * sizeof(typed[0]));
    std::memcpy(scales.data(), typed.data(), scales.size());
  }

  void decode(const std::vector<std::uint8_t>& codes, const std::vector<std::uint8_t>& scales,
              std::int64_t rows, std::int64_t columns, float tensor_scale, float* out) const override {
    std::vector<typename F::scale_type> typed(scales.size() / sizeof(typename F::scale_type));
    std::memcpy(typed.data(), scales.data(), scales.size());
    check(nvq::decode<F>(codes, typed, {}, nvq::matrix_view<float>(out, {rows, columns}), tensor_scale));
  }

 private:
  std::string_view name_;
  R recipe_;
};

/// Calls fn(named) for every recipe of a family.
template <class Recipes, class Fn>
void each_recipe(Recipes recipes, Fn&& fn) {
  std::apply([&](auto... named) { (fn(named), ...); }, recipes);
}

template <class F, class Recipes>
std::unique_ptr<Codec> choose(Recipes recipes, std::string_view wanted) {
  std::unique_ptr<Codec> codec;
  std::string known;
  each_recipe(recipes, [&](auto named) {
    if (!codec && (wanted.empty() || wanted == named.name))
      codec = std::make_unique<CodecOf<F, decltype(named.recipe)>>(named.name, named.recipe);
    known += (known.empty() ? "" : ", ") + std::string(named.name);
  });
  if (!codec) throw Failure("unknown recipe '" + std::string(wanted) + "'; this format has " + known);
  return codec;
}

/// Formats whose scale the dialect stores in a wide float of the model's type.
template <class Element, class Block>
std::unique_ptr<Codec> choose_wide(dtype wide, std::string_view recipe) {
  if (wide == dtype::bf16)
    return choose<Format<Element, Block, nvq::ScaleBF16, TensorNone>>(plain_recipes(), recipe);
  if (wide == dtype::f16)
    return choose<Format<Element, Block, nvq::ScaleFP16, TensorNone>>(plain_recipes(), recipe);
  return choose<Format<Element, Block, nvq::ScaleFP32, TensorNone>>(plain_recipes(), recipe);
}

}  // namespace

const std::vector<FormatName>& format_names() {
  static const std::vector<FormatName> all = {
      {"nvfp4", weight_kind::nvfp4, 0, "E2M1, an E4M3 scale per 16 and a float per tensor"},
      {"mxfp4", weight_kind::mxfp4, 0, "E2M1, a power of two per 32"},
      {"mxfp6", weight_kind::mxfp6, 0, "E2M3, a power of two per 32"},
      {"mxfp8", weight_kind::mxfp8, 0, "E4M3, a power of two per 32"},
      {"fp8", weight_kind::fp8_tensor, 0, "E4M3, a scale per tensor"},
      {"fp8_row", weight_kind::fp8_channel, 0, "E4M3, a scale per row"},
      {"fp8_block", weight_kind::fp8_block, 0, "E4M3, a scale per 128 x 128 tile"},
      {"int8", weight_kind::int8_channel, 0, "8-bit integers, a scale per row"},
      {"int4", weight_kind::int4_group, 128, "4-bit integers, a scale per 128"},
      {"int4_g64", weight_kind::int4_group, 64, "4-bit integers, a scale per 64"},
      {"int4_g32", weight_kind::int4_group, 32, "4-bit integers, a scale per 32"},
      {"int4_row", weight_kind::int4_channel, 0, "4-bit integers, a scale per row"},
  };
  return all;
}

const FormatName& find_format(std::string_view name) {
  std::string known;
  for (const FormatName& f : format_names()) {
    if (f.name == name) return f;
    known += (known.empty() ? "" : ", ") + std::string(f.name);
  }
  throw Failure("unknown format '" + std::string(name) + "'; known are " + known);
}

std::unique_ptr<Codec> make_codec(const nvq::io::weight_scheme& s, dtype wide, std::string_view recipe) {
  using nvq::ScaleE8M0;
  switch (s.kind) {
    case weight_kind::nvfp4:
      return choose<nvq::NVFP4>(nvfp4_recipes(), recipe);
    case weight_kind::mxfp4:
      return choose<nvq::MXFP4>(mx_recipes(), recipe);
    case weight_kind::mxfp6:
      return choose<Format<nvq::E2M3, nvq::Block32, ScaleE8M0, TensorNone>>(mx_recipes(), recipe);
    case weight_kind::mxfp8:
      return choose<Format<nvq::E4M3, nvq::Block32, ScaleE8M0, TensorNone>>(mx_recipes(), recipe);
    case weight_kind::fp8_tensor:
      return choose_wide<nvq::E4M3, nvq::WholeTensor>(wide, recipe);
    case weight_kind::fp8_channel:
      return choose_wide<nvq::E4M3, nvq::WholeRow>(wide, recipe);
    case weight_kind::fp8_block:
      return choose_wide<nvq::E4M3, nvq::Tile<128, 128>>(wide, recipe);
    case weight_kind::int8_channel:
      return choose_wide<nvq::Int8, nvq::WholeRow>(wide, recipe);
    case weight_kind::int4_channel:
      return choose_wide<nvq::Int4, nvq::WholeRow>(wide, recipe);
    case weight_kind::int4_group:
      if (s.group == 32) return choose_wide<nvq::Int4, nvq::Block32>(wide, recipe);
      if (s.group == 64) return choose_wide<nvq::Int4, nvq::Block64>(wide, recipe);
      if (s.group == 128) return choose_wide<nvq::Int4, nvq::Block128>(wide, recipe);
      break;
  }
  throw Failure("no codec for groups of " + std::to_string(s.group));
}

std::unique_ptr<Codec> make_decoder(const nvq::io::weight_scheme& s, dtype wide) {
  if (s.kind == weight_kind::nvfp4 && s.owner == nvq::io::dialect::compressed_tensors)
    return choose<Format<nvq::E2M1, nvq::Block16, nvq::ScaleFP32, TensorNone>>(plain_recipes(), {});
  return make_codec(s, wide, {});
}

std::vector<std::uint8_t> fold_divisor(const std::vector<std::uint8_t>& scales, float divisor) {
  std::vector<std::uint8_t> folded(scales.size() * sizeof(float));
  for (std::size_t i = 0; i < scales.size(); ++i) {
    const float scale = nvq::E4M3::decode(scales[i]) / divisor;
    std::memcpy(folded.data() + i * sizeof(float), &scale, sizeof(float));
  }
  return folded;
}

std::vector<std::string> recipe_names(const FormatName& format) {
  std::vector<std::string> names;
  const auto note = [&](auto named) { names.emplace_back(named.name); };
  switch (format.kind) {
    case weight_kind::nvfp4:
      each_recipe(nvfp4_recipes(), note);
      break;
    case weight_kind::mxfp4:
    case weight_kind::mxfp6:
    case weight_kind::mxfp8:
      each_recipe(mx_recipes(), note);
      break;
    default:
      each_recipe(plain_recipes(), note);
  }
  return names;
}

}  // namespace app
