// SPDX-License-Identifier: Apache-2.0
// `nvq vectors` and `nvq check-codes`. What is written is judged by ml_dtypes' tables, by the nearest of all codes found
// by trying each, by the element and scale types' definitions, and by sha256sum.
#include <array>
#include <cmath>
#include <cstdlib>
#include <set>

#include "app.hpp"
#include "support/catch.hpp"

using namespace test;

namespace {

/// A set read back without nvq.
struct Set {
  json about;
  fs::path directory;

  Set(const fs::path& d, const std::string& name) : about(read_json(d / (name + ".json"))), directory(d) {}
  std::string bytes(const std::string& part) const {
    return read_file(directory / about["files"][part]["file"].get<std::string>());
  }
  std::int64_t rows() const { return about["shape"][0]; }
  std::int64_t columns() const { return about["shape"][1]; }
  /// One code a value.
  std::vector<unsigned> codes() const {
    const std::string packed = bytes("codes");
    const int bits = about["files"]["codes"]["bits"];
    const std::size_t stride = about["files"]["codes"]["row_bytes"];
    std::vector<unsigned> all;
    for (std::int64_t r = 0; r < rows(); ++r)
      for (std::int64_t c = 0; c < columns(); ++c) {
        unsigned code = 0;
        for (int b = 0; b < bits; ++b) {
          const auto bit = static_cast<std::size_t>(c * bits + b);
          const auto byte =
              static_cast<unsigned char>(packed[static_cast<std::size_t>(r) * stride + bit / 8]);
          code |= (byte >> (bit % 8) & 1u) << b;
        }
        all.push_back(code);
      }
    return all;
  }
};

/// Sets of one format and recipe.
void write(const fs::path& out, const std::string& format, const std::string& recipe, const std::string& sets,
           std::vector<std::string> more = {}) {
  more.insert(more.begin(),
              {"vectors", "--format", format, "--recipe", recipe, "--sets", sets, "--out", out.string()});
  const Outcome done = nvq(more);
  INFO(done.err);
  REQUIRE(done.status == 0);
}

double e4m3(unsigned b) {
  const int e = static_cast<int>(b >> 3 & 15u), m = static_cast<int>(b & 7u);
  const double x = e == 0 ? std::ldexp(m, -9) : std::ldexp(8 + m, e - 10);
  return (b & 0x80u) != 0 ? -x : x;
}

constexpr std::array<double, 8> e2m1 = {0, 0.5, 1, 1.5, 2, 3, 4, 6};

/// The code of the magnitude nearest to x / scale, the even one of two, by trying all.
unsigned nearest(double x, double scale) {
  unsigned best = 0;
  for (unsigned c = 1; c < 8; ++c) {
    const double now = std::fabs(std::fabs(x) - e2m1[c] * scale),
                 before = std::fabs(std::fabs(x) - e2m1[best] * scale);
    if (now < before || (now == before && c % 2 == 0)) best = c;
  }
  return best;
}

const fs::path ml_dtypes = fs::path(NVQ_VECTORS_DIR) / "elements_ml_dtypes.safetensors";

}  // namespace

