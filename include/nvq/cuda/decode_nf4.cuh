// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nvq/cuda/decode_word.cuh>
#include <nvq/cuda/ptx.cuh>
#include <nvq/detail/nf4.hpp>
#include <type_traits>

// Codes of NF4 to their values, which are a table: byte by byte, each of four codes at once.

NVQ_BEGIN_NAMESPACE

namespace cuda {
namespace detail {

/// The bits of a value of NF4, rounded to T.
template <class T>
NVQ_HD constexpr std::uint32_t nf4_bits(unsigned code) noexcept {
  if constexpr (std::is_same<T, float>::value)
    return float_bits(nvq::detail::nf4_value(code));
  else
    return T(nvq::detail::nf4_value(code)).bits;
}
/// Byte `Byte` of four values of NF4.
template <class T, unsigned Byte, unsigned First>
NVQ_HD constexpr std::uint32_t nf4_bytes() noexcept {
  std::uint32_t bytes = 0;
  for (unsigned i = 0; i < 4; ++i) bytes |= (nf4_bits<T>(First + i) >> 8 * Byte & 0xFFu) << 8 * i;
  return bytes;
}
template <class T, unsigned Byte>
NVQ_HD std::uint32_t nf4_look_up(std::uint32_t low_bits, std::uint32_t is_upper) noexcept {
  constexpr std::uint32_t table[4] = {nf4_bytes<T, Byte, 0>(), nf4_bytes<T, Byte, 4>(),
                                      nf4_bytes<T, Byte, 8>(), nf4_bytes<T, Byte, 12>()};
  const std::uint32_t lower = ptx::prmt(table[0], table[1], low_bits);
  const std::uint32_t upper = ptx::prmt(table[2], table[3], low_bits);
  return (lower & ~is_upper) | (upper & is_upper);
}
/// 0xFF in each byte whose code, of four in the low half of q, is 8 or more.
NVQ_HD inline std::uint32_t nf4_is_upper(std::uint32_t q) noexcept {
  return ptx::prmt(nibbles_to_bytes(q), 0, 0xBA98u);
}
/// Four codes of NF4 in the low half of q to their values: each of the four bytes of a float by a table in registers.
NVQ_HD inline void nf4_floats(std::uint32_t q, float (&out)[4]) noexcept {
  const std::uint32_t low_bits = q & 0x7777u, is_upper = nf4_is_upper(q);
  const std::uint32_t b0 = nf4_look_up<float, 0>(low_bits, is_upper),
                      b1 = nf4_look_up<float, 1>(low_bits, is_upper);
  const std::uint32_t b2 = nf4_look_up<float, 2>(low_bits, is_upper),
                      b3 = nf4_look_up<float, 3>(low_bits, is_upper);
  const std::uint32_t low[2] = {ptx::prmt(b0, b1, 0x5140u), ptx::prmt(b0, b1, 0x7362u)};
  const std::uint32_t high[2] = {ptx::prmt(b2, b3, 0x5140u), ptx::prmt(b2, b3, 0x7362u)};
  NVQ_UNROLL
  for (unsigned i = 0; i < 4; ++i)
    out[i] = float_from_bits(ptx::prmt(low[i / 2], high[i / 2], i % 2 == 0 ? 0x5410u : 0x7632u));
}

/// Eight codes of NF4, each of the two bytes of a value by a table in registers.
template <class T>
struct decode_word<NormalFloat4, T> {
  static constexpr bool exists = true;
  NVQ_HD static void decode(std::uint32_t q, std::uint32_t (&out)[4]) noexcept {
    NVQ_UNROLL
    for (unsigned i = 0; i < 2; ++i, q >>= 16) {
      const std::uint32_t low_bits = q & 0x7777u, is_upper = nf4_is_upper(q);
      const std::uint32_t b0 = nf4_look_up<T, 0>(low_bits, is_upper),
                          b1 = nf4_look_up<T, 1>(low_bits, is_upper);
      out[2 * i] = ptx::prmt(b0, b1, 0x5140u);
      out[2 * i + 1] = ptx::prmt(b0, b1, 0x7362u);
    }
  }
};

}  // namespace detail
}  // namespace cuda

NVQ_END_NAMESPACE
