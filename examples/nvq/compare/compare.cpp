// SPDX-License-Identifier: Apache-2.0
#include "compare/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <numeric>
#include <utility>

#include "compare/errors.hpp"
#include "failure.hpp"
#include "layers.hpp"
#include "parallel.hpp"
#include "progress.hpp"
#include "report/scale_counts.hpp"
#include "table.hpp"
#include "weight_reader.hpp"

namespace app {

namespace {

using Pair = std::pair<const Weight*, const Weight*>;

/// Names with numbers in the order of the numbers.
bool natural_less(const std::string& a, const std::string& b) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (digit(a[i]) && digit(b[j])) {
      std::size_t m = i, n = j;
      while (m < a.size() && digit(a[m])) ++m;
      while (n < b.size() && digit(b[n])) ++n;
      while (i + 1 < m && a[i] == '0') ++i;
      while (j + 1 < n && b[j] == '0') ++j;
      if (m - i != n - j) return m - i < n - j;
      if (const int order = a.compare(i, m - i, b, j, n - j); order != 0) return order < 0;
      i = m;
      j = n;
    } else {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i;
      ++j;
    }
  }
  return a.size() - i < b.size() - j;
}

class Comparison {
 public:
  Comparison(const CompareOptions& options, report::Report& report)
      : options_(options),
        report_(report),
        a_checkpoint_(options.a),
        b_checkpoint_(options.b),
        a_(a_checkpoint_),
        b_(b_checkpoint_),
        pool_(options.threads) {}

  void run() {
    find_pairs();
    Progress progress(bytes_, !options_.quiet);
    // Enough pieces at a time for all threads, few enough that what is noted of each stays small.
    constexpr std::size_t enough = 4096;
    for (std::size_t begin = 0; begin < pairs_.size();) {
      std::vector<Piece> pieces;
      std::size_t end = begin;
      for (; end < pairs_.size() && pieces.size() < enough; ++end) {
        const auto& [a, b] = pairs_[end];
        for (const Rows& run :
             cut_rows(a->rows, a->columns, std::lcm(WeightReader::row_step(*a), WeightReader::row_step(*b))))
          pieces.push_back({end, run});
      }
      run_pieces(begin, end, pieces, progress);
      begin = end;
    }
    report_.scales = scales_.histograms();
    facts();
  }

 private:
  struct Piece {
    std::size_t pair;
    Rows run;
  };

  bool wanted(const std::string& name) const {
    return options_.only.empty() || std::any_of(options_.only.begin(), options_.only.end(),
                                                [&](const std::string& g) { return glob(g, name); });
  }

  void find_pairs() {
    std::vector<std::string> only_a, only_b, shapes;
    for (const auto& [name, a] : a_.weights()) {
      if (!wanted(name)) continue;
      const Weight* b = b_.find(name);
      if (b == nullptr)
        only_a.push_back(name);
      else if (a.rows != b->rows || a.columns != b->columns)
        shapes.push_back(name);
      else
        pairs_.emplace_back(&a, b);
    }
    for (const auto& [name, b] : b_.weights())
      if (wanted(name) && a_.find(name) == nullptr) only_b.push_back(name);
    const auto note = [&](const std::vector<std::string>& names, const char* what) {
      if (!names.empty())
        report_.notes.push_back(fmt::format("{} weights {}, such as {}", names.size(), what, names[0]));
    };
    note(only_a, "are in the first model only");
    note(only_b, "are in the second model only");
    note(shapes, "have another shape in the second model");
    if (pairs_.empty() && !options_.only.empty() && only_a.empty() && only_b.empty() && shapes.empty())
      throw Failure(fmt::format("--only {}: that is the name of no weight in {}",
                                fmt::join(options_.only, " "), options_.a.string()));
    if (pairs_.empty())
      throw Failure(fmt::format("{} and {} have no weight of the same name and shape in common",
                                options_.a.string(), options_.b.string()));
    std::stable_sort(pairs_.begin(), pairs_.end(),
                     [](const Pair& x, const Pair& y) { return natural_less(x.first->name, y.first->name); });
    for (const auto& [a, b] : pairs_) bytes_ += a->bytes + b->bytes;
  }

