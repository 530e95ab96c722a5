// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <nvq/formats.hpp>
#include <string>
#include <tuple>
#include <vector>

// A format under a recipe behind one face, so that what is compared between tiers is said, and compiled, once.

namespace tiers {

using nvq::bfloat16;
using nvq::half;

#ifdef NVQ_TEST_QUICK
constexpr bool quick = true;
#else
constexpr bool quick = false;
#endif

/// What encode() wrote and the bytes around it, which it must leave. Codes start at an odd address, scales at one that
/// only their type's alignment divides.
struct Encoded {
  bool ok = false;
  std::vector<std::uint8_t> codes, scales, zero_points;
};

constexpr std::size_t guard = 65;
constexpr std::uint8_t guard_byte = 0xA5;

template <class T>
using EncodeFn = Encoded (*)(nvq::matrix_view<const T> in, float amax, nvq::executor_ref executor);

/// codes, scales and zero points without guards. `stride` of out.
template <class T>
using DecodeFn = bool (*)(const std::uint8_t* codes, const std::uint8_t* scales,
                          const std::uint8_t* zero_points, float tensor_scale, nvq::executor_ref executor,
                          nvq::matrix_view<T> out);

template <template <class> class Fn>
struct PerType {
  Fn<float> f32 = nullptr;
  Fn<bfloat16> bf16 = nullptr;
  Fn<half> f16 = nullptr;
  template <class T>
  Fn<T> get() const {
    if constexpr (std::is_same<T, float>::value)
      return f32;
    else if constexpr (std::is_same<T, bfloat16>::value)
      return bf16;
    else
      return f16;
  }
};

struct Format {
  const char* name = "";
  std::size_t bits = 0, scale_bytes = 0;
  std::size_t block_rows = 0, block_columns = 0;  ///< 0: of the matrix
  bool has_tensor_scale = false, has_zero_point = false;
  std::size_t (*codes_bytes)(std::size_t rows, std::size_t columns) = nullptr;
  std::size_t (*scales_count)(std::size_t rows, std::size_t columns) = nullptr;
  std::size_t (*blocks_count)(std::size_t rows, std::size_t columns) = nullptr;
  PerType<DecodeFn> decode;
};

struct Codec {
  Format format;
  std::string name;
  bool searches = false;  ///< up to a hundred times slower than others
  float (*tensor_scale)(float amax) = nullptr;
  PerType<EncodeFn> encode;
};

template <class F, class R, class T, bool Stochastic>
Encoded encode_with(nvq::matrix_view<const T> in, float amax, nvq::executor_ref executor) {
  using scale = typename F::scale_type;
  const std::size_t codes = F::codes_bytes(in.rows(), in.columns());
  const std::size_t scales = F::scales_count(in.rows(), in.columns());
  const std::size_t points = F::has_zero_point ? scales : 0;
  Encoded out;
  out.codes.assign(codes + 2 * guard, guard_byte);
  out.zero_points.assign(points + 2 * guard, guard_byte);
  scale fill;
  std::memset(static_cast<void*>(&fill), guard_byte, sizeof fill);
  std::vector<scale> guarded(scales + 2 * guard, fill);
  nvq::encode_options options;
  options.executor = executor;
  options.stochastic = Stochastic;
  options.seed = 0x123456789ABCDEFu;
  const nvq::span<std::uint8_t> code_span(out.codes.data() + guard, codes);
  const nvq::span<scale> scale_span(guarded.data() + guard, scales);
  if constexpr (F::has_tensor_scale) {
    out.ok = static_cast<bool>(
        nvq::encode<F>(in, code_span, scale_span, amax < 0.0f ? nvq::amax(in) : amax, R{}, options));
  } else {
    options.amax = amax;
    out.ok = static_cast<bool>(nvq::encode<F>(in, code_span, scale_span,
                                              nvq::span<std::uint8_t>(out.zero_points.data() + guard, points),
                                              R{}, options));
  }
  out.scales.resize(guarded.size() * sizeof(scale));
  std::memcpy(out.scales.data(), guarded.data(), out.scales.size());
  return out;
}

template <class F, class T>
bool decode_with(const std::uint8_t* codes, const std::uint8_t* scale_bytes, const std::uint8_t* zero_points,
                 float tensor_scale, nvq::executor_ref executor, nvq::matrix_view<T> out) {
  using scale = typename F::scale_type;
  const std::size_t count = F::scales_count(out.rows(), out.columns());
  std::vector<scale> scales(1 + count);
  if (count != 0) std::memcpy(scales.data() + 1, scale_bytes, count * sizeof(scale));
  const std::size_t points = F::has_zero_point ? F::blocks_count(out.rows(), out.columns()) : 0;
  return static_cast<bool>(
      nvq::decode<F>(nvq::span<const std::uint8_t>(codes, F::codes_bytes(out.rows(), out.columns())),
                     nvq::span<const scale>(scales.data() + 1, count),
                     nvq::span<const std::uint8_t>(zero_points, points), out, tensor_scale, executor));
}

template <class F>
Format format_of() {
  Format f;
  f.name = nvq::format_name<F>;
  f.bits = F::element::bits;
  f.scale_bytes = sizeof(typename F::scale_type);
  f.block_rows = static_cast<std::size_t>(F::block::rows);
  f.block_columns = static_cast<std::size_t>(F::block::columns);
  f.has_tensor_scale = F::has_tensor_scale;
  f.has_zero_point = F::has_zero_point;
  f.codes_bytes = [](std::size_t r, std::size_t c) {
    return static_cast<std::size_t>(F::codes_bytes(std::int64_t(r), std::int64_t(c)));
  };
  f.scales_count = [](std::size_t r, std::size_t c) {
    return static_cast<std::size_t>(F::scales_count(std::int64_t(r), std::int64_t(c)));
  };
  f.blocks_count = [](std::size_t r, std::size_t c) {
    return static_cast<std::size_t>(F::blocks_count(std::int64_t(r), std::int64_t(c)));
  };
  f.decode.f32 = decode_with<F, float>;
  f.decode.bf16 = decode_with<F, bfloat16>;
  f.decode.f16 = decode_with<F, half>;
  return f;
}

/// Sets c to encode under R, from every type. Where time is short, that of float alone under all but the default recipe: loads
/// do not depend on the recipe.
template <class F, class R, bool Stochastic>
void set_encode(Codec& c) {
  c.encode = {};
  c.encode.f32 = encode_with<F, R, float, Stochastic>;
  if constexpr (!quick || (std::is_same<R, nvq::default_recipe<F>>::value && !Stochastic)) {
    c.encode.bf16 = encode_with<F, R, bfloat16, Stochastic>;
    c.encode.f16 = encode_with<F, R, half, Stochastic>;
  }
}

/// Appends F under every recipe that applies to it.
template <class F>
void add_recipes(std::vector<Codec>& codecs) {
  const auto maybe = [&](auto recipe) {
    using R = decltype(recipe);
    if constexpr (nvq::supports_v<R, F>) {
      Codec c;
      c.format = format_of<F>();
      c.name = std::string(c.format.name) + " " + R::name();
      c.searches = nvq::detail::is_search<nvq::detail::rules_t<R, F>, F>::value;
      c.tensor_scale = [](float amax) {
        return F::has_tensor_scale ? nvq::tensor_scales<F>(amax, R{}).decode : 1.0f;
      };
      set_encode<F, R, false>(c);
      codecs.push_back(c);
      if constexpr (nvq::detail::has_stochastic<typename F::element>::value &&
                    (std::is_same<R, nvq::default_recipe<F>>::value ||
                     std::is_same<R, nvq::recipe::ggml_t>::value)) {
        c.name += ", stochastic";
        set_encode<F, R, true>(c);
        codecs.push_back(c);
      }
    }
  };
  std::apply([&](auto... recipe) { (maybe(recipe), ...); }, nvq::AllRecipes{});
}

void add_nvfp4(std::vector<Codec>&);
void add_nvfp4_2d(std::vector<Codec>&);
void add_mxfp4(std::vector<Codec>&);
void add_mxfp6(std::vector<Codec>&);
void add_mxfp8(std::vector<Codec>&);
void add_fp8(std::vector<Codec>&);
void add_fp8_blocks(std::vector<Codec>&);
void add_fp8_tiles(std::vector<Codec>&);
void add_int8(std::vector<Codec>&);
void add_int4(std::vector<Codec>&);
void add_int4_zero_points(std::vector<Codec>&);
void add_nf4(std::vector<Codec>&);
void add_own(std::vector<Codec>&);

/// Every format under every recipe that applies, some that are not listed among them.
inline std::vector<Codec> all_codecs() {
  std::vector<Codec> codecs;
  for (const auto add : {add_nvfp4, add_nvfp4_2d, add_mxfp4, add_mxfp6, add_mxfp8, add_fp8, add_fp8_blocks,
                         add_fp8_tiles, add_int8, add_int4, add_int4_zero_points, add_nf4, add_own})
    add(codecs);
  return codecs;
}

}  // namespace tiers
