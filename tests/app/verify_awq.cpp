// SPDX-License-Identifier: Apache-2.0
// `nvq verify --source` of AWQ checkpoints whose scales are folded into other layers: what is in disorder is found
// by name, and what AWQ does on purpose is not. The quantizer here is written from AutoAWQ's formulas.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "support/catch.hpp"
#include "verify.hpp"

using namespace test;

namespace {

const std::string q = "model.layers.1.self_attn.q_proj", v = "model.layers.1.self_attn.v_proj",
                  down = "model.layers.1.mlp.down_proj";
constexpr std::int64_t group = 64;
constexpr std::array<std::int64_t, 8> own_order = {0, 2, 4, 6, 1, 3, 5, 7},
                                      plain_order = {0, 1, 2, 3, 4, 5, 6, 7},
                                      swapped_order = {2, 0, 6, 4, 3, 1, 7, 5};

/// How one weight is written; what is not given is as it should be.
struct Spoil {
  std::array<std::int64_t, 8> codes = own_order, zeros = own_order;
  std::vector<std::int64_t> rows;  ///< row r holds what belongs to rows[r]
};

double noise(std::int64_t i, int seed) {
  std::uint64_t x =
      (static_cast<std::uint64_t>(i) + 1) * 0x9E3779B97F4A7C15u + static_cast<std::uint64_t>(seed);
  for (int k = 0; k < 3; ++k) x = (x ^ (x >> 29)) * 0xBF58476D1CE4E5B9u;
  return static_cast<double>(x >> 40) / (1 << 24);
}

double bf16_at(const Raw& t, std::int64_t i) {
  const auto bits = static_cast<std::uint32_t>(value_at<std::uint16_t>(t.bytes, static_cast<std::size_t>(i)))
                    << 16;
  float x;
  std::memcpy(&x, &bits, 4);
  return static_cast<double>(x);
}

std::uint16_t f16(double x) {  // a normal number, cut off
  int e;
  const double m = std::frexp(x, &e);
  return static_cast<std::uint16_t>((e + 14) << 10 | static_cast<int>((2 * m - 1) * 1024));
}
double f16_value(std::uint16_t h) { return std::ldexp(1.0 + (h & 1023) / 1024.0, (h >> 10) - 15); }

/// AutoAWQ: w * s, clipped in every group, range of the group on 0 ... 15.
void awq(Ckpt& c, const std::string& m, const Raw& weight, const std::vector<double>& column,
         const std::vector<double>& row, double clip, const Spoil& spoil = {}) {
  const std::int64_t rows = weight.shape[0], columns = weight.shape[1], groups = columns / group;
  std::vector<std::uint32_t> qweight(static_cast<std::size_t>(columns * rows / 8)),
      qzeros(static_cast<std::size_t>(groups * rows / 8));
  std::vector<std::uint16_t> scales(static_cast<std::size_t>(groups * rows));
  const auto nibble = [](const std::array<std::int64_t, 8>& order, std::int64_t r) {
    return 4 * (std::find(order.begin(), order.end(), r % 8) - order.begin());
  };
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t from = spoil.rows.empty() ? r : spoil.rows[static_cast<std::size_t>(r)];
    for (std::int64_t g = 0; g < groups; ++g) {
      std::array<double, group> w{};
      double amax = 0;
      for (std::int64_t k = 0; k < group; ++k) {
        const auto col = g * group + k;
        w[static_cast<std::size_t>(k)] = bf16_at(weight, from * columns + col) *
                                         column[static_cast<std::size_t>(col)] *
                                         row[static_cast<std::size_t>(from)];
        amax = std::max(amax, std::fabs(w[static_cast<std::size_t>(k)]));
      }
      for (double& x : w) x = std::clamp(x, -clip * amax, clip * amax);
      const auto [lo, hi] = std::minmax_element(w.begin(), w.end());
      const std::uint16_t stored = f16(std::max(*hi - *lo, 1e-5) / 15);
      const double s = f16_value(stored), z = std::clamp(-std::nearbyint(*lo / s), 0.0, 15.0);
      scales[static_cast<std::size_t>(g * rows + r)] = stored;
      qzeros[static_cast<std::size_t>(g * (rows / 8) + r / 8)] |= static_cast<std::uint32_t>(z)
                                                                  << nibble(spoil.zeros, r);
      for (std::int64_t k = 0; k < group; ++k)
        qweight[static_cast<std::size_t>((g * group + k) * (rows / 8) + r / 8)] |=
            static_cast<std::uint32_t>(
                std::clamp(std::nearbyint(w[static_cast<std::size_t>(k)] / s) + z, 0.0, 15.0))
            << nibble(spoil.codes, r);
    }
  }
  const auto bytes = [](const auto& values) {
    return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(values[0]));
  };
  c.tensors[m + ".qweight"] = {"I32", {columns, rows / 8}, bytes(qweight)};
  c.tensors[m + ".qzeros"] = {"I32", {groups, rows / 8}, bytes(qzeros)};
  c.tensors[m + ".scales"] = {"F16", {groups, rows}, bytes(scales)};
}

