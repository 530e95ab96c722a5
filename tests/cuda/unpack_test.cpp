// SPDX-License-Identifier: Apache-2.0
// unpack() on the host, against decode_value(): every code, every scale of one or two bytes.
#include <cstdint>
#include <nvq/cuda/unpack.cuh>
#include <nvq/formats.hpp>
#include <vector>

#include "../support/catch.hpp"
#include "registers.hpp"

namespace {

using nvq::cuda::codes_t;
using nvq::cuda::pair;
using nvq::cuda::register_traits;
using registers::codes_of;

/// Scales that a format can store: all of one or two bytes, edge cases of float.
template <class F>
std::vector<typename F::scale_code> scales() {
  using storage = typename F::scale_type;
  std::vector<typename F::scale_code> list;
  if constexpr (F::has_zero_point) {
    for (unsigned s = 0; s < 65536; s += 7)
      list.push_back({static_cast<storage>(s), static_cast<std::uint8_t>(s / 7 % 16)});
  } else if constexpr (std::is_same<typename F::scale_code, float>::value) {
    for (const float s : {0.0f, -0.0f, 1.0f, 0.37f, -3.0e-5f, 1.0e-40f, 2.5e38f, 1.7e-38f, 448.0f})
      list.push_back(s);
    list.push_back(nvq::quiet_nan());
    list.push_back(nvq::infinity());
  } else {
    for (unsigned s = 0; s < 1u << 8 * sizeof(storage); ++s) list.push_back(static_cast<storage>(s));
  }
  return list;
}

template <class F>
float element(unsigned code) {
  return F::element::decode(static_cast<std::uint8_t>(code));
}

/// Differences between `out` and the values of codes first, first + step ... of `value(code)`.
template <class F, class Out, unsigned Count, class Value>
long differences(const Out (&out)[Count], unsigned first, unsigned step, Value value) {
  float expected[Count * register_traits<Out>::count];
  unsigned i = 0;
  for (float& e : expected) e = value((first + step * i++) & ((1u << F::element::bits) - 1));
  return registers::differences(out, expected);
}

/// Blocks of N codes so that every code occurs.
template <class F, class Out, unsigned N, class Check>
long over_codes(Check check) {
  long wrong = 0;
  for (unsigned first = 0; first < 1u << F::element::bits; first += N) {
    Out out[N / register_traits<Out>::count];
    wrong += check(codes_of<F, N>(first, 1), out, first);
  }
  return wrong;
}

template <class F, class Out, unsigned N>
long scaled_differences(const std::vector<typename F::scale_code>& list, float tensor_scale) {
  long wrong = 0;
  for (const auto& scale : list)
    wrong += over_codes<F, Out, N>([&](const codes_t<F, N>& codes, auto& out, unsigned first) {
      nvq::cuda::unpack<F>(codes, scale, tensor_scale, out);
      long n = differences<F>(out, first, 1, [&](unsigned code) {
        return nvq::decode_value<F>(static_cast<std::uint8_t>(code), scale, tensor_scale);
      });
      nvq::cuda::unpack<F>(codes, scale, out);
      return n + differences<F>(out, first, 1, [&](unsigned code) {
               return nvq::decode_value<F>(static_cast<std::uint8_t>(code), scale, 1.0f);
             });
    });
  return wrong;
}

template <class F, class Out, unsigned N>
void check_elements() {
  INFO(N << " codes");
  CHECK(over_codes<F, Out, N>([](const codes_t<F, N>& codes, auto& out, unsigned first) {
          nvq::cuda::unpack<F>(codes, out);
          return differences<F>(out, first, 1, element<F>);
        }) == 0);
}

template <class F, class Out>
void check_type() {
  check_elements<F, Out, 2>();
  check_elements<F, Out, 8>();
  check_elements<F, Out, 16>();
  check_elements<F, Out, 32>();
  const auto all = scales<F>();
  CHECK(scaled_differences<F, Out, 8>(all, 0.0123f) == 0);
  const std::vector<typename F::scale_code> few(all.begin(), all.begin() + 9);
  for (const float g : {1.0f, 0.0f, 3.0e-39f, 1.0e38f, nvq::quiet_nan()})
    CHECK(scaled_differences<F, Out, 16>(few, g) == 0);
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("unpacked values are the decoded ones", "", nvq::AllFormats) {
  INFO(nvq::format_name<TestType>);
  check_type<TestType, float>();
  check_type<TestType, pair<nvq::half>>();
  check_type<TestType, pair<nvq::bfloat16>>();
}

TEMPLATE_TEST_CASE("formats of one's own unpack", "",
                   (nvq::Format<nvq::E2M1, nvq::Block32, nvq::ScaleE4M3, nvq::TensorFP32>),
                   (nvq::Format<nvq::E4M3FNUZ, nvq::Block16, nvq::ScaleBF16, nvq::TensorNone>),
                   (nvq::Format<nvq::Int<6>, nvq::Block16, nvq::ScaleE8M0, nvq::TensorNone>)) {
  check_type<TestType, float>();
  check_type<TestType, pair<nvq::half>>();
  check_type<TestType, pair<nvq::bfloat16>>();
}

TEMPLATE_TEST_CASE("interleaved codes unpack in the order of columns", "", nvq::NVFP4, nvq::INT4_G32,
                   nvq::INT4_G32_ZP) {
  const unsigned nibble_of[8] = {0, 2, 4, 6, 1, 3, 5, 7};
  for (unsigned first = 0; first < 16; ++first)
    for (unsigned step : {1u, 3u, 5u}) {
      const std::uint32_t linear = codes_of<TestType, 8>(first, step);
      std::uint32_t interleaved = 0;
      for (unsigned i = 0; i < 8; ++i) interleaved |= (linear >> 4 * nibble_of[i] & 15u) << 4 * i;
      pair<nvq::half> h[4];
      nvq::cuda::unpack<TestType, nvq::cuda::Order::interleaved>(interleaved, h);
      CHECK(differences<TestType>(h, first, step, element<TestType>) == 0);
      pair<nvq::bfloat16> b[4];
      nvq::cuda::unpack<TestType, nvq::cuda::Order::interleaved>(interleaved, b);
      CHECK(differences<TestType>(b, first, step, element<TestType>) == 0);
      nvq::cuda::unpack<TestType, nvq::cuda::Order::linear>(linear, b);
      CHECK(differences<TestType>(b, first, step, element<TestType>) == 0);
    }
}

TEST_CASE("biased values are the elements times a power of two") {
  using nvq::MXFP8_E4M3;
  using nvq::NVFP4;
  using half2 = pair<nvq::half>;
  using bfloat162 = pair<nvq::bfloat16>;
  for (unsigned first = 0; first < 16; first += 8) {
    const std::uint32_t linear = codes_of<NVFP4, 8>(first, 1);
    std::uint32_t interleaved = 0;
    const unsigned nibble_of[8] = {0, 2, 4, 6, 1, 3, 5, 7};
    for (unsigned i = 0; i < 8; ++i) interleaved |= (linear >> 4 * nibble_of[i] & 15u) << 4 * i;
    half2 h[4];
    nvq::cuda::unpack_biased<NVFP4>(interleaved, h);
    const auto biased = [](int bias) {
      return [bias](unsigned code) { return element<NVFP4>(code) * nvq::exp2i(-bias); };
    };
    CHECK(differences<NVFP4>(h, first, 1, biased(nvq::cuda::unpack_bias<NVFP4, half2>)) == 0);
    bfloat162 b[4];
    nvq::cuda::unpack_biased<NVFP4>(interleaved, b);
    CHECK(differences<NVFP4>(b, first, 1, biased(nvq::cuda::unpack_bias<NVFP4, bfloat162>)) == 0);
  }
  for (unsigned first = 0; first < 256; first += 4) {
    const auto biased = [](int bias) {
      return [bias](unsigned code) {
        return ((code & 127u) == 127u ? code < 128 ? 480.0f : -480.0f : element<MXFP8_E4M3>(code)) *
               nvq::exp2i(-bias);
      };
    };
    half2 h[2];
    nvq::cuda::unpack_biased<MXFP8_E4M3>(codes_of<MXFP8_E4M3, 4>(first, 1), h);
    CHECK(differences<MXFP8_E4M3>(h, first, 1, biased(nvq::cuda::unpack_bias<MXFP8_E4M3, half2>)) == 0);
    bfloat162 b[2];
    nvq::cuda::unpack_biased<MXFP8_E4M3>(codes_of<MXFP8_E4M3, 4>(first, 1), b);
    CHECK(differences<MXFP8_E4M3>(b, first, 1, biased(nvq::cuda::unpack_bias<MXFP8_E4M3, bfloat162>)) == 0);
  }
}

namespace {

std::uint32_t interleave(std::uint32_t linear) {
  const unsigned nibble_of[8] = {0, 2, 4, 6, 1, 3, 5, 7};
  std::uint32_t interleaved = 0;
  for (unsigned i = 0; i < 8; ++i) interleaved |= (linear >> 4 * nibble_of[i] & 15u) << 4 * i;
  return interleaved;
}

/// Differences of unpack_biased() with the scales first to last from the values, over all codes.
template <class F, class Out>
long scaled_biased_differences(unsigned first_scale, unsigned last_scale) {
  long wrong = 0;
  for (unsigned scale = first_scale; scale <= last_scale; ++scale)
    for (unsigned first = 0; first < 16; first += 8) {
      Out out[4];
      nvq::cuda::unpack_biased<F>(interleave(codes_of<F, 8>(first, 1)), static_cast<std::uint8_t>(scale),
                                  out);
      wrong += differences<F>(out, first, 1, [=](unsigned code) {
        const auto value =
            nvq::decode_value<F>(static_cast<std::uint8_t>(code), static_cast<std::uint8_t>(scale), 1.0f);
        return value * nvq::exp2i(-nvq::cuda::unpack_scaled_bias<F, Out>);
      });
    }
  return wrong;
}

}  // namespace

TEST_CASE("biased values with a scale are the values times a power of two") {
  CHECK(scaled_biased_differences<nvq::NVFP4, pair<nvq::half>>(0, 255) == 0);
  CHECK(scaled_biased_differences<nvq::NVFP4, pair<nvq::bfloat16>>(0, 255) == 0);
  CHECK(scaled_biased_differences<nvq::MXFP4, pair<nvq::bfloat16>>(27, 144) == 0);  // 2^-100 to 2^17
  for (unsigned scale = 145; scale < 256; ++scale) {
    pair<nvq::bfloat16> out[4];
    nvq::cuda::unpack_biased<nvq::MXFP4>(0x11111111u, static_cast<std::uint8_t>(scale), out);
    CHECK(nvq::is_nan(nvq::to_float(nvq::bfloat16::from_bits(static_cast<std::uint16_t>(out[0].bits)))));
  }
}

TEST_CASE("zero points are taken off interleaved and linear codes") {
  using F = nvq::INT4_G128_ZP;
  for (unsigned zero = 0; zero < 16; ++zero)
    for (unsigned first = 0; first < 16; ++first) {
      const std::uint32_t linear = codes_of<F, 8>(first, 3);
      const auto value = [=](unsigned code) { return element<F>(code) - element<F>(zero); };
      pair<nvq::bfloat16> out[4];
      nvq::cuda::unpack<F, nvq::cuda::Order::linear>(linear, static_cast<std::uint8_t>(zero), out);
      CHECK(differences<F>(out, first, 3, value) == 0);
      nvq::cuda::unpack<F, nvq::cuda::Order::interleaved>(interleave(linear), static_cast<std::uint8_t>(zero),
                                                          out);
      CHECK(differences<F>(out, first, 3, value) == 0);
    }
}

TEMPLATE_TEST_CASE("4-bit codes become E4M3 codes of the same value", "", nvq::NVFP4, nvq::INT4_G32) {
  for (unsigned first = 0; first < 16; ++first) {
    std::uint32_t out[2];
    nvq::cuda::unpack_e4m3<TestType>(codes_of<TestType, 8>(first, 3), out);
    for (unsigned i = 0; i < 8; ++i) {
      const float x = element<TestType>((first + 3 * i) & 15u);
      CHECK(nvq::float_bits(nvq::E4M3::decode(static_cast<std::uint8_t>(out[i / 4] >> i % 4 * 8))) ==
            nvq::float_bits(x));
    }
  }
}
