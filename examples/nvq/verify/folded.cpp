// SPDX-License-Identifier: Apache-2.0
#include "folded.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "layers.hpp"

namespace app::check {

namespace {

using Values = std::vector<float>;

/// Factors of the columns, and how well every row of the source fits under them.
struct Fit {
  std::vector<double> to_source;  ///< what a column of the source is multiplied by to be like the decoded one
  std::vector<double> weight;     ///< of a column in all sums
  std::vector<double> cosine;     ///< of a decoded row with that of the source; 1 where the source's is dead
  double residual = 1;            ///< norm that no factors explain, relative to the decoded weight

  std::vector<std::int64_t> bad_rows() const {
    std::vector<std::int64_t> bad;
    for (std::size_t r = 0; r < cosine.size(); ++r)
      if (!(cosine[r] > 0.6)) bad.push_back(static_cast<std::int64_t>(r));
    return bad;
  }
};

struct Weighted {
  double dot = 0, own = 0, norm = 0;

  double cosine() const { return own > 0 && norm > 0 ? dot / std::sqrt(own * norm) : 0; }
};

Weighted products(const Fit& f, const Values& decoded, const Values& source) {
  Weighted w;
  for (std::size_t c = 0; c < decoded.size(); ++c) {
    const double x = static_cast<double>(decoded[c]) * f.weight[c],
                 y = static_cast<double>(source[c]) * f.to_source[c] * f.weight[c];
    w.dot += x * y;
    w.own += x * x;
    w.norm += y * y;
  }
  return w;
}

/// Columns have the factor of their norms, whatever order their rows are in. A column above the median counts
/// as much as the median: one that AWQ made large would make every row look like every other.
void fit_columns(Fit& f, const std::vector<double>& decoded, const std::vector<double>& source) {
  const std::size_t n = decoded.size();
  f.to_source.assign(n, 0);
  f.weight.assign(n, 0);
  std::vector<double> sorted(decoded);
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(n / 2), sorted.end());
  const double usual = sorted[n / 2];
  for (std::size_t c = 0; c < n; ++c) {
    if (source[c] > 0) f.to_source[c] = std::sqrt(decoded[c] / source[c]);
    const double counted = std::max(decoded[c], usual);
    if (counted > 0) f.weight[c] = 1 / std::sqrt(counted);
  }
}

Fit fit_of(const Decoder& d, const SourceRows& source, std::int64_t expert, const Twist& twist) {
  const auto rows = static_cast<std::size_t>(d.rows()), columns = static_cast<std::size_t>(d.columns());
  Values a(columns), b(columns);
  const auto read = [&](std::size_t r) {
    d.row(expert, static_cast<std::int64_t>(r), twist, a.data());
    source.row(static_cast<std::int64_t>(r), b.data());
  };
  std::vector<double> row_factor(rows, 1);  // squared
  Fit best;
  // The second time with factors of rows, which few rows do not average out. They suppose rows in order.
  for (int pass = 0; pass < 2; ++pass) {
    std::vector<double> decoded(columns, 0), given(columns, 0);
    for (std::size_t r = 0; r < rows; ++r) {
      read(r);
      for (std::size_t c = 0; c < columns; ++c) {
        decoded[c] += static_cast<double>(a[c]) * static_cast<double>(a[c]);
        given[c] += row_factor[r] * static_cast<double>(b[c]) * static_cast<double>(b[c]);
      }
    }
    Fit f;
    fit_columns(f, decoded, given);
    std::vector<Weighted> fitted(rows);
    double own = 0, norm = 0, left = 0;
    for (std::size_t r = 0; r < rows; ++r) {
      read(r);
      fitted[r] = products(f, a, b);
      own += fitted[r].own;
      norm += fitted[r].norm;
    }
    for (std::size_t r = 0; r < rows; ++r) {
      const Weighted& w = fitted[r];
      const bool dead = !(w.norm > 0.01 * norm / static_cast<double>(rows));
      const double cosine = w.cosine();
      f.cosine.push_back(dead ? 1 : cosine);
      left += cosine > 0 ? w.own * (1 - cosine * cosine) : w.own;
      row_factor[r] = w.norm > 0 ? w.own / w.norm : 1;
    }
    if (own > 0) f.residual = std::sqrt(left / own);
    if (pass == 0 || f.residual < best.residual) best = std::move(f);
    if (best.residual < 0.1) break;
  }
  return best;
}

/// The row of the source that a decoded row is; -1 when it is none of them.
std::int64_t find_row(const Decoder& d, const SourceRows& source, std::int64_t expert, const Fit& f,
                      std::int64_t r, const std::vector<std::int64_t>& among) {
  Values a(static_cast<std::size_t>(d.columns())), b(a.size());
  d.row(expert, r, {}, a.data());
  for (const std::int64_t other : among) {
    source.row(other, b.data());
    if (other != r && products(f, a, b).cosine() > 0.9) return other;
  }
  return -1;
}

struct Mistake {
  Twist twist;
  const char* rule;
  std::string subject, seen;
};

/// Mistakes of order that this dialect allows.
std::vector<Mistake> mistakes(const Decoder& d, const Module& m) {
  std::vector<Mistake> all;
  const std::string codes = m.part(codes_suffix(*m.declared))->name;
  const auto add = [&](Twist t, const char* rule, const std::string& subject, const char* how) {
    all.push_back(
        {t, rule, subject, std::string("weights fit the source, but for factors that AWQ folds, ") + how});
  };
  if (d.has_lanes()) {
    const auto lanes = [](Lanes c, Lanes z) {
      Twist t;
      t.codes = c;
      t.zeros = z;
      return t;
    };
    const char* plain = "when eight columns of a word are read in the order 0 to 7";
    const char* swapped = "when the two codes of each byte are exchanged";
    add(lanes(Lanes::plain, Lanes::plain), "N-order", codes, plain);
    add(lanes(Lanes::plain, Lanes::interleaved), "N-order", codes, plain);
    add(lanes(Lanes::swapped, Lanes::swapped), "N-nibbles", codes, swapped);
    add(lanes(Lanes::swapped, Lanes::interleaved), "N-nibbles", codes, swapped);
  }
  Twist nibbles, swizzled;
  nibbles.nibbles = swizzled.swizzled = true;
  if (d.has_nibbles()) add(nibbles, "N-nibbles", codes, "when the two codes of each byte are exchanged");
  if (d.may_be_swizzled())
    add(swizzled, "N-swizzle", m.name + ".weight_scale", "when scales are read in tiles of 128 x 4");
  return all;
}

}  // namespace