/// Two layers whose columns have factors from a tenth to ten, whose v and up have rows with others, and one module
/// of which is spoiled.
Verdict verdict(const std::string& spoiled = "", const Spoil& spoil = {}, double clip = 0.85) {
  const TempDir dir;
  const Ckpt source = plain_model();
  Ckpt c = checkpoint_of("awq");
  int seed = 0;
  for (const std::string& m : linear_layers(source)) {
    const Raw& w = source.tensors.at(m + ".weight");
    std::vector<double> column, row;
    ++seed;
    for (std::int64_t k = 0; k < w.shape[1]; ++k)
      column.push_back(k == 77 ? 10 : std::exp2(4 * noise(k, seed) - 2) * (k == 5 ? 0.1 : 1));
    const bool rows = m.find("v_proj") != std::string::npos || m.find("up_proj") != std::string::npos;
    for (std::int64_t r = 0; r < w.shape[0]; ++r)
      row.push_back(rows ? std::exp2(3 * noise(r, -seed) - 1.5) : 1);
    awq(c, m, w, column, row, clip, m == spoiled ? spoil : Spoil{});
  }
  c.write(dir / "c");
  source.write(dir / "s");
  return examine(dir / "c", {"--source", (dir / "s").string()});
}

Spoil orders(const std::array<std::int64_t, 8>& codes, const std::array<std::int64_t, 8>& zeros) {
  Spoil s;
  s.codes = codes;
  s.zeros = zeros;
  return s;
}

}  // namespace

TEST_CASE("what AWQ folds and clips on purpose is no finding", "[app][verify]") {
  for (const double clip : {1.0, 0.85, 0.6}) {
    const Verdict all = verdict("", {}, clip);
    INFO("clipped at " << clip << '\n' << all.all());
    CHECK(all.status == 0);
    CHECK(all.report["source"]["compared"] == 14);
    CHECK(all.report["source"]["not_compared"].empty());
    CHECK(all.report["source"]["worst_relative_error"].get<double>() < 0.4);
    CHECK(all.report["source"]["mean_relative_error"].get<double>() > 0.05);
  }
}

TEST_CASE("columns of AWQ words in a wrong order are found under folded scales", "[app][verify]") {
  const auto check = [](const std::string& rule, const std::string& subject, const std::string& m,
                        const Spoil& s) {
    const Verdict all = verdict(m, s);
    INFO("expected " << rule << ' ' << subject << "; found:\n" << all.all());
    CHECK(all.status == 1);
    CHECK(all.found(rule, subject));
    CHECK(all.report["findings"].size() == 1);
  };
  for (const std::string& m : {q, v, down}) {
    check("N-order", m + ".qweight", m, orders(plain_order, plain_order));
    check("N-order", m + ".qweight", m, orders(plain_order, own_order));
    check("N-nibbles", m + ".qweight", m, orders(swapped_order, swapped_order));
    check("N-nibbles", m + ".qweight", m, orders(swapped_order, own_order));
  }
}

TEST_CASE("rows of AWQ weights in another order are found under folded scales", "[app][verify]") {
  const auto reversed_heads = [] {  // heads of 32 rows, the last first
    Spoil s;
    for (std::int64_t r = 0; r < 128; ++r) s.rows.push_back((3 - r / 32) * 32 + r % 32);
    return s;
  };
  Verdict all = verdict(q, reversed_heads());
  INFO(all.all());
  CHECK(all.found("V22", q));
  CHECK(all.report["findings"].size() == 1);
  Spoil two;
  two.rows.resize(128);
  std::iota(two.rows.begin(), two.rows.end(), std::int64_t{0});
  std::swap(two.rows[17], two.rows[101]);
  all = verdict(v, two);
  INFO(all.all());
  REQUIRE(all.found("N-source", v));
  CHECK(all.report["findings"][0]["seen"].get<std::string>() ==
        "2 of 128 rows are others: row 17 is row 101 of the source");
}

TEST_CASE("an AWQ weight of another model is found although scales are folded", "[app][verify]") {
  const TempDir dir;
  Ckpt source = plain_model();
  Ckpt c = checkpoint_of("awq");
  const std::vector<double> ones(256, 1.0);
  for (const std::string& m : linear_layers(source))
    awq(c, m, source.tensors.at(m + ".weight"), ones, ones, 1);
  c.write(dir / "c");
  source.tensors[q + ".weight"] = weights("BF16", 128, 128, 4242);
  source.write(dir / "s");
  const Verdict all = examine(dir / "c", {"--source", (dir / "s").string()});
  INFO(all.all());
  CHECK(all.found("N-source", q));
  CHECK(all.report["findings"].size() == 1);
}
