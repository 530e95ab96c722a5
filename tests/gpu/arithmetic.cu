// SPDX-License-Identifier: Apache-2.0
// The single operations that everything stands on, with the host's float arithmetic as the judge.
#include <cmath>
#include <nvq/cuda/ptx.cuh>

#include "sweep.cuh"

namespace {

using nvq::bfloat16;
using nvq::half;
namespace ptx = nvq::cuda::ptx;
using gpu::words;

/// 2^32 items, or a spread of them.
struct patterns {
  bool full = !gpu::options().quick;
  std::int64_t count(int log2) const { return std::int64_t{1} << (full ? log2 : 16); }
  NVQ_HD std::uint32_t operator()(std::int64_t i) const {
    return full ? static_cast<std::uint32_t>(i) : static_cast<std::uint32_t>(i) * 2654435761u;
  }
};

template <class T>
float low(std::uint32_t pair) {
  return nvq::to_float(T::from_bits(static_cast<std::uint16_t>(pair)));
}
template <class T>
std::uint32_t rounded(float x) {
  return gpu::canonical<T>(T(x).bits);
}

enum class Op { mul, sub, max };

/// Two pairs of 16-bit patterns to an operation on pairs; i in [0, 2^31) makes every combination.
template <class T, Op O>
struct pair_op {
  patterns all;
  NVQ_HD static void operands(std::uint32_t bits, std::uint32_t& a, std::uint32_t& b) {
    a = (bits & 0xFFFFu) | bits << 16;
    b = (bits >> 16 & 0x7FFFu) | (bits & 0x7FFF0000u) | 0x80000000u;
    if (O == Op::max) a &= 0x7FFF7FFFu, b &= 0x7FFF7FFFu;  // it is used on magnitudes
  }
  NVQ_HD words<1> operator()(std::int64_t i) const {
    std::uint32_t a = 0, b = 0, r = 0;
    operands(all(i), a, b);
    constexpr bool f16 = std::is_same<T, half>::value;
    if (O == Op::mul) r = f16 ? ptx::mul_f16x2(a, b) : ptx::mul_bf16x2(a, b);
    if (O == Op::sub) r = f16 ? ptx::sub_f16x2(a, b) : ptx::sub_bf16x2(a, b);
    if (O == Op::max) r = f16 ? ptx::max_f16x2(a, b) : ptx::max_bf16x2(a, b);
    return {{gpu::canonical_pair<T>(r)}};
  }
  static std::uint32_t expected(std::uint32_t a, std::uint32_t b) {
    const float x = low<T>(a), y = low<T>(b);
    if (O == Op::mul) return rounded<T>(x * y);
    if (O == Op::sub) return rounded<T>(x - y);
    return rounded<T>(x != x ? y : y != y || x > y ? x : y);
  }
};

template <class T, Op O>
void check_pairs(const char* what) {
  const pair_op<T, O> op{};
  gpu::sweep(what, op.all.count(31), op, [op](std::int64_t i) {
    std::uint32_t a = 0, b = 0;
    op.operands(op.all(i), a, b);
    return words<1>{{op.expected(a, b) | op.expected(a >> 16, b >> 16) << 16}};
  });
}

struct conversions {
  patterns all;
  NVQ_HD words<4> operator()(std::int64_t i) const {
    const float x = nvq::float_from_bits(all(i)), y = nvq::float_from_bits(~all(i));
    return {{gpu::canonical_pair<half>(ptx::f16x2(x, y)), gpu::canonical_pair<bfloat16>(ptx::bf16x2(x, y)),
             std::uint32_t{half(x).bits}, std::uint32_t{bfloat16(x).bits}}};
  }
};

struct widening {
  NVQ_HD words<2> operator()(std::int64_t i) const {
    const auto bits = static_cast<std::uint16_t>(i);
    return {{gpu::canonical(nvq::to_float(half::from_bits(bits))),
             gpu::canonical(nvq::to_float(bfloat16::from_bits(bits)))}};
  }
};

/// Two operands of neighbouring or of any exponents, among them every kind of special value.
NVQ_HD void float_operands(std::int64_t i, float& a, float& b) {
  const std::uint32_t special[12] = {0,           1,           0x007FFFFFu, 0x00800000u,
                                     0x3F800000u, 0x7F7FFFFFu, 0x7F800000u, 0x7FC00000u,
                                     0x7F800001u, 0x34000000u, 0x00400000u, 0x4B000000u};
  std::uint32_t x = gpu::mix32(i, 1), y = gpu::mix32(i, 2);
  if (i % 4 == 1) y = (y & 0x807FFFFFu) | ((x + (y % 3 << 23)) & 0x7F800000u);
  if (i % 16 == 2) x = (x & 0x80000000u) | special[x % 12];
  if (i % 16 == 3) y = (y & 0x80000000u) | special[y % 12];
  if (i % 64 == 6) x = (x & 0x80000000u) | special[x % 12], y = (y & 0x80000000u) | special[y % 12];
  a = nvq::float_from_bits(x);
  b = nvq::float_from_bits(y);
}

struct float_arithmetic {
  NVQ_HD words<7> operator()(std::int64_t i) const {
    float a = 0, b = 0;
    float_operands(i, a, b);
    const std::uint32_t flags = (nvq::less(a, b) ? 1u : 0u) | (nvq::is_nan(a) ? 2u : 0u) |
                                (nvq::is_finite(a) ? 4u : 0u) | (nvq::is_positive(a) ? 8u : 0u);
    const float in_range = nvq::clamp(a, -2147483520.0f, 2147483520.0f);
    const int integer = nvq::is_nan(a) ? 0 : nvq::to_int(in_range);
    return {{gpu::canonical(nvq::mul_rn(a, b)), gpu::canonical(nvq::add_rn(a, b)),
             gpu::canonical(nvq::sub_rn(a, b)), gpu::canonical(nvq::div_rn(a, b)),
             gpu::canonical(nvq::round_even(a)), static_cast<std::uint32_t>(integer), flags}};
  }
};

struct permutation {
  NVQ_HD static void operands(std::int64_t i, std::uint32_t& a, std::uint32_t& b) {
    a = gpu::mix32(i, 3);
    b = gpu::mix32(i, 4);
  }
  NVQ_HD words<1> operator()(std::int64_t i) const {
    std::uint32_t a = 0, b = 0;
    operands(i, a, b);
    return {{ptx::prmt(a, b, static_cast<std::uint32_t>(i & 0xFFFF))}};
  }
};

}  // namespace