TEST_CASE("elements: all bfloat16 values, with ml_dtypes' codes where the scale is 1", "[app][vectors]") {
  struct Case {
    const char *format, *recipe, *table;
    double largest;
    int one;  // the scale byte of 1
  };
  const Tensors tables = read_safetensors(ml_dtypes);
  for (const Case& k : {Case{"nvfp4", "modelopt", "float4_e2m1fn", 6, 0x38},
                        {"nvfp4", "transformer_engine", "float4_e2m1fn", 6, 0x38},
                        {"mxfp4", "rceil", "float4_e2m1fn", 6, 127},
                        {"mxfp6", "ocp_floor", "float6_e2m3fn", 7.5, 127},
                        {"mxfp8", "rceil", "float8_e4m3fn", 448, 127}}) {
    const TempDir dir;
    write(dir / "v", k.format, k.recipe, "elements");
    const Set set(dir / "v", std::string(k.format) + '_' + k.recipe + "_elements");
    const std::string input = set.bytes("input"), scales = set.bytes("scales");
    const std::string& table = tables.at(std::string(k.table) + ".from_bf16").bytes;
    const auto codes = set.codes();
    REQUIRE(codes.size() * 4 == input.size());
    std::set<std::uint32_t> seen, compared;
    std::int64_t wrong = 0;
    const auto block = set.about["block"][1].get<std::size_t>();
    for (std::size_t i = 0; i < codes.size(); ++i) {
      const auto bits = value_at<std::uint32_t>(input, i);
      REQUIRE((bits & 0xFFFFu) == 0);
      seen.insert(bits >> 16);
      const auto x = static_cast<double>(value_at<float>(input, i));
      if (!(std::fabs(x) <= k.largest)) continue;
      if (x == 0) continue;  // the sign of zero is the recipe's
      if (static_cast<unsigned char>(scales[i / block]) != k.one) continue;
      compared.insert(bits >> 16);
      wrong += codes[i] != static_cast<unsigned char>(table[bits >> 16]) ? 1 : 0;
    }
    INFO(k.format << ' ' << k.recipe);
    CHECK(seen.size() == 65536);
    CHECK(wrong == 0);
    // Both signs of every value from 2^-133 to the largest but for the few whose block has a larger one.
    std::size_t representable = 0;
    for (std::uint32_t b = 1; b < 0x8000; ++b) {
      const std::uint32_t wide = b << 16;
      float x;
      std::memcpy(&x, &wide, 4);
      representable += static_cast<double>(x) <= k.largest ? 2u : 0u;
    }
    CHECK(compared.size() + 32 >= representable);
    CHECK(compared.size() <= representable);
  }
}

TEST_CASE("ties: all 126 scales, exact midpoints and their neighbours, rounded to the nearest even code",
          "[app][vectors]") {
  for (const std::string recipe : {"modelopt", "transformer_engine", "compressed_tensors"}) {
    const TempDir dir;
    write(dir / "v", "nvfp4", recipe, "ties");
    const Set set(dir / "v", "nvfp4_" + recipe + "_ties");
    CHECK(set.about["tensor_scale"]["decode"] == 1.0);
    const std::string input = set.bytes("input"), scales = set.bytes("scales");
    const auto codes = set.codes();
    std::map<unsigned, std::set<float>> inputs;
    std::int64_t wrong = 0;
    for (std::size_t i = 0; i < codes.size(); ++i) {
      const float x = value_at<float>(input, i);
      const auto scale = static_cast<unsigned char>(scales[i / 16]);
      inputs[scale].insert(x);
      const unsigned want = nearest(static_cast<double>(x), e4m3(scale));
      wrong += (codes[i] & 7u) != want || (want != 0 && (codes[i] >> 3 != 0) != (x < 0)) ? 1 : 0;
    }
    INFO(recipe);
    // TransformerEngine multiplies by a rounded reciprocal, which moves a few of the ties.
    CHECK(wrong <= (recipe == "transformer_engine" ? static_cast<std::int64_t>(codes.size()) / 20 : 0));
    CHECK(inputs.size() == 126);
    for (unsigned b = 1; b < 127; ++b)
      for (std::size_t k = 1; k < 8; ++k)
        for (const double sign : {-1.0, 1.0}) {
          const auto middle = static_cast<float>(sign * (e2m1[k - 1] + e2m1[k]) / 2 * e4m3(b));
          REQUIRE(inputs[b].count(middle) == 1);
          REQUIRE(inputs[b].count(std::nextafter(middle, -INFINITY)) == 1);
          REQUIRE(inputs[b].count(std::nextafter(middle, INFINITY)) == 1);
        }
  }
}

