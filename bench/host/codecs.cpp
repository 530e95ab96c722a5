// SPDX-License-Identifier: Apache-2.0
// Encoding, decoding and the amax of whole tensors, as the library's users call them.

#include <cstdio>
#include <cstdlib>
#include <nvq/formats.hpp>
#include <nvq/tensor.hpp>

#include "case.hpp"

namespace bench {
/// ggml's Q8_0 without its order of bytes.
using INT8_G32 = nvq::Format<nvq::Int8, nvq::Block32, nvq::ScaleFP16, nvq::TensorNone>;
}  // namespace bench

NVQ_BEGIN_NAMESPACE
template <>
inline constexpr const char* format_name<bench::INT8_G32> = "INT8_G32";
NVQ_END_NAMESPACE

namespace bench {

namespace {

void require(nvq::result r) {
  if (r) return;
  std::fprintf(stderr, "nvq_bench: %s\n", nvq::to_string(r.ec));
  std::abort();
}

/// A matrix in the input's memory, and room for it encoded.
template <class F, class T>
struct tensor {
  using scale = typename F::scale_type;
  nvq::matrix_view<const T> in;
  nvq::span<std::uint8_t> codes;
  nvq::span<scale> scales;
  double values, input_bytes, encoded_bytes;

  explicit tensor(const place& p)
      : in(input<T>(p.values()).data(), {p.rows, p.columns}),
        codes(static_cast<std::uint8_t*>(output(2, F::codes_bytes(p.rows, p.columns))),
              F::codes_bytes(p.rows, p.columns)),
        scales(static_cast<scale*>(output(3, F::scales_bytes(p.rows, p.columns))),
               F::scales_count(p.rows, p.columns)),
        values(static_cast<double>(p.values())),
        input_bytes(values * sizeof(T)),
        encoded_bytes(static_cast<double>(codes.size() + scales.size() * sizeof(scale))) {}

  /// Encodes; a negative amax is one that is not known.
  template <class R>
  void encode(float amax, R recipe, nvq::executor_ref executor) const {
    nvq::encode_options options;
    options.executor = executor;
    if constexpr (F::has_tensor_scale) {
      require(nvq::encode<F>(in, codes, scales, amax < 0 ? nvq::amax(in, nvq::NaN::ignore, executor) : amax,
                             recipe, options));
    } else {
      options.amax = amax;
      require(nvq::encode<F>(in, codes, scales, recipe, options));
    }
  }
};

nvq::executor_ref executor(unsigned threads) {
  return threads == 1 ? nvq::executor_ref() : nvq::executor_ref(pool(threads));
}

template <class F, class T>
std::string name(const char* what, const char* recipe) {
  return std::string(what) + '/' + nvq::format_name<F> + '/' + type_name<T>() + '/' + recipe;
}

/// Formats with one scale or amax for all have two cases: the amax is known, or is found first.
template <class F, class T, class R>
void add_encode(R recipe, const place& where, unsigned threads) {
  const auto prepare = [=](bool known) {
    return [=] {
      const tensor<F, T> t(where);
      const float amax = known ? nvq::amax(t.in) : -1.0f;
      return work{t.values, t.input_bytes, t.encoded_bytes,
                  [=] { t.encode(amax, recipe, executor(threads)); }};
    };
  };
  constexpr bool whole = F::has_tensor_scale || F::block::rows == 0;
  add(name<F, T>("encode", R::name()), where, threads, prepare(whole));
  if constexpr (whole) add(name<F, T>("amax+encode", R::name()), where, threads, prepare(false));
}

template <class F, class T>
void add_decode(const place& where, unsigned threads) {
  add(name<F, T>("decode", "-"), where, threads, [=] {
    const tensor<F, T> t(where);
    const nvq::default_recipe<F> recipe{};
    const float amax = nvq::amax(t.in);
    t.encode(F::has_tensor_scale ? amax : -1.0f, recipe, executor(threads));
    const float scale = nvq::tensor_scales<F>(amax, recipe).decode;
    const nvq::matrix_view<T> out(static_cast<T*>(output(0, t.in.shape().size() * sizeof(T))), t.in.shape());
    return work{t.values, t.encoded_bytes, t.input_bytes,
                [=] { require(nvq::decode<F>(t.codes, t.scales, {}, out, scale, executor(threads))); }};
  });
}

template <class F, class T>
void add_format() {
  for_each_setting([](const place& where, unsigned threads) {
    add_encode<F, T>(nvq::default_recipe<F>{}, where, threads);
    add_decode<F, T>(where, threads);
  });
}

/// Recipes that search are far from what memory can do: in cache only.
template <class F, class T, class R>
void add_search(R recipe) {
  add_encode<F, T>(recipe, cache, 1);
}

template <class T>
void add_amax() {
  for_each_setting([](const place& where, unsigned threads) {
    add(std::string("amax/-/") + type_name<T>() + "/-", where, threads, [=] {
      const nvq::matrix_view<const T> in(input<T>(where.values()).data(), {where.rows, where.columns});
      const double values = static_cast<double>(where.values());
      return work{values, values * sizeof(T), 0, [=] {
                    volatile float kept = nvq::amax(in, nvq::NaN::ignore, executor(threads));
                    (void)kept;
                  }};
    });
  });
}

}  // namespace

void add_codec_cases() {
  using nvq::bfloat16;
  using nvq::half;
  add_amax<float>();
  add_amax<bfloat16>();
  add_amax<half>();
  add_format<nvq::NVFP4, float>();
  add_format<nvq::NVFP4, bfloat16>();
  add_format<nvq::NVFP4, half>();
  add_format<nvq::MXFP4, float>();
  add_format<nvq::MXFP4, bfloat16>();
  add_format<nvq::MXFP4, half>();
  add_format<nvq::MXFP6_E2M3, bfloat16>();
  add_format<nvq::MXFP8_E4M3, float>();
  add_format<nvq::MXFP8_E4M3, bfloat16>();
  add_format<nvq::FP8_E4M3, float>();
  add_format<nvq::FP8_E4M3, bfloat16>();
  add_format<nvq::FP8_E4M3_1x128, bfloat16>();
  add_format<nvq::FP8_E4M3_128x128, bfloat16>();
  add_format<nvq::INT8_Row, float>();
  add_format<nvq::INT8_Row, bfloat16>();
  add_format<nvq::INT4_G128, float>();
  add_format<nvq::INT4_G128, bfloat16>();
  add_format<nvq::NF4, bfloat16>();
  add_format<INT8_G32, float>();
  add_format<nvq::INT4_G32, float>();
  for_each_setting([](const place& where, unsigned threads) {  // as ggml's Q4_0
    add_encode<nvq::INT4_G32, float>(nvq::recipe::signed_max, where, threads);
  });
  add_search<nvq::NVFP4, bfloat16>(nvq::recipe::modelopt);
  add_search<nvq::NVFP4, bfloat16>(nvq::recipe::vllm);
  add_search<nvq::NVFP4, bfloat16>(nvq::recipe::four_over_six);
  add_search<nvq::NVFP4, bfloat16>(nvq::recipe::mse);
  add_search<nvq::INT4_G128, bfloat16>(nvq::recipe::mse);
}

}  // namespace bench
