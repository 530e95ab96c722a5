// SPDX-License-Identifier: Apache-2.0
// Elements in device code: encode(), its form for two values at once, stochastic rounding, decode().
#include <nvq/cuda/ptx.cuh>
#include <nvq/format.hpp>

#include "sweep.cuh"

namespace {

using gpu::words;
using nvq::Overflow;
using nvq::Rounding;

/// Four floats to codes, one by one and two by two. `spread`: i is hashed, else the floats are 4i ... 4i + 3.
template <class E>
struct encode_four {
  bool spread;
  NVQ_HD float input(std::int64_t i, int j) const {
    return nvq::float_from_bits(spread ? gpu::mix32(4 * i + j, 5) : static_cast<std::uint32_t>(4 * i + j));
  }
  NVQ_HD words<2> operator()(std::int64_t i) const {
    words<2> r{};
    for (int j = 0; j < 4; ++j) r.word[0] |= std::uint32_t{E::encode(input(i, j))} << 8 * j;
    for (int j = 0; j < 4; j += 2) {
      const std::uint32_t two = nvq::cuda::ptx::encode2<E>(input(i, j), input(i, j + 1));
      const std::uint32_t mask = (1u << E::bits) - 1;
      r.word[1] |= (two & mask) << 8 * j | (two >> E::bits & mask) << 8 * (j + 1);
    }
    return r;
  }
};

template <class E>
void check_encode(const char* name, bool all_floats) {
  const bool spread = !all_floats || gpu::options().quick;
  const encode_four<E> encode{spread};
  const std::int64_t n =
      all_floats ? gpu::full_or(std::int64_t{1} << 30, 1 << 14) : gpu::full_or(1 << 24, 1 << 14);
  gpu::sweep(std::string(name) + "::encode, " + (spread ? "random floats" : "all floats"), n, encode,
             [encode](std::int64_t i) {
               std::uint32_t codes = 0;
               for (int j = 0; j < 4; ++j) codes |= std::uint32_t{E::encode(encode.input(i, j))} << 8 * j;
               return words<2>{{codes, codes}};
             });
}

/// All halves and bfloat16s; and floats near 1, where integers and NF4 round.
template <class E>
struct encode_16 {
  NVQ_HD words<1> operator()(std::int64_t i) const {
    const auto bits = static_cast<std::uint16_t>(i);
    const float near_one = gpu::random_float(gpu::mix32(i, 6), false);
    return {{E::encode(nvq::to_float(nvq::half::from_bits(bits))) |
             std::uint32_t{E::encode(nvq::to_float(nvq::bfloat16::from_bits(bits)))} << 8 |
             std::uint32_t{E::encode(near_one)} << 16 |
             std::uint32_t{E::encode(nvq::mul_rn(near_one, 100.0f))} << 24}};
  }
};

template <class E>
struct stochastic {
  NVQ_HD words<1> operator()(std::int64_t i) const {
    const std::uint32_t bits = gpu::mix32(i, 7);
    const float x = gpu::random_float(bits, i % 4 == 0), around = nvq::mul_rn(x, i % 2 == 0 ? 1.0f : 300.0f);
    return {{E::encode_stochastic(around, gpu::mix32(i, 8))}};
  }
};

template <class E>
struct decode {
  NVQ_HD words<1> operator()(std::int64_t code) const {
    return {{gpu::canonical(E::decode(static_cast<std::uint8_t>(code)))}};
  }
};

/// The roundings that recipes ask for.
template <class E>
struct directed {
  NVQ_HD words<2> operator()(std::int64_t i) const {
    const float x = nvq::float_from_bits(i < 65536 ? static_cast<std::uint32_t>(i) << 16 : gpu::mix32(i, 9));
    return {{E::encode(x, Rounding::toward_zero) | std::uint32_t{E::encode(x, Rounding::away_from_zero)} << 8,
             E::encode(x, Rounding::nearest_even, Overflow::special) |
                 std::uint32_t{E::encode(x, Rounding::away_from_zero, Overflow::special)} << 8}};
  }
};

// What the scalar definition says on the host is judged by the tests of elements there, exhaustively.
template <class E>
void check(const char* name, bool all_floats) {
  const std::string text = name;
  check_encode<E>(name, all_floats);
  gpu::sweep(text + "::encode, all halves and bfloat16s", 65536, encode_16<E>{}, encode_16<E>{});
  gpu::sweep(text + "::decode", 1 << E::bits, decode<E>{}, decode<E>{});
  if constexpr (nvq::detail::is_float_v<E>)
    gpu::sweep(text + "::encode, rounding asked for", gpu::full_or(1 << 24, 1 << 17), directed<E>{},
               directed<E>{});
}
template <class E>
void check_stochastic(const char* name) {
  gpu::sweep(std::string(name) + "::encode_stochastic", gpu::full_or(1 << 26, 1 << 16), stochastic<E>{},
             stochastic<E>{});
}

}  // namespace

NVQ_GPU_TEST("elements", "all floats") {
  check<nvq::E2M1>("E2M1", true);
  check<nvq::E4M3>("E4M3", true);
  check<nvq::E5M2>("E5M2", true);
  check<nvq::E8M0>("E8M0", true);
}

NVQ_GPU_TEST("elements", "many floats") {
  check<nvq::E2M3>("E2M3", false);
  check<nvq::E3M2>("E3M2", false);
  check<nvq::UE4M3>("UE4M3", false);
  check<nvq::E4M3FNUZ>("E4M3FNUZ", false);
  check<nvq::E5M2FNUZ>("E5M2FNUZ", false);
  check<nvq::Int8>("Int8", false);
  check<nvq::Int4>("Int4", false);
  check<nvq::UInt4>("UInt4", false);
  check<nvq::NormalFloat4>("NormalFloat4", false);
  gpu::sweep("E8M0::encode, rounding asked for", gpu::full_or(1 << 24, 1 << 17), directed<nvq::E8M0>{},
             directed<nvq::E8M0>{});
}

NVQ_GPU_TEST("elements", "stochastic") {
  check_stochastic<nvq::E2M1>("E2M1");
  check_stochastic<nvq::E2M3>("E2M3");
  check_stochastic<nvq::E3M2>("E3M2");
  check_stochastic<nvq::E4M3>("E4M3");
  check_stochastic<nvq::E5M2>("E5M2");
  check_stochastic<nvq::Int8>("Int8");
  check_stochastic<nvq::Int4>("Int4");
}