TEST_CASE("codes: every code under every scale decodes to their product", "[app][vectors]") {
  const TempDir dir;
  write(dir / "n", "nvfp4", "modelopt", "codes");
  write(dir / "m", "mxfp4", "rceil", "codes");
  for (const bool nv : {true, false}) {
    const Set set(dir / (nv ? "n" : "m"), nv ? "nvfp4_modelopt_codes" : "mxfp4_rceil_codes");
    const std::string scales = set.bytes("scales"), decoded = set.bytes("decoded");
    const auto codes = set.codes();
    const std::size_t block = nv ? 16 : 32;
    std::set<std::pair<unsigned, unsigned>> pairs;
    for (std::size_t i = 0; i < codes.size(); ++i) {
      const unsigned scale = static_cast<unsigned char>(scales[i / block]);
      pairs.insert({codes[i], scale});
      const float got = value_at<float>(decoded, i);
      if (scale == (nv ? 0x7Fu : 0xFFu)) {
        REQUIRE(std::isnan(got));
        continue;
      }
      const double factor = nv ? e4m3(scale) : std::ldexp(1.0, static_cast<int>(scale) - 127);
      const auto want = static_cast<float>((codes[i] & 8u ? -1 : 1) * e2m1[codes[i] & 7u] * factor);
      REQUIRE(got == want);
      REQUIRE(std::signbit(got) == (codes[i] >= 8));
    }
    CHECK(pairs.size() == 16u * (nv ? 128 : 256));
  }
}

TEST_CASE("special: zeros, NaN, infinities and subnormals are there, a kind a block", "[app][vectors]") {
  const TempDir dir;
  write(dir / "v", "nvfp4", "modelopt", "special");
  const Set set(dir / "v", "nvfp4_modelopt_special");
  const std::string input = set.bytes("input"), scales = set.bytes("scales");
  bool zero = false, minus = false, nan = false, infinite = false, subnormal = false;
  for (std::size_t b = 0; b < scales.size(); ++b) {
    int zeros = 0, subnormals = 0;
    for (std::size_t i = 0; i < 16; ++i) {
      const float x = value_at<float>(input, b * 16 + i);
      zeros += x == 0 ? 1 : 0;
      minus = minus || (x == 0 && std::signbit(x));
      subnormals += x != 0 && std::fabs(x) < 1.17549435e-38f ? 1 : 0;
      // docs/recipes.md: NaN propagates into the scale of its block.
      if (std::isnan(x)) nan = nan || (static_cast<unsigned char>(scales[b]) & 0x7Fu) == 0x7F;
      infinite = infinite || std::isinf(x);
    }
    zero = zero || zeros == 16;
    subnormal = subnormal || (subnormals > 0 && zeros + subnormals == 16);
    if (zeros == 16) CHECK(static_cast<unsigned char>(scales[b]) == 0x38);  // "zero block: scale 1.0"
  }
  CHECK((zero && minus && nan && infinite && subnormal));
}

TEST_CASE("every format writes every set, with true sums, and check-codes agrees with itself",
          "[app][vectors]") {
  const TempDir dir;
  for (const std::string format : {"nvfp4", "mxfp4", "mxfp6", "mxfp8", "fp8", "fp8_row", "fp8_block", "int8",
                                   "int4", "int4_g32", "int4_g32_zp", "int4_row", "nf4"}) {
    const Outcome done = nvq({"vectors", "--format", format, "--out", (dir / format).string()});
    INFO(format << done.err);
    REQUIRE(done.status == 0);
    std::string sums;
    int sets = 0;
    for (const auto& e : fs::directory_iterator(dir / format)) {
      if (e.path().extension() != ".json") continue;
      ++sets;
      const Set set(dir / format, e.path().stem().string());
      for (const auto& [part, file] : set.about["files"].items())
        sums += file["sha256"].get<std::string>() + "  " + file["file"].get<std::string>() + '\n';
      const auto values = static_cast<std::size_t>(set.rows() * set.columns());
      CHECK(set.bytes("decoded").size() == 4 * values);
      CHECK(set.codes().size() == values);
      const std::string part = set.about["compare"];
      const std::string mine = (dir / format / set.about["files"][part]["file"].get<std::string>()).string();
      const Outcome same = nvq({"check-codes", mine, "--against", e.path().string()});
      INFO(e.path() << same.out << same.err);
      CHECK(same.status == 0);
      const std::int64_t code_bits = set.columns() * set.about["files"]["codes"]["bits"].get<std::int64_t>();
      if (set.about["set"] == "tails" && set.about["element"] != "E4M3" && set.about["element"] != "INT8")
        CHECK(code_bits % 8 != 0);
    }
    CHECK(sets == 6);
    write_file(dir / format / "SUMS", sums);
    const std::string command = "cd '" + (dir / format).string() + "' && sha256sum --quiet -c SUMS";
    CHECK(std::system(command.c_str()) == 0);
  }
}

