// SPDX-License-Identifier: Apache-2.0
#include "convert/pieces.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <nvq/float16.hpp>
#include <nvq/io/dialect_json.hpp>

#include "convert/tensor_scale.hpp"
#include "failure.hpp"

namespace app {

namespace {

using nvq::io::dialect;
using nvq::io::dtype;
using nvq::io::json;
using nvq::io::part;
using nvq::io::stored_part;
using nvq::io::weight_kind;
using nvq::io::weight_scheme;
using How = Piece::How;

std::vector<std::uint8_t> read_all(const Checkpoint& source, const Tensor& t) {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(t.bytes));
  source.read(t, 0, bytes.data(), t.bytes);
  return bytes;
}

std::string hexadecimal(float x) {
  std::uint32_t bits;
  std::memcpy(&bits, &x, 4);
  return fmt::format("{:08x}", bits);
}

/// The float of eight hexadecimal digits; 0 of anything else.
float of_hexadecimal(const std::string& digits) {
  std::uint32_t bits = 0;
  if (digits.size() != 8) return 0;
  for (const char c : digits) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) return 0;
    bits = bits << 4 | static_cast<std::uint32_t>(digit);
  }
  float x;
  std::memcpy(&x, &bits, 4);
  return x;
}

std::string four_bytes(float x) {
  std::string bytes(4, '\0');
  std::memcpy(bytes.data(), &x, 4);
  return bytes;
}

std::int64_t count_of(const std::vector<std::int64_t>& shape) {
  return nvq::io::element_count(shape).value_or(0);
}

/// Model Optimizer and DeepSeek have F32 scales, the others whatever there is.
dtype wide_of(const weight_scheme& to, dtype now) {
  return to.owner == dialect::modelopt || to.owner == dialect::deepseek ? dtype::f32 : now;
}

/// The tensor of `w` that holds what a part of another dialect does.
std::pair<part, const Tensor*> counterpart(const StoredWeight& w, part what) {
  const Content content = content_of(what);
  if (content != Content::other)
    for (const auto& [p, tensor] : w.parts)
      if (content_of(p) == content) return {p, tensor};
  return {what, nullptr};
}

/// Whether two dialects keep the part's bytes in the same order.
bool same_bytes(part from, part to, const weight_scheme& a, const weight_scheme& b) {
  return from == to && (from != part::gptq_zeros || a.owner == b.owner);
}

bool is_number(part what) {
  const Content c = content_of(what);
  return c == Content::tensor_scale || c == Content::input_scale;
}

}  // namespace

void cast_floats(dtype from, const std::vector<std::uint8_t>& in, dtype to, std::vector<std::uint8_t>& out) {
  const auto from_size = static_cast<std::size_t>(nvq::io::bits(from) / 8),
             to_size = static_cast<std::size_t>(nvq::io::bits(to) / 8), count = in.size() / from_size;
  out.resize(count * to_size);
  for (std::size_t i = 0; i < count; ++i) {
    float x;
    std::uint16_t narrow;
    std::memcpy(&narrow, in.data() + i * from_size, 2);
    if (from == dtype::f32)
      std::memcpy(&x, in.data() + i * 4, 4);
    else
      x = from == dtype::bf16 ? static_cast<float>(nvq::bfloat16::from_bits(narrow))
                              : static_cast<float>(nvq::half::from_bits(narrow));
    if (to == dtype::f32) {
      std::memcpy(out.data() + i * 4, &x, 4);
      continue;
    }
    narrow = to == dtype::bf16 ? nvq::bfloat16(x).bits : nvq::half(x).bits;
    std::memcpy(out.data() + i * 2, &narrow, 2);
  }
}