void judge_folded(Comparison& result, const Decoder& d, const SourceRows& source, std::int64_t expert,
                  const Module& m, double limit) {
  const Fit fit = fit_of(d, source, expert, {});
  result.error = std::max(result.error, fit.residual);
  auto bad = fit.bad_rows();
  if (fit.residual <= limit && bad.empty()) return;
  const auto say = [&](std::string rule, std::string subject, std::string seen) {
    result.rule = std::move(rule);
    result.subject = std::move(subject);
    result.seen = std::move(seen);
  };
  const Mistake* best = nullptr;
  double least = 0.6 * fit.residual;
  const auto all = mistakes(d, m);
  for (const Mistake& mistake : all) {
    const double residual = fit_of(d, source, expert, mistake.twist).residual;
    if (residual < least) least = residual, best = &mistake;
  }
  if (best != nullptr) return say(best->rule, best->subject, best->seen);
  const std::size_t count = bad.size();
  bad.resize(std::min<std::size_t>(count, 4096));
  for (std::size_t i = 0; i < std::min<std::size_t>(bad.size(), 8); ++i) {
    const std::int64_t other = find_row(d, source, expert, fit, bad[i], bad);
    if (other >= 0)
      return say(has_ordered_rows(m.name) ? "V22" : "N-source", m.name,
                 fmt::format("{} of {} rows are others: row {} is row {} of the source", count,
                             fit.cosine.size(), bad[i], other));
  }
  // Groups that clipping or an outlier column made coarse lose more than usual, but not the likeness of rows.
  if (bad.empty() && fit.residual <= 0.6) return;
  if (count != 0 && count < fit.cosine.size() / 2)
    return say("N-source", m.name,
               fmt::format("{} of {} rows differ, such as row {}", count, fit.cosine.size(), bad[0]));
  say("N-source", m.name,
      fmt::format("{:.3g} of its norm differs from the source under any factors of rows and columns",
                  fit.residual));
}

}  // namespace app::check