TEST_CASE("check-codes names the block and lane of the first difference", "[app][vectors]") {
  const TempDir dir;
  write(dir / "v", "nvfp4", "modelopt", "random,codes");
  const std::string json_file = (dir / "v" / "nvfp4_modelopt_random.json").string();
  const Set set(dir / "v", "nvfp4_modelopt_random");
  const auto codes = set.codes();
  // Value 9 of block 3 of row 5, and one later.
  const std::size_t at = 5 * 512 + 3 * 16 + 9;
  std::string packed = set.bytes("codes");
  const auto flip = [&](std::size_t value) {
    packed[value / 2] = static_cast<char>(packed[value / 2] ^ (value % 2 == 0 ? 1 : 16));
  };
  flip(at);
  flip(at + 700);
  write_file(dir / "mine", packed);
  char place[200], value[100], code[200];
  std::snprintf(place, sizeof place, "block %zu, lane 9 (row 5, column 57)", std::size_t{5 * 32 + 3});
  const auto x = static_cast<double>(value_at<float>(set.bytes("input"), at));
  std::snprintf(value, sizeof value, "input     %a", x);
  const auto text = [](unsigned c) { return (c >= 8 ? -1 : 1) * e2m1[c & 7u]; };
  std::snprintf(code, sizeof code, "expected  code 0x%02x (%g)\n  yours     code 0x%02x (%g)\n", codes[at],
                text(codes[at]), codes[at] ^ 1u, text(codes[at] ^ 1u));
  Outcome found = nvq({"check-codes", (dir / "mine").string(), "--against", json_file});
  INFO(found.out << found.err);
  CHECK(found.status == 1);
  CHECK(found.out.find("2 of 32,768 codes differ") == 0);
  CHECK(found.out.find(place) != std::string::npos);
  CHECK(found.out.find(value) != std::string::npos);
  CHECK(found.out.find(code) != std::string::npos);

  // The same with a byte for each code.
  std::string loose;
  for (const unsigned c : codes) loose += static_cast<char>(c);
  write_file(dir / "loose", loose);
  CHECK(nvq({"check-codes", (dir / "loose").string(), "--against", json_file}).status == 0);
  loose[at] = static_cast<char>(loose[at] ^ 1);
  write_file(dir / "loose", loose);
  found = nvq({"check-codes", (dir / "loose").string(), "--against", json_file});
  CHECK(found.status == 1);
  CHECK(found.out.find("1 of 32,768 codes differ") == 0);
  CHECK(found.out.find(place) != std::string::npos);

  std::string scales = set.bytes("scales");
  scales[70] = static_cast<char>(scales[70] + 1);
  write_file(dir / "scales", scales);
  found = nvq({"check-codes", (dir / "scales").string(), "--against", json_file, "--part", "scales"});
  CHECK(found.status == 1);
  CHECK(found.out.find("1 of 2,048 scales differ") == 0);
  CHECK(found.out.find("block 70 (row 2, column 6 of the scales)") != std::string::npos);

  // Decoded values are what the set `codes` is for; one unit in the last place counts.
  const Set decoding(dir / "v", "nvfp4_modelopt_codes");
  std::string decoded = decoding.bytes("decoded");
  decoded[4 * (40 * 16 + 3)] = static_cast<char>(decoded[4 * (40 * 16 + 3)] ^ 1);
  write_file(dir / "decoded", decoded);
  found = nvq({"check-codes", (dir / "decoded").string(), "--against",
               (dir / "v" / "nvfp4_modelopt_codes.json").string()});
  CHECK(found.status == 1);
  CHECK(found.out.find("block 40, lane 3 (row 40, column 3)") != std::string::npos);
}

