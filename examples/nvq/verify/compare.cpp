// SPDX-License-Identifier: Apache-2.0
// One quantized weight against its source, and what went wrong when they differ.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "decode.hpp"
#include "folded.hpp"
#include "layers.hpp"
#include "source_rows.hpp"

namespace app::check {

namespace {

/// More than any recipe loses on weights that are not adversarial: 4-bit formats lose about a tenth.
double tolerance(const Scheme& s) {
  switch (s.kind) {
    case Kind::mxfp8:
    case Kind::fp8_tensor:
    case Kind::fp8_channel:
    case Kind::fp8_block:
    case Kind::int8:
      return 0.1;
    case Kind::mxfp6:
      return 0.15;
    default:
      return s.bits <= 3 ? 0.7 : s.bits == 8 ? 0.1 : 0.3;
  }
}

struct Row {
  double error = 0, norm = 0, own = 0, dot = 0;
};

struct Sums {
  std::vector<Row> rows;
  double error = 0, norm = 0, own = 0, dot = 0;

  double relative() const { return norm > 0 ? std::sqrt(error / norm) : own > 0 ? 1.0 : 0.0; }
};

Sums sums_of(const Decoder& d, const SourceRows& source, std::int64_t expert, const Twist& twist) {
  Sums s;
  std::vector<float> a(static_cast<std::size_t>(d.columns())), b(a.size());
  for (std::int64_t r = 0; r < d.rows(); ++r) {
    d.row(expert, r, twist, a.data());
    source.row(r, b.data());
    Row row;
    for (std::size_t i = 0; i < a.size(); ++i) {
      const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
      row.error += (x - y) * (x - y);
      row.norm += y * y;
      row.own += x * x;
      row.dot += x * y;
    }
    s.error += row.error;
    s.norm += row.norm;
    s.own += row.own;
    s.dot += row.dot;
    s.rows.push_back(row);
  }
  return s;
}

/// Rows that have nothing to do with the source's: for large matrices a few do not show in the whole.
std::vector<std::int64_t> bad_rows(const Sums& s) {
  std::vector<std::int64_t> bad;
  const double usual = s.norm / static_cast<double>(std::max<std::size_t>(1, s.rows.size()));
  for (std::size_t r = 0; r < s.rows.size(); ++r)
    if (s.rows[r].norm > 0.01 * usual && !(s.rows[r].error < 0.64 * s.rows[r].norm))
      bad.push_back(static_cast<std::int64_t>(r));
  return bad;
}

/// The row of the source that a decoded row is; -1 when it is none of them.
std::int64_t find_row(const Decoder& d, const SourceRows& source, std::int64_t expert, std::int64_t r,
                      const std::vector<std::int64_t>& among) {
  std::vector<float> a(static_cast<std::size_t>(d.columns())), b(a.size());
  d.row(expert, r, {}, a.data());
  for (const std::int64_t other : among) {
    source.row(other, b.data());
    double error = 0, norm = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      const double x = static_cast<double>(a[i]), y = static_cast<double>(b[i]);
      error += (x - y) * (x - y);
      norm += y * y;
    }
    if (other != r && error < 0.16 * norm) return other;
  }
  return -1;
}

/// A block that a zero scale erases although its values would have had a scale; one does not show in the sums.
bool find_erased(Comparison& result, const Decoder& d, const SourceRows& source, const Module& m) {
  std::vector<float> x(static_cast<std::size_t>(d.columns()));
  std::int64_t erased = 0, row = -1, column = 0;
  for (std::int64_t r = 0; r < d.rows(); ++r) {
    bool read = false;
    for (std::int64_t c = 0; c < d.columns(); c += 16) {
      if (!d.zero_scale(r, c)) continue;
      if (!read) source.row(r, x.data());
      read = true;
      double largest = 0;
      for (std::int64_t i = c; i < std::min(c + 16, d.columns()); ++i)
        largest = std::max(largest, std::fabs(static_cast<double>(x[static_cast<std::size_t>(i)])));
      if (!(largest > d.underflow())) continue;
      if (erased++ == 0) row = r, column = c;
    }
  }
  if (erased == 0) return false;
  result.rule = "V5";
  result.subject = m.name + ".weight_scale";
  result.seen =
      fmt::format("{} scales are zero where the source is not, such as that of row {}, columns {} to {}",
                  erased, row, column, std::min(column + 16, d.columns()) - 1);
  return true;
}

/// Weights that are no weights at all.
bool find_void(Comparison& result, const Decoder& d, const Sums& sums, const Module& m) {
  const auto say = [&](std::string rule, std::string subject, std::string seen) {
    result.rule = std::move(rule);
    result.subject = std::move(subject);
    result.seen = std::move(seen);
    return true;
  };
  if (!(sums.own > 0) || !std::isfinite(sums.own))
    return say(sums.own == 0 ? "N-dead" : "V15", m.name,
               sums.own == 0 ? "every decoded value is zero; the source's are not"
                             : "decoded values are NaN or infinite");
  if (const auto word = d.constant_word())
    return say("V15", m.part(codes_suffix(*m.declared))->name,
               fmt::format("all codes are the word 0x{:08x}", *word));
  return false;
}

void diagnose(Comparison& result, const Decoder& d, const SourceRows& source, std::int64_t expert,
              const Sums& sums, const Module& m, double limit) {
  const auto say = [&](std::string rule, std::string subject, std::string seen) {
    result.rule = std::move(rule);
    result.subject = std::move(subject);
    result.seen = std::move(seen);
  };
  const std::string codes_name = m.part(codes_suffix(*m.declared))->name;
  const auto better = [&](const Twist& t) {
    return sums_of(d, source, expert, t).relative() < std::min(limit, 0.6 * sums.relative());
  };
  Twist nibbles, swizzled, flipped;
  nibbles.nibbles = swizzled.swizzled = flipped.flipped = true;
  if (d.has_tensor_scale() && better(flipped)) {
    const std::string suffix = m.part("weight_scale_2") != nullptr ? "weight_scale_2" : "weight_global_scale";
    return say("V4", m.name + '.' + suffix, "weights fit the source when it points the other way");
  }
  if (d.has_nibbles() && better(nibbles))
    return say("N-nibbles", codes_name,
               "weights fit the source when the two codes of each byte are exchanged");
  if (d.may_be_swizzled() && better(swizzled))
    return say("N-swizzle", m.name + ".weight_scale",
               "weights fit the source when scales are read in tiles of 128 x 4");
  auto bad = bad_rows(sums);
  const std::size_t count = bad.size();
  bad.resize(std::min<std::size_t>(count, 4096));
  for (std::size_t i = 0; i < std::min<std::size_t>(bad.size(), 8); ++i) {
    const std::int64_t other = find_row(d, source, expert, bad[i], bad);
    if (other < 0) continue;
    return say(has_ordered_rows(m.name) ? "V22" : "N-source", m.name,
               fmt::format("{} of {} rows are others: row {} is row {} of the source", count,
                           sums.rows.size(), bad[i], other));
  }
  const double factor = sums.dot / sums.norm;
  const double residual = std::sqrt(std::max(0.0, 1 - sums.dot * sums.dot / (sums.norm * sums.own)));
  if (residual < limit)
    return say("N-source", m.name, fmt::format("weights are {:.4g} times those of the source", factor));
  if (!bad.empty() && count < sums.rows.size())
    return say("N-source", m.name,
               fmt::format("{} of {} rows differ, such as row {}", count, sums.rows.size(), bad[0]));
  say("N-source", m.name,
      fmt::format("relative error {:.3g}; the format loses up to {:.2g}", sums.relative(), limit));
}

}  // namespace