ZeroPoints zero_points(const Checkpoint& source, const StoredWeight& w) {
  const auto [what, tensor] = counterpart(w, part::zero_points);
  ZeroPoints all;
  if (tensor == nullptr) return all;
  const unsigned offset = what == part::gptq_zeros && w.scheme.owner == dialect::gptq ? 1 : 0;
  // Where rows end within a word, the rest of it is padding: compressed-tensors alone has that.
  if (w.rows % 8 != 0) return {false, false};
  for (const std::uint8_t byte : read_all(source, *tensor))
    for (const unsigned stored : {byte & 15u, (byte + 0u) >> 4}) {
      all.all_eight = all.all_eight && ((stored + offset) & 15u) == 8;
      all.any_zero = all.any_zero || ((stored + offset) & 15u) == 0;
    }
  return all;
}

/// The number in its other direction, or the one that a conversion before has noted.
std::string PieceMaker::inverse(const Tensor& t, const json* before, part from, bool to_divisor) {
  float x;
  source_.read(t, 0, &x, 4);
  if (!can_invert(x))
    throw Failure(fmt::format("{}: tensor '{}' is {}, which has no reciprocal; `nvq verify {}` says more",
                              source_.directory().string(), t.name, x, source_.directory().string()));
  ++counts_.inverted;
  float y = to_divisor ? divisor_of(x) : multiplier_of(x);
  if (before != nullptr && nvq::io::detail::text_at(*before, "of") == hexadecimal(x)) {
    y = of_hexadecimal(nvq::io::detail::text_at(*before, "bits"));
    if (!can_invert(y)) y = to_divisor ? divisor_of(x) : multiplier_of(x);
    ++counts_.restored;
  } else if (to_divisor && multiplier_of(y) != x) {
    ++counts_.inexact;
  }
  const float back = to_divisor ? multiplier_of(y) : divisor_of(y);
  if (back != x) bits_[from] = {{"bits", hexadecimal(x)}, {"of", hexadecimal(y)}};
  return four_bytes(y);
}

/// Type and shape as they were before, where they can be.
void PieceMaker::apply(const json& before, const Tensor* from, dtype& type,
                       std::vector<std::int64_t>& shape) const {
  const auto was = nvq::io::parse_dtype(nvq::io::detail::text_at(before, "dtype"));
  const bool narrow = was && (*was == dtype::bf16 || *was == dtype::f16);
  if (narrow && type == dtype::f32 && from != nullptr && from->type == dtype::f32) {
    const std::vector<std::uint8_t> now = read_all(source_, *from);
    std::vector<std::uint8_t> narrowed, back;
    cast_floats(dtype::f32, now, *was, narrowed);
    cast_floats(*was, narrowed, dtype::f32, back);
    if (back == now) type = *was;
  }
  const json* dims = nvq::io::detail::field(before, "shape");
  if (dims == nullptr || !dims->is_array() || count_of(shape) != 1 || dims->size() > 4) return;
  if (std::all_of(dims->begin(), dims->end(), [](const json& n) { return n == 1; }))
    shape.assign(dims->size(), 1);
}

void PieceMaker::restore(const json& before, Piece& made) const {
  apply(before, made.source, made.spec.type, made.spec.shape);
  made.how = made.source->type == made.spec.type ? How::copy : How::cast;
}

Piece PieceMaker::piece(const StoredWeight& w, const weight_scheme& to, const stored_part& p,
                        const Tensor* from, part from_what) {
  Piece made;
  made.spec = {w.module + p.suffix, p.type, p.shape};
  made.source = from;
  made.weight = &w;
  made.scheme = to;
  made.from = from_what;
  made.to = p.what;
  if (p.what == part::shape) {
    made.how = How::constant;
    made.bytes.resize(16);
    std::memcpy(made.bytes.data(), &w.rows, 8);
    std::memcpy(made.bytes.data() + 8, &w.columns, 8);
  } else if (p.what == part::group_index && from == nullptr) {
    made.how = How::index;
  } else if (is_number(p.what) && from_what != p.what) {
    made.how = How::constant;
  } else if (from != nullptr && same_bytes(from_what, p.what, w.scheme, to)) {
    made.how = from->type == p.type ? How::copy : How::cast;
    if (made.how == How::cast) ++counts_.widened;
  } else {
    made.how = How::rearrange;
  }
  return made;
}