TEST_CASE("check-codes has status 2 where there is nothing to compare", "[app][vectors]") {
  const TempDir dir;
  write(dir / "v", "nvfp4", "modelopt", "tails");
  const fs::path about = dir / "v" / "nvfp4_modelopt_tails.json",
                 codes = dir / "v" / "nvfp4_modelopt_tails.codes.bin";
  const auto status = [&](const fs::path& mine, const fs::path& against, const std::string& said) {
    const Outcome o = nvq({"check-codes", mine.string(), "--against", against.string()});
    INFO(o.out << o.err);
    CHECK(o.status == 2);
    CHECK(o.err.find(said) != std::string::npos);
  };
  status(dir / "none", about, "cannot open it");
  status(codes, dir / "none.json", "cannot open it");
  write_file(dir / "short", read_file(codes).substr(1));
  status(dir / "short", about, "with a code a byte");
  write_file(dir / "other.json", "{}");
  status(codes, dir / "other.json", "is no description");
  std::string changed = read_file(codes);
  changed[3] = static_cast<char>(changed[3] ^ 1);
  write_file(dir / "mine", read_file(codes));
  write_file(codes, changed);
  status(dir / "mine", about, "SHA-256");
}

TEST_CASE("stochastic vectors are keyed by their seed", "[app][vectors]") {
  const TempDir dir;
  for (const std::string seed : {"7", "7b", "8"})
    write(dir / seed, "nvfp4", "modelopt", "ties", {"--rounding", "stochastic", "--seed", seed.substr(0, 1)});
  write(dir / "rne", "nvfp4", "modelopt", "ties");
  const std::string name = "nvfp4_modelopt_ties";
  CHECK(files_of(dir / "7") == files_of(dir / "7b"));
  const Set seven(dir / "7", name), eight(dir / "8", name), even(dir / "rne", name);
  CHECK(seven.bytes("input") == eight.bytes("input"));
  CHECK(seven.bytes("scales") == even.bytes("scales"));
  CHECK(seven.bytes("codes") != eight.bytes("codes"));
  CHECK(seven.about["seed"] == 7);
  // Halfway between two codes either neighbour is as likely.
  const auto codes = seven.codes(), nearest_even = even.codes();
  std::int64_t other = 0, off = 0;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const int apart = std::abs(static_cast<int>(codes[i] & 7u) - static_cast<int>(nearest_even[i] & 7u));
    other += apart == 1 ? 1 : 0;
    off += apart > 1 ? 1 : 0;
  }
  CHECK(off == 0);
  const double ties = 126.0 * 7 * 2 * 3;
  CHECK(static_cast<double>(other) / ties > 0.45);
  CHECK(static_cast<double>(other) / ties < 0.55);
  const Outcome refused =
      nvq({"vectors", "--format", "nf4", "--rounding", "stochastic", "--out", (dir / "x").string()});
  CHECK(refused.status == 1);
  CHECK(refused.err.find("nf4 has no stochastic rounding") != std::string::npos);
  CHECK_FALSE(fs::exists(dir / "x"));
  const Outcome nested = nvq({"vectors", "--format", "nf4_dq", "--out", (dir / "x").string()});
  CHECK(nested.status == 1);
  CHECK(nested.err.find("there are vectors of nf4") != std::string::npos);
}
