// SPDX-License-Identifier: Apache-2.0
#include "arrange.hpp"

#include <algorithm>
#include <cstring>
#include <nvq/layout.hpp>
#include <stdexcept>

namespace app {

namespace {

using nvq::Recode;
using nvq::io::part;
namespace layout = nvq::layout;

/// The shapes are ours, so a refusal is a mistake of this program.
void check(nvq::result r) {
  if (!r) throw std::logic_error(nvq::to_string(r.ec));
}

/// Symmetric 4-bit integers are stored with 8 added, the others are unsigned already.
Recode recode_of(const Arranged& a) { return a.scheme.zero_points ? Recode::none : Recode::offset_binary; }

std::int64_t groups_of(const Arranged& a) {
  return a.scheme.group > 0 ? (a.columns + a.scheme.group - 1) / a.scheme.group : 1;
}

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

template <class Layout>
void to(const Layout& to_this, nvq::span<const std::uint8_t> linear, std::vector<std::uint8_t>& out,
        Recode recode = Recode::none) {
  out.resize(size(to_this.bytes()));
  check(nvq::to_layout(to_this, linear, out, recode));
}

template <class Layout>
void from(const Layout& from_this, nvq::span<const std::uint8_t> in, std::vector<std::uint8_t>& linear,
          Recode recode = Recode::none) {
  linear.resize(size(from_this.linear().bytes()));
  check(nvq::from_layout(from_this, in, linear, recode));
}

/// compressed-tensors' pack-quantized: rows on 32-bit words, padding 0, both ways. On a little-endian machine
/// the words are the bytes.
void copy_rows(const std::uint8_t* in, std::int64_t in_bytes, std::uint8_t* out, std::int64_t out_bytes,
               const Arranged& a) {
  const std::int64_t used = (a.columns + 1) / 2;
  const auto flip = static_cast<std::uint8_t>(recode_of(a) == Recode::offset_binary ? 0x88 : 0);
  for (std::int64_t r = 0; r < a.rows; ++r) {
    std::uint8_t* row = out + r * out_bytes;
    for (std::int64_t i = 0; i < used; ++i) row[i] = in[r * in_bytes + i] ^ flip;
    if (a.columns % 2 != 0) row[used - 1] &= 0x0Fu;
    std::fill(row + used, row + out_bytes, std::uint8_t{0});
  }
}

void swap_nibbles(nvq::span<const std::uint8_t> in, std::vector<std::uint8_t>& out) {
  out.resize(in.size());
  for (std::size_t i = 0; i < in.size(); ++i) out[i] = static_cast<std::uint8_t>(in[i] << 4 | in[i] >> 4);
}

/// [rows, groups] to [groups, rows] of 16-bit scales.
void transpose_scales(nvq::span<const std::uint8_t> in, std::int64_t rows, std::int64_t columns,
                      std::vector<std::uint8_t>& out) {
  out.resize(in.size());
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < columns; ++c)
      std::memcpy(out.data() + 2 * (c * rows + r), in.data() + 2 * (r * columns + c), 2);
}

layout::GptqZeros<4, nvq::layout::GptqVersion::v1> zeros_v1(const Arranged& a) {
  return layout::GptqZeros<4, nvq::layout::GptqVersion::v1>({a.rows, groups_of(a)});
}
layout::GptqZeros<4, nvq::layout::GptqVersion::v2> zeros_v2(const Arranged& a) {
  return layout::GptqZeros<4, nvq::layout::GptqVersion::v2>({a.rows, groups_of(a)});
}

}  // namespace

bool spans_rows(part what) {
  switch (what) {
    case part::gptq_codes:
    case part::awq_codes:
    case part::group_major_scales:
    case part::gptq_zeros:
    case part::awq_zeros:
      return true;
    default:
      return false;
  }
}

bool written_last(const nvq::io::weight_scheme& scheme, part what) {
  return spans_rows(what) || (scheme.double_quant && what == part::block_scales);
}

