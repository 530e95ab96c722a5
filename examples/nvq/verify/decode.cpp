// SPDX-License-Identifier: Apache-2.0
#include "decode.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nvq/element.hpp>
#include <nvq/float16.hpp>

#include "scale_stats.hpp"

namespace app::check {

namespace {

using nvq::io::dtype;

/// Any scale dtype as floats.
std::vector<float> floats_of(const Snapshot& c, const Entry& t) {
  const auto bytes = c.read(t, Reading::scales);
  std::vector<float> all;
  all.reserve(bytes.size());
  if (nvq::io::bits(t.type) == 8) {
    for (const std::uint8_t b : bytes)
      all.push_back(t.type == dtype::f8_e4m3 ? nvq::E4M3::decode(b)
                                             : std::ldexp(1.0f, static_cast<int>(b) - 127));
    return all;
  }
  const std::size_t width = static_cast<std::size_t>(nvq::io::bits(t.type)) / 8;
  for (std::size_t i = 0; i + width <= bytes.size(); i += width)
    all.push_back(wide_value(bytes.data() + i, t.type));
  return all;
}

/// E2M1 and E2M3 by their fields: sign, two bits of exponent with bias 1, mantissa.
float small_float(unsigned code, int mantissa_bits) {
  const unsigned mantissa = code & ((1u << mantissa_bits) - 1u), exponent = code >> mantissa_bits & 3u;
  const float fraction = static_cast<float>(mantissa) / static_cast<float>(1u << mantissa_bits);
  const float value = exponent == 0 ? fraction : std::ldexp(1.0f + fraction, static_cast<int>(exponent) - 1);
  return (code >> (mantissa_bits + 2) & 1u) != 0 ? -value : value;
}

}  // namespace

std::uint32_t Decoder::word(const std::vector<std::uint8_t>& from, std::int64_t index) const {
  std::uint32_t w = 0;
  if (static_cast<std::size_t>(index) * 4 + 4 <= from.size()) std::memcpy(&w, from.data() + index * 4, 4);
  return w;
}

bool Decoder::load_scales(const Snapshot& c, const Module& m) {
  for (const PartSpec& p : parts_of(scheme_, extent_)) {
    const Entry* t = m.part(p.suffix);
    if (t == nullptr) continue;
    if (p.role == Role::scales) {
      scales_ = floats_of(c, *t);
      if (static_cast<std::int64_t>(scales_.size()) != t->values()) return false;
    } else if (p.role == Role::tensor_scale) {
      const auto value = small_values(c, *t);
      if (value.size() != 1) return false;
      tensor_scale_ = value[0];
      divides_ = p.suffix == "weight_global_scale";
    }
  }
  // The grid: rows x columns of it, by the kind.
  const std::int64_t group = column_group(scheme_);
  switch (scheme_.kind) {
    case Kind::fp8_tensor:
      scale_rows_ = scale_columns_ = 1;
      break;
    case Kind::fp8_channel:
      scale_rows_ = extent_.rows;
      break;
    case Kind::fp8_block:
      scale_rows_ = (extent_.rows + scheme_.tile_rows - 1) / scheme_.tile_rows;
      scale_columns_ = (extent_.columns + group - 1) / group;
      break;
    default:
      scale_rows_ = scheme_.per_tensor ? 1 : extent_.rows;
      scale_columns_ = group > 1 && !scheme_.per_tensor ? (extent_.columns + group - 1) / group : 1;
  }
  return static_cast<std::int64_t>(scales_.size()) == scale_rows_ * scale_columns_ * extent_.experts ||
         scheme_.kind == Kind::gptq || scheme_.kind == Kind::awq;
}

bool Decoder::load_integers(const Snapshot& c, const Module& m) {
  for (const char* suffix : {"qzeros", "weight_zero_point"})
    if (const Entry* t = m.part(suffix)) {
      if (scheme_.kind != Kind::int8 && t->type != dtype::i32) return false;
      zeros_ = c.read(*t, Reading::scales);
    }
  for (const char* suffix : {"g_idx", "weight_g_idx"})
    if (const Entry* t = m.part(suffix)) {
      const auto bytes = c.read(*t, Reading::scales);
      order_.resize(bytes.size() / 4);
      if (!order_.empty()) std::memcpy(order_.data(), bytes.data(), order_.size() * 4);
      const auto groups = (extent_.columns + column_group(scheme_) - 1) / column_group(scheme_);
      for (const std::int32_t g : order_)
        if (g < 0 || g >= groups) return false;
    }
  return true;
}

bool Decoder::load_bnb(const Snapshot& c, const Module& m) {
  const Entry* state = m.part("weight.quant_state.bitsandbytes__nf4");
  if (state == nullptr) state = m.part("weight.quant_state.bitsandbytes__fp4");
  const Entry* absmax = m.part("weight.absmax");
  const Entry* map = m.part("weight.quant_map");
  if (state == nullptr || absmax == nullptr || map == nullptr) return false;
  const auto text = c.read(*state, Reading::scales);
  const auto json =
      nvq::io::parse_json(std::string_view(reinterpret_cast<const char*>(text.data()), text.size()));
  if (!json) return false;
  block_ = std::min(number_at(*json, "blocksize", 64), largest_block());
  map_ = small_values(c, *map);
  if (absmax->type == dtype::u8) {
    const Entry* nested = m.part("weight.nested_absmax");
    const Entry* nested_map = m.part("weight.nested_quant_map");
    if (nested == nullptr || nested_map == nullptr || !json->contains("nested_offset")) return false;
    const auto codes = c.read(*absmax, Reading::scales);
    const auto values = small_values(c, *nested_map), outer = floats_of(c, *nested);
    const float offset = (*json)["nested_offset"].is_number() ? (*json)["nested_offset"].get<float>() : 0;
    const auto size =
        static_cast<std::size_t>(std::max<std::int64_t>(1, number_at(*json, "nested_blocksize", 256)));
    if (values.size() != 256 || outer.size() * size < codes.size()) return false;
    for (std::size_t i = 0; i < codes.size(); ++i)
      scales_.push_back(values[codes[i]] * outer[i / size] + offset);
  } else {
    scales_ = floats_of(c, *absmax);
  }
  const std::int64_t n = extent_.rows * extent_.columns;
  return map_.size() == 16 && block_ > 0 && static_cast<std::int64_t>(scales_.size()) * block_ >= n &&
         static_cast<std::int64_t>(codes_.size()) * 2 >= n;
}

std::optional<Decoder> Decoder::load(const Snapshot& c, const Module& m) {
  Decoder d;
  if (!m.declared || !m.whole || m.extent.rows == 0) return std::nullopt;
  d.scheme_ = *m.declared;
  d.extent_ = m.extent;
  const Entry* codes = m.part(codes_suffix(d.scheme_));
  if (codes == nullptr) return std::nullopt;
  d.codes_ = c.read(*codes, Reading::codes);
  if (static_cast<std::int64_t>(d.codes_.size()) != codes->bytes) return std::nullopt;
  if (d.scheme_.kind == Kind::bnb4) return d.load_bnb(c, m) ? std::optional(std::move(d)) : std::nullopt;
  if (!d.load_scales(c, m) || !d.load_integers(c, m)) return std::nullopt;
  return d;
}

float Decoder::block_scale(std::int64_t r, std::int64_t c, const Twist& t) const {
  const std::int64_t group = column_group(scheme_);
  std::int64_t row = scheme_.kind == Kind::fp8_block ? r / scheme_.tile_rows : r;
  if (scale_rows_ == 1) row = 0;
  const std::int64_t column = scale_columns_ == 1 ? 0 : c / group;
  std::int64_t at = row * scale_columns_ + column;
  if (t.swizzled)
    at = (row / 128 * (scale_columns_ / 4) + column / 4) * 512 + row % 32 * 16 + row % 128 / 32 * 4 +
         column % 4;
  return scales_[static_cast<std::size_t>(at)];
}

double Decoder::underflow() const {
  const auto scale = static_cast<double>(tensor_scale_);
  return 6 * std::ldexp(1.0, -9) * (divides_ ? 1 / scale : scale);
}

bool Decoder::may_be_swizzled() const {
  return column_group(scheme_) <= 32 && column_group(scheme_) > 1 && scale_rows_ % 128 == 0 &&
         scale_columns_ % 4 == 0 && scale_columns_ > 1;
}

std::optional<std::uint32_t> Decoder::constant_word() const {
  if (codes_.size() < 64) return std::nullopt;
  for (std::size_t i = 4; i < codes_.size(); ++i)
    if (codes_[i] != codes_[i - 4]) return std::nullopt;
  return word(codes_, 0);
}

void Decoder::packed_floats(std::int64_t at, const Twist& t, std::int64_t r, float* out) const {
  const std::int64_t columns = extent_.columns;
  float factor = 1;
  if (has_tensor_scale()) factor = divides_ != t.flipped ? 1.0f / tensor_scale_ : tensor_scale_;
  for (std::int64_t c = 0; c < columns; ++c) {
    float value = 0;
    if (has_nibbles() || scheme_.kind == Kind::gptoss_mxfp4) {
      const std::uint8_t byte = codes_[static_cast<std::size_t>(at + c / 2)];
      value = small_float((c % 2 != 0) != t.nibbles ? byte >> 4 : byte & 15u, 1);
    } else if (scheme_.kind == Kind::mxfp6) {
      const std::int64_t bit = c * 6;
      const auto first = static_cast<std::size_t>(at + bit / 8);
      const unsigned two =
          codes_[first] | (first + 1 < codes_.size() ? static_cast<unsigned>(codes_[first + 1]) << 8 : 0u);
      value = small_float(two >> (bit % 8) & 63u, 3);
    } else {
      value = nvq::E4M3::decode(codes_[static_cast<std::size_t>(at + c)]);
    }
    out[c] = value * block_scale(r, c, t) * factor;
  }
}

void Decoder::integers(std::int64_t r, float* out) const {
  const std::int64_t columns = extent_.columns, bits = scheme_.bits, words = (columns * bits + 31) / 32;
  for (std::int64_t c = 0; c < columns; ++c) {
    const std::int64_t group = scale_columns_ == 1 ? 0
                               : order_.empty()    ? c / column_group(scheme_)
                                                   : order_[static_cast<std::size_t>(c)];
    const float scale =
        scales_[static_cast<std::size_t>((scale_rows_ == 1 ? 0 : r) * scale_columns_ + group)];
    if (scheme_.kind == Kind::int8) {
      int q = static_cast<std::int8_t>(codes_[static_cast<std::size_t>(r * columns + c)]);
      const auto zero = static_cast<std::size_t>((scale_rows_ == 1 ? 0 : r) * scale_columns_ + group);
      if (zero < zeros_.size()) q -= static_cast<std::int8_t>(zeros_[zero]);
      out[c] = scale * static_cast<float>(q);
      continue;
    }
    const std::int64_t bit = c * bits;
    std::uint64_t two = word(codes_, r * words + bit / 32);
    if (bit % 32 + bits > 32) two |= static_cast<std::uint64_t>(word(codes_, r * words + bit / 32 + 1)) << 32;
    const auto mask = (std::uint64_t{1} << bits) - 1;
    auto q = static_cast<std::int64_t>(two >> (bit % 32) & mask);
    // Zero points are packed down the rows, with the same offset as the codes.
    if (!zeros_.empty()) {
      const std::int64_t down = r * bits, at = down / 32 * scale_columns_ + group;
      std::uint64_t zero = word(zeros_, at);
      if (down % 32 + bits > 32) zero |= static_cast<std::uint64_t>(word(zeros_, at + scale_columns_)) << 32;
      q -= static_cast<std::int64_t>(zero >> (down % 32) & mask);
    } else {
      q -= std::int64_t{1} << (bits - 1);
    }
    out[c] = scale * static_cast<float>(q);
  }
}

void Decoder::gptq(std::int64_t r, float* out) const {
  const std::int64_t bits = scheme_.bits, per = 32 / bits, rows = extent_.rows;
  const std::uint32_t mask = (1u << bits) - 1u;
  for (std::int64_t c = 0; c < extent_.columns; ++c) {
    const std::int64_t group = !order_.empty() ? order_[static_cast<std::size_t>(c)]
                                               : c / (scheme_.group > 0 ? scheme_.group : extent_.columns);
    const auto q = static_cast<int>(word(codes_, c / per * rows + r) >> (c % per * bits) & mask);
    const auto z = static_cast<int>(
                       word(zeros_, group * ((rows + per - 1) / per) + r / per) >> (r % per * bits) & mask) +
                   (scheme_.gptq_v2 ? 0 : 1);
    out[c] = static_cast<float>(q - z) * scales_[static_cast<std::size_t>(group * rows + r)];
  }
}

void Decoder::awq(std::int64_t r, const Twist& t, float* out) const {
  // Nibble i of a word is the output column {0, 2, 4, 6, 1, 3, 5, 7}[i] of eight; this is the way back.
  static constexpr int place[8] = {0, 4, 1, 5, 2, 6, 3, 7};
  const std::int64_t rows = extent_.rows;
  const auto shift_in = [&](Lanes lanes) {
    const int own = lanes == Lanes::plain ? static_cast<int>(r % 8) : place[r % 8];
    return 4 * (lanes == Lanes::swapped ? own ^ 1 : own);
  };
  const int shift = shift_in(t.codes), zero_shift = shift_in(t.zeros);
  for (std::int64_t c = 0; c < extent_.columns; ++c) {
    const std::int64_t group = c / (scheme_.group > 0 ? scheme_.group : extent_.columns);
    const auto q = static_cast<int>(word(codes_, c * (rows / 8) + r / 8) >> shift & 15u);
    const auto z = static_cast<int>(word(zeros_, group * (rows / 8) + r / 8) >> zero_shift & 15u);
    out[c] = static_cast<float>(q - z) * scales_[static_cast<std::size_t>(group * rows + r)];
  }
}

void Decoder::bnb(std::int64_t r, const Twist& t, float* out) const {
  for (std::int64_t c = 0; c < extent_.columns; ++c) {
    const std::int64_t i = r * extent_.columns + c;
    const std::uint8_t byte = codes_[static_cast<std::size_t>(i / 2)];
    const unsigned code = (i % 2 == 0) != t.nibbles ? byte >> 4 : byte & 15u;
    out[c] = map_[code] * scales_[static_cast<std::size_t>(i / block_)];
  }
}

void Decoder::row(std::int64_t expert, std::int64_t r, const Twist& t, float* out) const {
  switch (scheme_.kind) {
    case Kind::int_packed:
    case Kind::int8:
      return integers(r, out);
    case Kind::gptq:
      return gptq(r, out);
    case Kind::awq:
      return awq(r, t, out);
    case Kind::bnb4:
      return bnb(r, t, out);
    default: {
      const std::int64_t row_bytes =
          static_cast<std::int64_t>(codes_.size()) / (extent_.rows * extent_.experts);
      packed_floats((expert * extent_.rows + r) * row_bytes, t, expert * extent_.rows + r, out);
    }
  }
}

}  // namespace app::check