  void run_pieces(std::size_t begin, std::size_t end, const std::vector<Piece>& pieces, Progress& progress) {
    std::vector<ErrorSums> sums(pieces.size());
    progress.label(pairs_[begin].first->name);
    pool_.run(static_cast<std::int64_t>(pieces.size()), [&](std::int64_t i) {
      const Piece& p = pieces[static_cast<std::size_t>(i)];
      const auto& [a, b] = pairs_[p.pair];
      static thread_local DecodedRows original, copy;
      a_.read(*a, p.run, false, original);
      b_.read(*b, p.run, true, copy);
      sums[static_cast<std::size_t>(i)] = errors_of(original.values, copy);
      if (const Tensor* scales = b_.scales_of(*b)) scales_.add(b->format, scales->type, copy.scales);
      progress.advance((a->bytes + b->bytes) / a->rows * p.run.count);
    });
    std::size_t piece = 0;
    for (std::size_t i = begin; i < end; ++i) {
      ErrorSums all;
      for (; piece < pieces.size() && pieces[piece].pair == i; ++piece) all.add(sums[piece]);
      record(pairs_[i], all);
    }
  }

  void record(const Pair& pair, const ErrorSums& sums) {
    const auto& [a, b] = pair;
    report::TensorRecord t;
    t.name = a->name;
    t.kind = tensor_class(a->name);
    t.format = b->format;
    t.layer = layer_number(a->name);
    std::string module;
    t.group = closure_key(is_weight(a->name, module) ? module : a->name);
    t.values = a->rows * a->columns;
    t.bytes = b->bytes;
    // What keeping it would cost: 16 bits where the first model is quantized itself.
    t.wide_bytes = a->stored == nullptr ? a->bytes : t.values * 2;
    sums.store(t);
    report_.tensors.push_back(std::move(t));
  }

  void facts() {
    const auto describe = [](const std::filesystem::path& path, const Checkpoint& c, const WeightReader& r) {
      return fmt::format("{}: {}, {:.2f} MB", path.string(),
                         r.format().empty() ? "not quantized" : r.format(),
                         static_cast<double>(c.total_bytes()) / 1e6);
    };
    report_.title = "Comparison of weights";
    report_.facts = {{"original", describe(options_.a, a_checkpoint_, a_)},
                     {"copy", describe(options_.b, b_checkpoint_, b_)}};
    std::vector<const report::TensorRecord*> changed;
    double db = 0;
    for (const report::TensorRecord& t : report_.tensors)
      if (t.noise != 0 || t.not_finite != 0) {
        changed.push_back(&t);
        db += t.sqnr_db();
      }
    report_.facts.emplace_back("weights",
                               fmt::format("{} compared, {} differ", report_.tensors.size(), changed.size()));
    if (changed.empty()) return;
    const auto worst = std::min_element(changed.begin(), changed.end(), [](const auto* x, const auto* y) {
      return x->sqnr_db() < y->sqnr_db();
    });
    report_.facts.emplace_back(
        "SQNR of those",
        fmt::format("{:.2f} dB of all values, {:.2f} dB mean, {:.2f} dB worst ({})",
                    report::merged(changed).sqnr_db(), db / static_cast<double>(changed.size()),
                    (*worst)->sqnr_db(), (*worst)->name));
    std::int64_t not_finite = 0;
    for (const auto* t : changed) not_finite += t->not_finite;
    if (not_finite != 0)
      report_.notes.push_back(with_commas(not_finite) +
                              " values are NaN or infinite on one side; they are left out of all sums");
  }

  const CompareOptions& options_;
  report::Report& report_;
  Checkpoint a_checkpoint_, b_checkpoint_;
  WeightReader a_, b_;
  Pool pool_;
  std::vector<Pair> pairs_;
  report::ScaleCounts scales_;
  std::int64_t bytes_ = 0;
};

}  // namespace

report::Report compare(const CompareOptions& options) {
  report::Report report;
  Comparison(options, report).run();
  return report;
}

}  // namespace app