std::optional<SourceWeight> source_weight(const Snapshot& source, const Module& m, std::int64_t expert) {
  const std::int64_t rows = m.extent.rows, columns = m.extent.columns;
  const auto plain = [](const Entry* t) { return t != nullptr && is_wide(t->type); };
  if (const Entry* t = source.find(m.name + ".weight");
      plain(t) && t->shape == std::vector<std::int64_t>{rows, columns})
    return SourceWeight{t, 0, columns, 1};
  // Experts that the source stacks: of the checkpoint's stack, or of an expert stored alone.
  std::string stack = m.name;
  std::int64_t offset = 0, total = rows;
  if (const auto e = expert_name(m.name)) {
    const auto star = e->family.find('*');
    std::string last = e->family.substr(star + 2);
    expert = e->number;
    if (last == "gate_proj" || last == "up_proj" || last == "w1" || last == "w3") {
      offset = last == "up_proj" || last == "w3" ? rows : 0;
      total = 2 * rows;
      last = "gate_up_proj";
    } else if (last == "w2") {
      last = "down_proj";
    }
    stack = e->family.substr(0, star) + last;
  }
  const Entry* t = source.find(stack);
  if (!plain(t) || t->shape.size() != 3 || expert >= t->shape[0]) return std::nullopt;
  if (t->shape[1] == total && t->shape[2] == columns)
    return SourceWeight{t, (expert * total + offset) * columns, columns, 1};
  if (t->shape[1] == columns && t->shape[2] == total)
    return SourceWeight{t, expert * columns * total + offset, 1, total};
  return std::nullopt;
}

bool has_ordered_rows(std::string_view module) {
  static const std::set<std::string_view> ordered = {"qkv_proj",        "q_proj", "k_proj",
                                                     "query_key_value", "Wqkv",   "gate_up_proj"};
  return ordered.count(leaf(module)) != 0;
}

Comparison compare_with_source(const Snapshot& c, const Snapshot& source, const Module& m, bool folds) {
  Comparison result;
  const auto d = Decoder::load(c, m);
  if (!d) return result;
  const double limit = tolerance(*m.declared);
  for (std::int64_t e = 0; e < d->experts(); ++e) {
    const auto weight = source_weight(source, m, e);
    if (!weight) return result;
    const SourceRows rows(source, *weight, d->columns());
    if (!rows.read()) return result;
    const Sums sums = sums_of(*d, rows, e, {});
    result.done = true;
    const double before = result.error;
    result.error = std::max(result.error, sums.relative());
    if (!(sums.relative() <= limit) || !bad_rows(sums).empty()) {
      if (find_void(result, *d, sums, m)) return result;
      if (!folds) {
        diagnose(result, *d, rows, e, sums, m, limit);
        return result;
      }
      result.error = before;
      judge_folded(result, *d, rows, e, m, limit);
      if (!result.rule.empty()) return result;
      continue;
    }
    if (d->has_tensor_scale() && find_erased(result, *d, rows, m)) return result;
  }
  return result;
}

}  // namespace app::check
