// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/config.hpp>
#include <nvq/recipe/base.hpp>
#include <nvq/recipe/fp8.hpp>
#include <nvq/recipe/integer.hpp>
#include <nvq/recipe/mx.hpp>
#include <nvq/recipe/nf4.hpp>
#include <nvq/recipe/nvfp4.hpp>
#include <nvq/recipe/nvfp4_engines.hpp>
#include <nvq/recipe/nvfp4_search.hpp>
#include <nvq/recipe/plain.hpp>
#include <tuple>
#include <type_traits>

// The recipes by name. A name is one owner's way of computing, or one rule; what it means for a family of
// formats is said, with every rounding, at the rules it picks: nvfp4::, mx::, fp8::, integer::, nf4:: and
// plain:: in recipe/*.hpp.

NVQ_BEGIN_NAMESPACE

namespace recipe {

// Under a tensor scale (NVFP4), and the same owner's FP8.
struct transformer_engine_t : base {
  static constexpr const char* name() noexcept { return "transformer_engine"; }
  template <class F>
  using rules = std::conditional_t<F::has_tensor_scale, nvfp4::transformer_engine, fp8::transformer_engine>;
};
struct modelopt_t : nvfp4::modelopt {
  static constexpr const char* name() noexcept { return "modelopt"; }
};
struct compressed_tensors_t : base {
  static constexpr const char* name() noexcept { return "compressed_tensors"; }
  template <class F>
  using rules = std::conditional_t<
      F::has_tensor_scale, nvfp4::compressed_tensors<false>,
      std::conditional_t<scaled_by<F, ScaleE8M0>(), mx::compressed_tensors,
                         std::conditional_t<F::has_zero_point, integer::compressed_tensors_affine,
                                            integer::compressed_tensors<false>>>>;
};
/// As compressed_tensors, but what that tool computes when the weights are bfloat16.
struct compressed_tensors_bf16_t : base {
  static constexpr const char* name() noexcept { return "compressed_tensors_bf16"; }
  template <class F>
  using rules = std::conditional_t<F::has_tensor_scale, nvfp4::compressed_tensors<true>,
                                   integer::compressed_tensors<true>>;
};
struct torchao_t : nvfp4::torchao {
  static constexpr const char* name() noexcept { return "torchao"; }
};
struct vllm_t : base {
  static constexpr const char* name() noexcept { return "vllm"; }
  template <class F>
  using rules = std::conditional_t<F::has_tensor_scale, nvfp4::vllm,
                                   std::conditional_t<float_element<F>(), fp8::vllm, integer::vllm>>;
};
struct trtllm_t : base {
  static constexpr const char* name() noexcept { return "trtllm"; }
  template <class F>
  using rules = std::conditional_t<F::has_tensor_scale, nvfp4::trtllm, fp8::trtllm>;
};
struct ggml_t : base {
  static constexpr const char* name() noexcept { return "ggml"; }
  template <class F>
  using rules = std::conditional_t<F::has_tensor_scale, nvfp4::ggml, integer::ggml>;
};
struct four_over_six_t : nvfp4::four_over_six<nvfp4::Error::squared, 256> {
  static constexpr const char* name() noexcept { return "four_over_six"; }
};
struct four_over_six_mae_t : nvfp4::four_over_six<nvfp4::Error::absolute, 256> {
  static constexpr const char* name() noexcept { return "four_over_six_mae"; }
};
struct four_over_six_448_t : nvfp4::four_over_six<nvfp4::Error::squared, 448> {
  static constexpr const char* name() noexcept { return "four_over_six_448"; }
};
struct four_over_six_mae_448_t : nvfp4::four_over_six<nvfp4::Error::absolute, 448> {
  static constexpr const char* name() noexcept { return "four_over_six_mae_448"; }
};

// Under a power of two (MX).
struct rceil_t : mx::rceil {
  static constexpr const char* name() noexcept { return "rceil"; }
};
struct ocp_floor_t : mx::ocp_floor {
  static constexpr const char* name() noexcept { return "ocp_floor"; }
};
struct even_t : mx::even {
  static constexpr const char* name() noexcept { return "even"; }
};
struct ceil_t : mx::ceil {
  static constexpr const char* name() noexcept { return "ceil"; }
};

// Under one scale of any type (FP8, INT8, INT4, NF4).
struct amax_t : plain::amax {
  static constexpr const char* name() noexcept { return "amax"; }
};
struct signed_max_t : plain::signed_max {
  static constexpr const char* name() noexcept { return "signed_max"; }
};
struct deepseek_t : fp8::deepseek {
  static constexpr const char* name() noexcept { return "deepseek"; }
};
struct deepgemm_t : fp8::deepgemm {
  static constexpr const char* name() noexcept { return "deepgemm"; }
};
struct asymmetric_t : integer::asymmetric {
  static constexpr const char* name() noexcept { return "asymmetric"; }
};
struct gptq_t : integer::gptq {
  static constexpr const char* name() noexcept { return "gptq"; }
};
struct awq_t : integer::awq {
  static constexpr const char* name() noexcept { return "awq"; }
};
struct bitsandbytes_t : nf4::bitsandbytes {
  static constexpr const char* name() noexcept { return "bitsandbytes"; }
};

/// The scale of least squared error, for every family; takes importance weights.
struct mse_t : base {
  static constexpr const char* name() noexcept { return "mse"; }
  template <class F>
  using rules = std::conditional_t<F::has_tensor_scale, nvfp4::mse,
                                   std::conditional_t<scaled_by<F, ScaleE8M0>(), mx::mse, plain::mse>>;
};

inline constexpr transformer_engine_t transformer_engine{};
inline constexpr modelopt_t modelopt{};
inline constexpr compressed_tensors_t compressed_tensors{};
inline constexpr compressed_tensors_bf16_t compressed_tensors_bf16{};
inline constexpr torchao_t torchao{};
inline constexpr vllm_t vllm{};
inline constexpr trtllm_t trtllm{};
inline constexpr ggml_t ggml{};
inline constexpr four_over_six_t four_over_six{};
inline constexpr four_over_six_mae_t four_over_six_mae{};
inline constexpr four_over_six_448_t four_over_six_448{};
inline constexpr four_over_six_mae_448_t four_over_six_mae_448{};
inline constexpr rceil_t rceil{};
inline constexpr ocp_floor_t ocp_floor{};
inline constexpr even_t even{};
inline constexpr ceil_t ceil{};
inline constexpr amax_t amax{};
inline constexpr signed_max_t signed_max{};
inline constexpr deepseek_t deepseek{};
inline constexpr deepgemm_t deepgemm{};
inline constexpr asymmetric_t asymmetric{};
inline constexpr gptq_t gptq{};
inline constexpr awq_t awq{};
inline constexpr bitsandbytes_t bitsandbytes{};
inline constexpr mse_t mse{};

}  // namespace recipe