NVQ_GPU_TEST("arithmetic", "pairs") {
  check_pairs<half, Op::mul>("mul_f16x2");
  check_pairs<bfloat16, Op::mul>("mul_bf16x2");
  check_pairs<half, Op::sub>("sub_f16x2");
  check_pairs<bfloat16, Op::sub>("sub_bf16x2");
  check_pairs<half, Op::max>("max_f16x2 of magnitudes");
  check_pairs<bfloat16, Op::max>("max_bf16x2 of magnitudes");
}

NVQ_GPU_TEST("arithmetic", "conversions") {
  const conversions c{};
  gpu::sweep("float to half and bfloat16", c.all.count(32), c, [c](std::int64_t i) {
    const float x = nvq::float_from_bits(c.all(i)), y = nvq::float_from_bits(~c.all(i));
    return words<4>{{rounded<half>(x) | rounded<half>(y) << 16,
                     rounded<bfloat16>(x) | rounded<bfloat16>(y) << 16, std::uint32_t{half(x).bits},
                     std::uint32_t{bfloat16(x).bits}}};
  });
  gpu::sweep("half and bfloat16 to float", 65536, widening{}, widening{});
}

NVQ_GPU_TEST("arithmetic", "float") {
  gpu::sweep(
      "mul, add, sub, div, round_even, to_int, less", gpu::full_or(std::int64_t{1} << 27, 1 << 16),
      float_arithmetic{}, [](std::int64_t i) {
        float a = 0, b = 0;
        float_operands(i, a, b);
        const std::uint32_t flags =
            (a < b ? 1u : 0u) | (a != a ? 2u : 0u) | (a - a == 0 ? 4u : 0u) | (a > 0 ? 8u : 0u);
        const float in_range = a < -2147483520.0f ? -2147483520.0f : a > 2147483520.0f ? 2147483520.0f : a;
        const int integer = a != a ? 0 : static_cast<int>(in_range);
        return words<7>{{gpu::canonical(a * b), gpu::canonical(a + b), gpu::canonical(a - b),
                         gpu::canonical(a / b), gpu::canonical(std::nearbyint(a)),
                         static_cast<std::uint32_t>(integer), flags}};
      });
}

NVQ_GPU_TEST("arithmetic", "bytes") {
  gpu::sweep("prmt", gpu::full_or(1 << 22, 1 << 16), permutation{}, [](std::int64_t i) {
    std::uint32_t a = 0, b = 0, r = 0;
    permutation::operands(i, a, b);
    for (int byte = 0; byte < 4; ++byte) {
      const int select = static_cast<int>(i >> 4 * byte & 15);
      std::uint32_t value = (select % 8 < 4 ? a >> 8 * (select % 4) : b >> 8 * (select % 4)) & 0xFFu;
      if (select >= 8) value = value >= 128 ? 0xFFu : 0u;
      r |= value << 8 * byte;
    }
    return words<1>{{r}};
  });
}
