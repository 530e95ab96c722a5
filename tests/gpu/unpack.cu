// SPDX-License-Identifier: Apache-2.0
// unpack() of one format, -DNVQ_FORMAT=NVFP4: every code under every scale of one or two bytes.
#include <nvq/cuda/unpack.cuh>
#include <nvq/formats.hpp>

#include "sweep.cuh"

namespace {

using F = nvq::NVQ_FORMAT;
using E = F::element;
using gpu::words;
using nvq::cuda::codes_t;
using nvq::cuda::pair;
using nvq::cuda::register_traits;

constexpr int codes_count = 1 << E::bits;
constexpr std::int64_t scales_count = F::has_zero_point ? 65536 * 16
                                      : std::is_same<F::scale_code, float>::value
                                          ? 4096
                                          : 1 << 8 * sizeof(F::scale_type);
constexpr std::int64_t tensor_scales_count = F::has_tensor_scale ? 6 : 1;

template <class Scale>
NVQ_HD Scale scale_at(std::int64_t i) {
  if constexpr (std::is_class<Scale>::value) {
    return {static_cast<F::scale_type>(i / 16), static_cast<std::uint8_t>(i % 16)};
  } else if constexpr (std::is_same<Scale, float>::value) {
    const std::uint32_t edge[8] = {0,           0x80000000u, 0x3F800000u, 0x000116C2u,
                                   0x7E967699u, 0x7FC00000u, 0x7F800000u, 0x00800000u};
    return nvq::float_from_bits(i < 8 ? edge[i] : gpu::mix32(i, 10));
  } else {
    return static_cast<Scale>(i);
  }
}
NVQ_HD float tensor_scale_at(std::int64_t i) {
  const std::uint32_t bits[6] = {0x3C4985F0u, 0x3F800000u, 0, 0x00206C81u, 0x7E967699u, 0x7FC00000u};
  return nvq::float_from_bits(bits[i]);
}

/// N codes first, first + 1 ... as they lie in a register.
template <int N>
NVQ_HD codes_t<F, N> codes_from(unsigned first) {
  std::uint32_t packed[nvq::cuda::detail::word_count<codes_t<F, N>>] = {};
  for (int i = 0; i < N; ++i) {
    const std::uint32_t code = (first + static_cast<unsigned>(i)) % codes_count;
    const int bit = i * E::bits, shift = bit % 32;
    packed[bit / 32] |= code << shift;
    if (shift + E::bits > 32) packed[bit / 32 + 1] |= code >> (32 - shift);
  }
  return nvq::cuda::detail::from_words<codes_t<F, N>>(packed);
}

enum class Scaled { all, block, none };

template <class Out, int N>
struct unpack_codes {
  static constexpr int count = N / register_traits<Out>::count, groups = (codes_count + N - 1) / N;
  using T = typename register_traits<Out>::value;
  Scaled scaled;

  /// The codes, the scale and the tensor scale of item i.
  NVQ_HD static unsigned first(std::int64_t i) { return static_cast<unsigned>(i % groups) * N; }
  NVQ_HD static F::scale_code scale(std::int64_t i) {
    return scale_at<F::scale_code>(i / groups % scales_count);
  }
  NVQ_HD static float tensor_scale(std::int64_t i) { return tensor_scale_at(i / groups / scales_count); }

  NVQ_HD words<count> operator()(std::int64_t i) const {
    Out out[count];
    const auto codes = codes_from<N>(first(i));
    if (scaled == Scaled::all)
      nvq::cuda::unpack<F>(codes, scale(i), tensor_scale(i), out);
    else if (scaled == Scaled::block)
      nvq::cuda::unpack<F>(codes, scale(i), out);
    else
      nvq::cuda::unpack<F>(codes, out);
    words<count> w{};
    for (int j = 0; j < count; ++j) {
      if constexpr (std::is_same<Out, float>::value)
        w.word[j] = gpu::canonical(out[j]);
      else
        w.word[j] = gpu::canonical_pair<T>(register_traits<Out>::bits(out[j]));
    }
    return w;
  }
  float expected(std::int64_t i, int j) const {
    const auto code = static_cast<std::uint8_t>((first(i) + static_cast<unsigned>(j)) % codes_count);
    if (scaled == Scaled::all) return nvq::decode_value<F>(code, scale(i), tensor_scale(i));
    if (scaled == Scaled::block) return nvq::decode_value<F>(code, scale(i), 1.0f);
    return E::decode(code);
  }
};

template <class Out, int N>
void check(const char* type) {
  using fn = unpack_codes<Out, N>;
  using T = typename fn::T;
  for (const Scaled scaled : {Scaled::all, Scaled::block, Scaled::none}) {
    const fn device{scaled};
    const std::int64_t n =
        fn::groups *
        (scaled == Scaled::none ? 1 : scales_count * (scaled == Scaled::all ? tensor_scales_count : 1));
    const auto host = [device](std::int64_t i) {
      words<fn::count> w{};
      for (int j = 0; j < fn::count; ++j) {
        if constexpr (std::is_same<Out, float>::value)
          w.word[j] = gpu::canonical(device.expected(i, j));
        else
          w.word[j] = gpu::canonical<T>(T(device.expected(i, 2 * j)).bits) |
                      std::uint32_t{gpu::canonical<T>(T(device.expected(i, 2 * j + 1)).bits)} << 16;
      }
      return w;
    };
    gpu::sweep(std::to_string(N) + " codes to " + type +
                   (scaled == Scaled::all     ? ""
                    : scaled == Scaled::block ? ", tensor scale left"
                                              : ", elements"),
               gpu::full_or(n, 1 << 13), device, host);
  }
}
template <class Out>
void check_counts(const char* type) {
  check<Out, 2>(type);
  check<Out, 8>(type);
  check<Out, 16>(type);
  check<Out, 32>(type);
}

}  // namespace

NVQ_GPU_TEST("unpack", nvq::format_name<F>) {
  check_counts<float>("float");
  check_counts<pair<nvq::half>>("half");
  check_counts<pair<nvq::bfloat16>>("bfloat16");
#if defined(__CUDACC__)
  check<__half2, 8>("__half2");
  check<__nv_bfloat162, 8>("__nv_bfloat162");
#endif
}