/// Every shipped recipe; which apply to a format is supports_v<R, F>.
using AllRecipes =
    std::tuple<recipe::transformer_engine_t, recipe::modelopt_t, recipe::compressed_tensors_t,
               recipe::compressed_tensors_bf16_t, recipe::torchao_t, recipe::vllm_t, recipe::trtllm_t,
               recipe::ggml_t, recipe::four_over_six_t, recipe::four_over_six_mae_t,
               recipe::four_over_six_448_t, recipe::four_over_six_mae_448_t, recipe::rceil_t,
               recipe::ocp_floor_t, recipe::even_t, recipe::ceil_t, recipe::amax_t, recipe::signed_max_t,
               recipe::deepseek_t, recipe::deepgemm_t, recipe::asymmetric_t, recipe::gptq_t, recipe::awq_t,
               recipe::bitsandbytes_t, recipe::mse_t>;

namespace detail {
template <class F>
NVQ_HD constexpr auto default_recipe_of() noexcept {
  if constexpr (F::has_tensor_scale)
    return recipe::transformer_engine_t{};
  else if constexpr (F::has_zero_point)
    return recipe::asymmetric_t{};
  else if constexpr (recipe::scaled_by<F, ScaleE8M0>())
    return recipe::rceil_t{};
  else if constexpr (recipe::nf4::bitsandbytes::supports<F>)
    return recipe::bitsandbytes_t{};
  else
    return recipe::amax_t{};
}
}  // namespace detail

/// The recipe used when none is named: transformer_engine under a tensor scale, rceil under E8M0 scales,
/// asymmetric with zero points, bitsandbytes for NF4, amax otherwise.
template <class F>
using default_recipe = decltype(detail::default_recipe_of<F>());

NVQ_END_NAMESPACE
