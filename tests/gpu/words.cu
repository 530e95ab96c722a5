// SPDX-License-Identifier: Apache-2.0
// Words of codes in the forms that kernels use for speed: interleaved, biased, as E4M3; amax of registers.
#include <cmath>
#include <nvq/cuda/thread.cuh>
#include <nvq/formats.hpp>

#include "sweep.cuh"

namespace {

using gpu::words;
using nvq::bfloat16;
using nvq::cuda::Order;
using nvq::cuda::pair;

NVQ_HD std::uint32_t any_codes(std::int64_t i) { return gpu::mix32(i, 20); }

/// Code i of a word in interleaved order.
unsigned interleaved(std::uint32_t word, int i) {
  const int nibble_of[8] = {0, 4, 1, 5, 2, 6, 3, 7};
  return word >> 4 * nibble_of[i] & 15u;
}

template <class T, class Value>
words<4> expected_pairs(Value value) {
  words<4> w{};
  for (int j = 0; j < 8; ++j)
    w.word[j / 2] |= std::uint32_t{gpu::canonical<T>(T(value(j)).bits)} << 16 * (j % 2);
  return w;
}

template <class F, class T, bool Biased>
struct unpack_interleaved {
  NVQ_HD words<4> operator()(std::int64_t i) const {
    pair<T> out[4];
    if constexpr (Biased)
      nvq::cuda::unpack_biased<F>(any_codes(i), out);
    else
      nvq::cuda::unpack<F, Order::interleaved>(any_codes(i), out);
    words<4> w{};
    for (int j = 0; j < 4; ++j) w.word[j] = gpu::canonical_pair<T>(out[j].bits);
    return w;
  }
};

template <class F, class T>
void check_interleaved(const char* what) {
  gpu::sweep(what, gpu::full_or(1 << 22, 1 << 14), unpack_interleaved<F, T, false>{}, [](std::int64_t i) {
    return expected_pairs<T>(
        [i](int j) { return F::element::decode(static_cast<std::uint8_t>(interleaved(any_codes(i), j))); });
  });
}
template <class T>
void check_biased(const char* what) {
  using F = nvq::NVFP4;
  gpu::sweep(what, gpu::full_or(1 << 22, 1 << 14), unpack_interleaved<F, T, true>{}, [](std::int64_t i) {
    return expected_pairs<T>([i](int j) {
      return std::ldexp(nvq::E2M1::decode(static_cast<std::uint8_t>(interleaved(any_codes(i), j))),
                        -nvq::cuda::unpack_bias<F, pair<T>>);
    });
  });
}

template <class T>
struct biased_e4m3 {
  NVQ_HD words<2> operator()(std::int64_t i) const {
    pair<T> out[2];
    nvq::cuda::unpack_biased<nvq::MXFP8_E4M3>(any_codes(i), out);
    return {{out[0].bits, out[1].bits}};
  }
};
template <class T>
void check_biased_e4m3(const char* what) {
  gpu::sweep(what, gpu::full_or(1 << 22, 1 << 14), biased_e4m3<T>{}, [](std::int64_t i) {
    words<2> w{};
    for (int j = 0; j < 4; ++j) {
      const auto code = static_cast<std::uint8_t>(any_codes(i) >> 8 * j);
      const float value = (code & 127) == 127 ? (code < 128 ? 480.0f : -480.0f) : nvq::E4M3::decode(code);
      w.word[j / 2] |=
          std::uint32_t{T(std::ldexp(value, -nvq::cuda::unpack_bias<nvq::MXFP8_E4M3, pair<T>>)).bits}
          << 16 * (j % 2);
    }
    return w;
  });
}

template <class F>
struct to_e4m3 {
  NVQ_HD words<2> operator()(std::int64_t i) const {
    words<2> w{};
    nvq::cuda::unpack_e4m3<F>(any_codes(i), w.word);
    return w;
  }
};
template <class F>
void check_e4m3(const char* what) {
  gpu::sweep(what, gpu::full_or(1 << 22, 1 << 14), to_e4m3<F>{}, [](std::int64_t i) {
    words<2> w{};
    for (int j = 0; j < 8; ++j) {
      const float x = F::element::decode(static_cast<std::uint8_t>(any_codes(i) >> 4 * j & 15u));
      w.word[j / 4] |= std::uint32_t{nvq::E4M3::encode(x)} << 8 * (j % 4);
    }
    return w;
  });
}

template <class T>
struct register_amax {
  NVQ_HD static std::uint32_t bits(std::int64_t i, int j) { return gpu::mix32(4 * i + j, 21); }
  NVQ_HD words<1> operator()(std::int64_t i) const {
    pair<T> values[4];
    for (int j = 0; j < 4; ++j) values[j].bits = bits(i, j);
    return {{gpu::canonical(nvq::cuda::amax(values))}};
  }
};
template <class T>
void check_amax(const char* what) {
  gpu::sweep(what, gpu::full_or(1 << 24, 1 << 14), register_amax<T>{}, [](std::int64_t i) {
    float largest = 0;
    for (int j = 0; j < 8; ++j) {
      const auto value = static_cast<std::uint16_t>(register_amax<T>::bits(i, j / 2) >> 16 * (j % 2));
      const float magnitude = std::fabs(nvq::to_float(T::from_bits(value)));
      if (magnitude > largest) largest = magnitude;
    }
    return words<1>{{gpu::canonical(largest)}};
  });
}

struct hadamard {
  NVQ_HD static float value(std::int64_t i, int j) {
    return gpu::random_float(gpu::mix32(16 * i + j, 22), false);
  }
  NVQ_HD words<16> operator()(std::int64_t i) const {
    float x[16];
    for (int j = 0; j < 16; ++j) x[j] = value(i, j);
    nvq::cuda::hadamard16(x, gpu::mix32(i, 23) & 0xFFFFu);
    words<16> w{};
    for (int j = 0; j < 16; ++j) w.word[j] = gpu::canonical(x[j]);
    return w;
  }
};

}  // namespace

NVQ_GPU_TEST("words", "interleaved") {
  check_interleaved<nvq::NVFP4, nvq::half>("E2M1 to half");
  check_interleaved<nvq::NVFP4, bfloat16>("E2M1 to bfloat16");
  check_interleaved<nvq::INT4_G32, nvq::half>("Int4 to half");
  check_interleaved<nvq::INT4_G32, bfloat16>("Int4 to bfloat16");
  check_interleaved<nvq::INT4_G32_ZP, nvq::half>("UInt4 to half");
  check_interleaved<nvq::INT4_G32_ZP, bfloat16>("UInt4 to bfloat16");
}

NVQ_GPU_TEST("words", "biased") {
  check_biased<nvq::half>("E2M1 to half");
  check_biased<bfloat16>("E2M1 to bfloat16");
  check_biased_e4m3<nvq::half>("E4M3 to half");
  check_biased_e4m3<bfloat16>("E4M3 to bfloat16");
}

NVQ_GPU_TEST("words", "E4M3") {
  check_e4m3<nvq::NVFP4>("of E2M1");
  check_e4m3<nvq::INT4_G32>("of Int4");
}

NVQ_GPU_TEST("words", "amax") {
  check_amax<nvq::half>("of halves");
  check_amax<bfloat16>("of bfloat16s");
}

NVQ_GPU_TEST("words", "Hadamard") {
  gpu::sweep("hadamard16", gpu::full_or(1 << 20, 1 << 13), hadamard{}, hadamard{});
}