/// Notes what of the source would come out otherwise if what is made were converted back.
void PieceMaker::note(const StoredWeight& w, const weight_scheme& to, const std::vector<stored_part>& made,
                      dtype wide) {
  const auto shard_of = [&](part what) {
    const Tensor* t = counterpart(w, what).second;
    return t != nullptr ? t->shard : w.parts.front().second->shard;
  };
  for (const stored_part& p : carried_parts(w.scheme, w.rows, w.columns, wide_of(w.scheme, wide))) {
    const Tensor* t = w.find(p.what);
    // What a GPTQ checkpoint lacks, the other version lacks as well.
    if (t == nullptr && p.what == part::group_index) {
      const bool lacking = std::none_of(made.begin(), made.end(),
                                        [](const stored_part& m) { return m.what == part::group_index; }) &&
                           (to.owner == dialect::gptq || to.owner == dialect::gptq_v2);
      if (!lacking) notes_.add(shard_of(p.what), w.module, p.suffix, {{"absent", true}});
      continue;
    }
    if (t == nullptr) continue;
    json entry = json::object();
    if (const auto bits = bits_.find(p.what); bits != bits_.end()) entry = bits->second;
    if (t->type != p.type) entry["dtype"] = nvq::io::name(t->type);
    if (t->shape != p.shape && count_of(p.shape) == 1) entry["shape"] = t->shape;
    if (entry.empty())
      notes_.plain(p.suffix);
    else
      notes_.add(t->shard, w.module, p.suffix, std::move(entry));
  }
}

void PieceMaker::make(const StoredWeight& w, const weight_scheme& to,
                      const std::function<void(int, Piece)>& add) {
  std::vector<stored_part> parts = carried_parts(to, w.rows, w.columns, wide_of(to, w.wide));
  const int home = w.parts.front().second->shard;
  std::vector<stored_part> made;
  dtype wide = wide_of(to, w.wide);
  bits_.clear();
  for (stored_part& p : parts) {
    const auto [from_what, from] = counterpart(w, p.what);
    const json* before = undo_.find(w.module + p.suffix);
    if (p.what == part::group_index && from == nullptr) {
      const bool gptq = w.scheme.owner == dialect::gptq || w.scheme.owner == dialect::gptq_v2;
      const json* absent = before != nullptr ? nvq::io::detail::field(*before, "absent") : nullptr;
      if (gptq || (absent != nullptr && *absent == true)) continue;
    }
    if (content_of(p.what) == Content::input_scale && from == nullptr)
      throw Failure(
          fmt::format("{}: '{}' has no input scale although its activations are calibrated; `nvq "
                      "verify {} --fix` can give it one",
                      source_.directory().string(), w.module, source_.directory().string()));
    if (content_of(p.what) == Content::input_scale && to.owner != dialect::modelopt &&
        to.kind == weight_kind::fp8_tensor)
      p.type = from->type;
    if (before != nullptr) apply(*before, from, p.type, p.shape);
    if (content_of(p.what) == Content::scales) wide = p.type;
    Piece piece_ = piece(w, to, p, from, from_what);
    if (piece_.how == How::constant && from != nullptr && is_number(p.what)) {
      const bool to_divisor = p.what == part::divisor || p.what == part::input_divisor;
      piece_.bytes = inverse(*from, before, from_what, to_divisor);
    }
    made.push_back(p);
    add(from != nullptr ? from->shard : home, std::move(piece_));
  }
  note(w, to, made, wide);
}

Piece PieceMaker::number(const Tensor& t, const std::string& name, dtype type,
                         std::vector<std::int64_t> shape) {
  Piece made;
  made.spec = {name, type, std::move(shape)};
  made.source = &t;
  made.how = t.type == type ? How::copy : How::cast;
  return made;
}

}  // namespace app
