// SPDX-License-Identifier: Apache-2.0
// pack() of one format, -DNVQ_FORMAT=NVFP4, under every recipe: blocks that hold all 2^16 halves and bfloat16s, and
// random floats, against encode_block().
#include <nvq/cuda/pack.cuh>
#include <nvq/formats.hpp>
#include <nvq/recipe.hpp>
#include <tuple>

#include "recipes.hpp"
#include "sweep.cuh"

namespace {

using gpu::words;
using nvq::cuda::pair;
using Listed = nvq::NVQ_FORMAT;

/// The format with blocks that a thread has in its registers: rows, tensors, tiles and long blocks become 32 values.
constexpr int block = Listed::block_size == 0 || Listed::block_size > 64
                          ? 32
                          : static_cast<int>(Listed::block_size);
using F = nvq::Format<Listed::element, nvq::Block<block>, Listed::block_scale, Listed::tensor_scale>;

constexpr int code_words = nvq::cuda::detail::word_count<nvq::cuda::codes_t<F, block>>;
/// The codes, the scale, the zero point, the tensor's decode scale.
using result = words<code_words + 3>;

template <class Scale>
NVQ_HD result result_of(const std::uint32_t (&codes)[code_words], Scale scale, nvq::TensorScales ts) {
  result r{};
  for (int i = 0; i < code_words; ++i) r.word[i] = codes[i];
  if constexpr (std::is_class<Scale>::value) {
    r.word[code_words] = gpu::canonical(F::block_scale::decode(scale.scale));
    r.word[code_words + 1] = scale.zero_point;
  } else if constexpr (sizeof(Scale) == 1) {
    r.word[code_words] = scale;
  } else {
    r.word[code_words] = gpu::canonical(F::block_scale::decode(scale));
  }
  r.word[code_words + 2] = gpu::canonical(ts.decode);
  return r;
}

/// Where the values of block i come from.
enum class Source {
  bits,     ///< 16-bit patterns in order: neighbours differ little
  mixed,    ///< odd multiples of a number go through all patterns: magnitudes are mixed
  ordinary  ///< floats around 1, rounded
};

template <class T>
NVQ_HD std::uint16_t value_bits(Source source, std::int64_t i, int j) {
  const std::int64_t index = i * block + j;
  if (source == Source::bits) return static_cast<std::uint16_t>(index);
  if (source == Source::mixed) return static_cast<std::uint16_t>(index * 40503);
  return T(gpu::random_float(gpu::mix32(index, 30), false)).bits;
}
NVQ_HD float float_value(std::int64_t i, int j) {
  // Of every four blocks one has all exponents.
  const std::uint32_t bits = gpu::mix32(i * block + j, 31);
  const float x = gpu::random_float(bits, i % 4 == 0);
  return i % 4 == 1 ? nvq::mul_rn(x, nvq::exp2i(static_cast<int>(i % 200) - 100)) : x;
}

/// How block i is packed: whole, from pairs or floats, or as two halves that share a statistic.
template <class R, class T>
struct pack_block {
  Source source;
  float amax;
  NVQ_HD result operator()(std::int64_t i) const {
    const auto ts = nvq::tensor_scales<F>(amax, R{});
    std::uint32_t codes[code_words];
    if constexpr (std::is_same<T, float>::value) {
      float x[block];
      for (int j = 0; j < block; ++j) x[j] = float_value(i, j);
      const auto packed = nvq::cuda::pack<F>(x, ts, R{});
      nvq::cuda::detail::to_words(packed.codes, codes);
      return result_of(codes, packed.scale, ts);
    } else {
      pair<T> x[block / 2];
      for (int j = 0; j < block; j += 2)
        x[j / 2].bits = value_bits<T>(source, i, j) | std::uint32_t{value_bits<T>(source, i, j + 1)} << 16;
      const auto packed = nvq::cuda::pack<F>(x, ts, R{});
      nvq::cuda::detail::to_words(packed.codes, codes);
      return result_of(codes, packed.scale, ts);
    }
  }
};

template <class R>
struct pack_halves {
  float amax;
  NVQ_HD result operator()(std::int64_t i) const {
    const auto ts = nvq::tensor_scales<F>(amax, R{});
    float low[block / 2], high[block / 2];
    for (int j = 0; j < block / 2; ++j) {
      low[j] = float_value(i, j);
      high[j] = float_value(i, block / 2 + j);
    }
    auto statistic = nvq::cuda::gather<F>(low, R{});
    statistic.merge(nvq::cuda::gather<F>(high, R{}));
    const auto a = nvq::cuda::pack<F>(low, statistic, ts, R{}),
               b = nvq::cuda::pack<F>(high, statistic, ts, R{});
    constexpr int words_of_half = nvq::cuda::detail::word_count<nvq::cuda::codes_t<F, block / 2>>;
    std::uint32_t first[words_of_half], second[words_of_half], codes[code_words] = {};
    nvq::cuda::detail::to_words(a.codes, first);
    nvq::cuda::detail::to_words(b.codes, second);
    constexpr int bits = block / 2 * F::element::bits;
    for (int w = 0; w < words_of_half; ++w) {
      codes[w] |= first[w];
      codes[bits / 32 + w] |= second[w] << bits % 32;
    }
    return result_of(codes, a.scale, ts);
  }
};

template <class R>
result expected(const float (&x)[block], float amax) {
  const auto ts = nvq::tensor_scales<F>(amax, R{});
  std::uint8_t codes[block];
  const auto scale = nvq::encode_block<F>(x, block, codes, ts, R{});
  std::uint32_t packed[code_words] = {};
  for (int j = 0; j < block; ++j)
    for (int b = 0; b < F::element::bits; ++b)
      packed[(j * F::element::bits + b) / 32] |= static_cast<std::uint32_t>(codes[j] >> b & 1)
                                                 << (j * F::element::bits + b) % 32;
  return result_of(packed, scale, ts);
}

template <class R>
constexpr gpu::Verdict verdict = gpu::is_approximate<F, R> ? gpu::Verdict::note : gpu::Verdict::equal;

template <class R, class T>
void check_source(const std::string& what, Source source, float amax) {
  const std::int64_t n = std::is_same<T, float>::value ? gpu::full_or(1 << 17, 1 << 10)
                         : source == Source::ordinary  ? gpu::full_or(1 << 16, 1 << 10)
                                                       : 65536 / block;
  gpu::sweep(
      what, n, pack_block<R, T>{source, amax},
      [source, amax](std::int64_t i) {
        float x[block];
        for (int j = 0; j < block; ++j) {
          if constexpr (std::is_same<T, float>::value)
            x[j] = float_value(i, j);
          else
            x[j] = nvq::to_float(T::from_bits(value_bits<T>(source, i, j)));
        }
        return expected<R>(x, amax);
      },
      verdict<R>);
}

template <class R>
void check_recipe(R) {
  if constexpr (nvq::supports_v<R, F>) {
    const std::string name = R::name();
    for (const Source source : {Source::bits, Source::mixed, Source::ordinary}) {
      const float amax = source == Source::ordinary ? 2.0f : 60000.0f;
      check_source<R, nvq::half>(name + ", halves", source, amax);
      check_source<R, nvq::bfloat16>(name + ", bfloat16s", source,
                                     source == Source::ordinary ? 1.7f : 3.0e38f);
    }
    for (const float amax : {1.3f, 0.0f, 1.0e30f}) {
      if (amax != 1.3f && !F::has_tensor_scale) continue;
      check_source<R, float>(name + ", floats", Source::ordinary, amax);
    }
    if constexpr (!nvq::detail::is_search<nvq::detail::rules_t<R, F>, F>::value)
      gpu::sweep(
          name + ", two threads a block", gpu::full_or(1 << 15, 1 << 10), pack_halves<R>{1.3f},
          [](std::int64_t i) {
            float x[block];
            for (int j = 0; j < block; ++j) x[j] = float_value(i, j);
            return expected<R>(x, 1.3f);
          },
          verdict<R>);
  }
}

}  // namespace

NVQ_GPU_TEST("pack", nvq::format_name<Listed>) {
  gpu::for_each_recipe([](auto recipe) { check_recipe(recipe); });
}
