// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/recipe/nvfp4.hpp>

// Rules for NVFP4 that try several scales for a block and keep the one with the least error. Notation as in
// recipe/nvfp4.hpp.

NVQ_BEGIN_NAMESPACE

namespace recipe {
namespace nvfp4 {

enum class Error { squared, absolute };

/// Four Over Six (arXiv 2512.02010; the operations are TransformerEngine 2.20's, error in exact mode). M is
/// 256 or 448.
///
///   S = min(6 * M / T, FLT_MAX)
///   base = (a / 6) * S
///   s6 = E4(base), s4 = E4(base * 1.5), saturating at 448; codes under each as transformer_engine's
///   y = ((q * s) * T) / (6 * M), the error of a value being |y - x| or (y - x)^2
///
/// Errors are added in order of index (in a tile: rows in order, then the row sums in a tree). s4 is taken when its
/// sum is less, s6 on a tie or a NaN.
///
/// With M = 256 every block can take s4, since 1.5 * 256 is a scale; with 448 blocks near T cannot. Zero
/// blocks and underflow as transformer_engine.
template <Error Metric, int M>
struct four_over_six : transformer_engine {
  template <class F>
  NVQ_HD static constexpr TensorScales tensor(float amax) noexcept {
    return tensor_of<F>(amax, static_cast<float>(M));
  }
  template <class F>
  NVQ_HD static constexpr int candidates(AbsMax, TensorScales) noexcept {
    return 2;
  }
  template <class F>
  NVQ_HD static constexpr typename F::scale_code candidate(int i, AbsMax s, TensorScales ts) noexcept {
    const float six = mul_rn(div_rn(s.amax, F::element::largest()), ts.encode);
    return F::block_scale::encode(i == 0 ? six : mul_rn(six, 1.5f));
  }
  template <class F>
  NVQ_HD static constexpr float error(float x, std::uint8_t code, typename F::scale_code scale, AbsMax,
                                      TensorScales ts) noexcept {
    const float product = mul_rn(F::element::decode(code), F::block_scale::decode(scale));
    const float y = div_rn(mul_rn(product, ts.amax), mul_rn(F::element::largest(), static_cast<float>(M)));
    const float d = sub_rn(y, x);
    return Metric == Error::absolute ? abs(d) : mul_rn(d, d);
  }
};

/// The scale of least squared error (nvq's own). With importance weights, of least weighted squared error.
///
///   g = T / (6 * 256), so that the block that holds T can take a scale above its amax's
///   c = E4((a / g) / 6)
///   candidates: c, then c - 2 ... c + 7 among the positive codes, in ascending order (from c - 8 on where
///   more than 16 values share a scale)
///   code = Q(x / (s * g))
///   error of a value: (x / g - q * s)^2, added in order of index; the first least sum wins
///
/// For squared error this window holds the optimum of all 126 positive scales but for about one block in a
/// million. A zero block has scale 0 and codes +-0. NaN does not enter amaxes; a NaN value makes every sum
/// NaN, so that c is kept, and encodes as +6 (0 under a scale of 0).
struct mse : common {
  template <class F>
  static constexpr bool supports = common::supports<F> && sizeof(typename F::scale_type) == 1;

  template <class F>
  NVQ_HD static constexpr TensorScales tensor(float amax) noexcept {
    return tensor_for<F>(amax, 256.0f);
  }
  template <class F>
  NVQ_HD static constexpr int candidates(AbsMax s, TensorScales) noexcept {
    return is_positive(s.amax) ? below<F>() + 8 : 1;
  }
  template <class F>
  NVQ_HD static constexpr typename F::scale_code candidate(int i, AbsMax s, TensorScales ts) noexcept {
    const int center = F::block_scale::encode(div_rn(div_rn(s.amax, ts.decode), F::element::largest()));
    if (!is_positive(s.amax)) return 0;
    const int code = i == 0 ? center : center - below<F>() + (i <= below<F>() ? i - 1 : i);
    const int last = F::block_scale::encode(F::block_scale::largest());
    return static_cast<typename F::scale_code>(code < 1 ? 1 : code > last ? last : code);
  }
  template <class F>
  NVQ_HD static constexpr DivideOrZero scaler(typename F::scale_code code, AbsMax, TensorScales ts) noexcept {
    return DivideOrZero{mul_rn(F::block_scale::decode(code), ts.decode)};
  }
  template <class F>
  NVQ_HD static constexpr float error(float x, std::uint8_t code, typename F::scale_code scale, AbsMax,
                                      TensorScales ts) noexcept {
    const float d =
        sub_rn(div_rn(x, ts.decode), mul_rn(F::element::decode(code), F::block_scale::decode(scale)));
    return mul_rn(d, d);
  }

 private:
  /// How far below c to look: the more values, the sooner it pays to clip the largest.
  template <class F>
  NVQ_HD static constexpr int below() noexcept {
    return F::block_size != 0 && F::block_size <= 16 ? 2 : 8;
  }
};

}  // namespace nvfp4
}  // namespace recipe

NVQ_END_NAMESPACE