bool holds_rows(part what) {
  switch (what) {
    case part::codes:
    case part::offset_codes:
    case part::high_first_codes:
    case part::block_scales:
    case part::zero_points:
      return true;
    default:
      return spans_rows(what);
  }
}

std::int64_t rows_together(part what) {
  const bool words = what == part::zero_points || what == part::gptq_zeros || what == part::awq_zeros ||
                     what == part::awq_codes;
  return words ? 8 : 1;
}

nvq::span<const std::uint8_t> arrange(part what, const Arranged& a, const Encoded& e,
                                      std::vector<std::uint8_t>& scratch) {
  switch (what) {
    case part::codes:
      return e.codes;
    case part::block_scales:
      return e.scales;
    case part::offset_codes: {
      const std::int64_t row = (a.columns + 7) / 8 * 4;
      scratch.resize(size(a.rows * row));
      copy_rows(e.codes.data(), (a.columns + 1) / 2, scratch.data(), row, a);
      return scratch;
    }
    case part::high_first_codes:
      swap_nibbles(e.codes, scratch);
      return scratch;
    case part::gptq_codes:
      to(layout::GptqWeights<4>({a.rows, a.columns}), e.codes, scratch, recode_of(a));
      return scratch;
    case part::awq_codes:
      to(layout::AwqWeights({a.rows, a.columns}), e.codes, scratch, recode_of(a));
      return scratch;
    case part::group_major_scales:
      transpose_scales(e.scales, a.rows, groups_of(a), scratch);
      return scratch;
    case part::zero_points:
      to(layout::PackQuantizedZeros<4>({a.rows, groups_of(a)}), e.zero_points, scratch);
      return scratch;
    case part::awq_zeros:
      to(layout::AwqZeros({a.rows, groups_of(a)}), e.zero_points, scratch);
      return scratch;
    case part::gptq_zeros: {
      // A symmetric weight's codes are stored with 8 added, which is its zero point.
      const std::vector<std::uint8_t> symmetric(a.scheme.zero_points ? 0 : size(a.rows * groups_of(a)),
                                                std::uint8_t{8});
      const nvq::span<const std::uint8_t> zeros = a.scheme.zero_points ? e.zero_points : symmetric;
      if (a.scheme.owner == nvq::io::dialect::gptq)
        to(zeros_v1(a), zeros, scratch);
      else
        to(zeros_v2(a), zeros, scratch);
      return scratch;
    }
    default:
      return {};
  }
}

void restore(part what, const Arranged& a, nvq::span<const std::uint8_t> bytes, Encoded& e) {
  switch (what) {
    case part::codes:
      e.codes.assign(bytes.begin(), bytes.end());
      break;
    case part::block_scales:
      e.scales.assign(bytes.begin(), bytes.end());
      break;
    case part::offset_codes: {
      const std::int64_t row = (a.columns + 1) / 2;
      e.codes.resize(size(a.rows * row));
      copy_rows(bytes.data(), (a.columns + 7) / 8 * 4, e.codes.data(), row, a);
      break;
    }
    case part::high_first_codes:
      swap_nibbles(bytes, e.codes);
      break;
    case part::gptq_codes:
      from(layout::GptqWeights<4>({a.rows, a.columns}), bytes, e.codes, recode_of(a));
      break;
    case part::awq_codes:
      from(layout::AwqWeights({a.rows, a.columns}), bytes, e.codes, recode_of(a));
      break;
    case part::group_major_scales:
      transpose_scales(bytes, groups_of(a), a.rows, e.scales);
      break;
    case part::zero_points:
      from(layout::PackQuantizedZeros<4>({a.rows, groups_of(a)}), bytes, e.zero_points);
      break;
    case part::awq_zeros:
      from(layout::AwqZeros({a.rows, groups_of(a)}), bytes, e.zero_points);
      break;
    case part::gptq_zeros:
      if (!a.scheme.zero_points)
        e.zero_points.clear();
      else if (a.scheme.owner == nvq::io::dialect::gptq)
        from(zeros_v1(a), bytes, e.zero_points);
      else
        from(zeros_v2(a), bytes, e.zero_points);
      break;
    default:
      break;
  }
}

}  // namespace app
