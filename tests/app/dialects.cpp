// SPDX-License-Identifier: Apache-2.0
// What the dialects of other tools hold, decoded here by the formulas of their owners and compared with what
// `nvq dequantize` makes of it, to the bit.
#include <array>
#include <cmath>

#include "app.hpp"
#include "support/catch.hpp"

using namespace test;

namespace {

constexpr const char* module = "model.layers.2.mlp.down_proj";
constexpr std::size_t rows = 256, columns = 768;

/// A quantized model and the plain one it was decoded to.
struct Pair {
  TempDir dir;
  Tensors q;
  Raw decoded;

  explicit Pair(std::vector<std::string> options) {
    options.insert(options.begin(), {"quantize", shared_model().string(), (dir / "q").string()});
    const Outcome done = nvq(options);
    INFO(done.err);
    REQUIRE(done.status == 0);
    const Outcome back = nvq({"dequantize", (dir / "q").string(), (dir / "d").string(), "--dtype", "f32"});
    INFO(back.err);
    REQUIRE(back.status == 0);
    q = read_checkpoint(dir / "q");
    decoded = read_checkpoint(dir / "d").at(std::string(module) + ".weight");
    CHECK(decoded.shape == std::vector<std::int64_t>{rows, columns});
  }
  const std::string& at(const std::string& suffix) const { return q.at(module + suffix).bytes; }
  json config() const { return read_json(dir / "q" / "config.json")["quantization_config"]; }

  /// Compares with a formula, and the formula with the weights there were.
  template <class Value>
  void check(Value value, double least_db) const {
    const std::string source = read_checkpoint(shared_model()).at(std::string(module) + ".weight").bytes;
    std::size_t wrong = 0;
    double signal = 0, noise = 0;
    for (std::size_t n = 0; n < rows; ++n)
      for (std::size_t k = 0; k < columns; ++k) {
        const std::size_t i = n * columns + k;
        const float ours = value_at<float>(decoded.bytes, i);
        const auto bits = static_cast<std::uint32_t>(value_at<std::uint16_t>(source, i)) << 16;
        float was;
        std::memcpy(&was, &bits, 4);
        if (ours != value(n, k)) ++wrong;
        signal += static_cast<double>(was) * static_cast<double>(was);
        noise += std::pow(static_cast<double>(was) - static_cast<double>(ours), 2);
      }
    CHECK(wrong == 0);
    CHECK(10 * std::log10(signal / noise) > least_db);
  }
};

unsigned nibble(const std::string& words, std::size_t word, std::size_t i) {
  return value_at<std::uint32_t>(words, word) >> (4 * i) & 15u;
}

float half(const std::string& bytes, std::size_t i) {
  const auto h = value_at<std::uint16_t>(bytes, i);
  const int exponent = h >> 10 & 31, mantissa = h & 1023;
  const float magnitude = exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -24)
                                        : std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25);
  return h >> 15 != 0 ? -magnitude : magnitude;
}

float e4m3(std::uint8_t b) {
  const int exponent = b >> 3 & 15, mantissa = b & 7;
  const float magnitude = exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -9)
                                        : std::ldexp(static_cast<float>(8 + mantissa), exponent - 10);
  return b >> 7 != 0 ? -magnitude : magnitude;
}

}  // namespace

TEST_CASE("GPTQ, both versions", "[app]") {
  for (const std::string dialect : {"gptq", "gptq_v2"})
    for (const std::string format : {"int4", "int4_g32_zp"}) {
      INFO(dialect << ' ' << format);
      const Pair p({"--dialect", dialect, "--format", format});
      const std::size_t group = format == "int4" ? 128 : 32;
      const std::string &weight = p.at(".qweight"), &zeros = p.at(".qzeros"), &scales = p.at(".scales");
      p.check(
          [&](std::size_t n, std::size_t k) {
            const unsigned code = nibble(weight, k / 8 * rows + n, k % 8);
            unsigned zero = nibble(zeros, k / group * (rows / 8) + n / 8, n % 8);
            if (dialect == "gptq") zero = (zero + 1) & 15u;
            return (static_cast<float>(code) - static_cast<float>(zero)) * half(scales, k / group * rows + n);
          },
          16);
      // Symmetric weights have the zero point 8, stored as the version wants it.
      if (format == "int4")
        CHECK(value_at<std::uint32_t>(zeros, 5) == (dialect == "gptq" ? 0x77777777u : 0x88888888u));
      CHECK(value_at<std::int32_t>(p.at(".g_idx"), columns - 1) ==
            static_cast<std::int32_t>((columns - 1) / group));
      const json c = p.config();
      CHECK(c["quant_method"] == "gptq");
      CHECK(c["checkpoint_format"] == dialect);
      CHECK(c["group_size"] == group);
      CHECK(c["sym"] == (format == "int4"));
      CHECK(c["desc_act"] == false);
      CHECK(read_json(p.dir / "q" / "quantize_config.json") == c);
    }
}

TEST_CASE("AWQ", "[app]") {
  const Pair p({"--dialect", "awq"});
  const std::string &weight = p.at(".qweight"), &zeros = p.at(".qzeros"), &scales = p.at(".scales");
  const std::array<std::size_t, 8> place = {0, 4, 1, 5, 2, 6, 3, 7};  // of the eight columns of a word
  p.check(
      [&](std::size_t n, std::size_t k) {
        const unsigned code = nibble(weight, k * (rows / 8) + n / 8, place[n % 8]),
                       zero = nibble(zeros, k / 128 * (rows / 8) + n / 8, place[n % 8]);
        return (static_cast<float>(code) - static_cast<float>(zero)) * half(scales, k / 128 * rows + n);
      },
      16);
  CHECK(p.config()["modules_to_not_convert"] == json({"lm_head"}));
}

TEST_CASE("compressed-tensors with zero points", "[app]") {
  const Pair p({"--format", "int4_zp"});
  const std::string &weight = p.at(".weight_packed"), &zeros = p.at(".weight_zero_point"),
                    &scales = p.at(".weight_scale");
  p.check(
      [&](std::size_t n, std::size_t k) {
        const unsigned code = nibble(weight, n * (columns / 8) + k / 8, k % 8),
                       zero = nibble(zeros, n / 8 * 6 + k / 128, n % 8);
        const auto bits = static_cast<std::uint32_t>(value_at<std::uint16_t>(scales, n * 6 + k / 128)) << 16;
        float scale;
        std::memcpy(&scale, &bits, 4);
        return (static_cast<float>(code) - static_cast<float>(zero)) * scale;
      },
      16);
  CHECK(p.config()["config_groups"]["group_0"]["weights"]["symmetric"] == false);
}

TEST_CASE("bitsandbytes", "[app]") {
  const Pair p({"--format", "nf4"});
  const std::string &weight = p.at(".weight"), &absmax = p.at(".weight.absmax"),
                    &map = p.at(".weight.quant_map");
  CHECK(value_at<float>(map, 0) == -1.0f);
  CHECK(value_at<float>(map, 7) == 0.0f);
  CHECK(value_at<float>(map, 8) == 0.07958029955625534f);
  CHECK(value_at<float>(map, 15) == 1.0f);
  p.check(
      [&](std::size_t n, std::size_t k) {
        const std::size_t i = n * columns + k;
        const auto byte = static_cast<std::uint8_t>(weight[i / 2]);
        return value_at<float>(map, i % 2 == 0 ? byte >> 4 : byte & 15u) * value_at<float>(absmax, i / 64);
      },
      18);
  CHECK(json::parse(p.at(".weight.quant_state.bitsandbytes__nf4")) ==
        json::parse(R"({"quant_type": "nf4", "blocksize": 64, "dtype": "bfloat16", "shape": [256, 768]})"));
}

// As bitsandbytes 0.50 decodes it: functional.py, dequantize_4bit and dequantize_blockwise.
TEST_CASE("bitsandbytes' double quantization is read", "[app]") {
  const TempDir dir;
  REQUIRE(nvq({"quantize", shared_model().string(), (dir / "q").string(), "--format", "nf4"}).status == 0);
  const fs::path file = dir / "q" / "model.safetensors";
  Tensors t = read_safetensors(file);
  const std::string weight = std::string(module) + ".weight",
                    state = weight + ".quant_state.bitsandbytes__nf4";
  constexpr std::size_t blocks = rows * columns / 64;
  const auto floats = [](std::size_t n, auto value) {
    Raw raw{"F32", {static_cast<std::int64_t>(n)}, {}};
    for (std::size_t i = 0; i < n; ++i) {
      const float x = value(static_cast<float>(i));
      raw.bytes.append(reinterpret_cast<const char*>(&x), 4);
    }
    return raw;
  };
  Raw absmax{"U8", {blocks}, {}};
  for (std::size_t b = 0; b < blocks; ++b) absmax.bytes += static_cast<char>(b * 37 + b / 256);
  const Raw map = floats(256, [](float i) { return (i - 127) / 129; }),
            factors = floats(blocks / 256, [](float i) { return 0.013f + i / 771; });
  t[weight + ".absmax"] = absmax;
  t[weight + ".nested_quant_map"] = map;
  t[weight + ".nested_absmax"] = factors;
  const auto write = [&](int block, const char* mean) {
    t[state].bytes = R"({"quant_type": "nf4", "blocksize": 64, "dtype": "bfloat16", "shape": [256, 768], )"
                     R"("nested_blocksize": )" +
                     std::to_string(block) + R"(, "nested_dtype": "float32", "nested_offset": )" + mean + "}";
    t[state].shape = {static_cast<std::int64_t>(t[state].bytes.size())};
    write_safetensors(file, t);
  };
  const auto decode = [&] {
    fs::remove_all(dir / "d");
    return nvq({"dequantize", (dir / "q").string(), (dir / "d").string(), "--dtype", "f32"});
  };
  write(256, "0.0712890625");
  const Outcome done = decode();
  INFO(done.err);
  REQUIRE(done.status == 0);
  const Tensors decoded = read_checkpoint(dir / "d");
  CHECK(decoded.size() == read_checkpoint(shared_model()).size());
  const std::string ours = decoded.at(weight).bytes, codes = t[weight].bytes,
                    values = t[weight + ".quant_map"].bytes;
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < rows * columns; ++i) {
    const auto byte = static_cast<std::uint8_t>(codes[i / 2]);
    const volatile float product =
        value_at<float>(map.bytes, static_cast<std::uint8_t>(absmax.bytes[i / 64])) *
        value_at<float>(factors.bytes, i / 64 / 256);
    const float scale = product + 0.0712890625f;
    if (value_at<float>(ours, i) != value_at<float>(values, i % 2 == 0 ? byte >> 4 : byte & 15u) * scale)
      ++wrong;
  }
  CHECK(wrong == 0);
  const std::string seen = nvq({"inspect", (dir / "q").string()}).out;
  CHECK(seen.find("U8") == std::string::npos);

  write(128, "0.5");
  CHECK(decode().err.find("nested_blocksize of 256") != std::string::npos);
  write(256, "1e300");
  CHECK(decode().err.find("nested_offset") != std::string::npos);
  t.erase(weight + ".nested_quant_map");
  write(256, "0.5");
  CHECK(decode().err.find("nested_quant_map") != std::string::npos);
  t[weight + ".nested_quant_map"] = floats(255, [](float i) { return i; });
  write(256, "0.5");
  CHECK(decode().err.find("F32 [255] where the format needs F32 [256]") != std::string::npos);
}

TEST_CASE("DeepSeek's block FP8", "[app]") {
  const Pair p({"--dialect", "deepseek"});
  const std::string &weight = p.at(".weight"), &scales = p.at(".weight_scale_inv");
  p.check(
      [&](std::size_t n, std::size_t k) {
        return e4m3(static_cast<std::uint8_t>(weight[n * columns + k])) *
               value_at<float>(scales, n / 128 * 6 + k / 128);
      },
      30);
  const json c = p.config();
  CHECK(c["weight_block_size"] == json({128, 128}));
  CHECK(c["modules_to_not_convert"] == json({"lm_head"}));
  CHECK(c["ignored_layers"] == json({"lm_head"}));
}

TEST_CASE("GPT-OSS' experts", "[app]") {
  const TempDir dir;
  constexpr std::size_t experts = 3, hidden = 64, inner = 32;
  const std::string parent = "model.layers.0.mlp.experts.";
  Raw source = weights("BF16", experts * hidden, 2 * inner, 5);
  source.shape = {experts, hidden, 2 * inner};
  write_model(dir / "m",
              {{parent + "gate_up_proj", source},
               {parent + "gate_up_proj_bias", weights("BF16", experts, 2 * inner, 6)},
               {"model.layers.0.self_attn.q_proj.weight", weights("BF16", hidden, hidden, 7)}},
              {{"model_type", "gpt_oss"}, {"hidden_size", hidden}});
  const Outcome done = nvq({"quantize", (dir / "m").string(), (dir / "q").string(), "--dialect", "gpt-oss"});
  INFO(done.err);
  REQUIRE(done.status == 0);
  const Tensors q = read_checkpoint(dir / "q");
  const Raw &blocks = q.at(parent + "gate_up_proj_blocks"), &scales = q.at(parent + "gate_up_proj_scales");
  CHECK(blocks.shape == std::vector<std::int64_t>{experts, 2 * inner, hidden / 32, 16});
  CHECK(scales.shape == std::vector<std::int64_t>{experts, 2 * inner, hidden / 32});
  CHECK(q.count(parent + "gate_up_proj_bias") == 1);
  CHECK(q.at("model.layers.0.self_attn.q_proj.weight").dtype == "BF16");
  const json c = read_json(dir / "q" / "config.json")["quantization_config"];
  CHECK(c["quant_method"] == "mxfp4");
  CHECK(c["modules_to_not_convert"] == json({"model.layers.0.self_attn.q_proj"}));

  REQUIRE(nvq({"dequantize", (dir / "q").string(), (dir / "d").string(), "--dtype", "f32"}).status == 0);
  const Raw decoded = read_checkpoint(dir / "d").at(parent + "gate_up_proj");
  CHECK(decoded.shape == source.shape);
  const std::array<float, 8> grid = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
  std::size_t wrong = 0;
  double signal = 0, noise = 0;
  for (std::size_t e = 0; e < experts; ++e)
    for (std::size_t n = 0; n < 2 * inner; ++n)
      for (std::size_t k = 0; k < hidden; ++k) {
        const std::size_t row = e * 2 * inner + n;
        const auto byte = static_cast<std::uint8_t>(blocks.bytes[row * hidden / 2 + k / 2]);
        const unsigned code = k % 2 == 0 ? byte & 15u : byte >> 4;
        const int exponent = static_cast<std::uint8_t>(scales.bytes[row * (hidden / 32) + k / 32]) - 127;
        const float want = std::ldexp((code & 8u) != 0 ? -grid[code & 7u] : grid[code & 7u], exponent);
        const std::size_t at = (e * hidden + k) * 2 * inner + n;
        if (value_at<float>(decoded.bytes, at) != want) ++wrong;
        const auto bits = static_cast<std::uint32_t>(value_at<std::uint16_t>(source.bytes, at)) << 16;
        float was;
        std::memcpy(&was, &bits, 4);
        signal += static_cast<double>(was) * static_cast<double>(was);
        noise += std::pow(static_cast<double>(was) - static_cast<double>(want), 2);
      }
  CHECK(wrong == 0);
  CHECK(10 * std::log10(signal / noise) > 14);
  // Any other dialect would have to take gate and up apart.
  const Outcome no = nvq({"quantize", (dir / "m").string(), (dir / "n").string()});
  CHECK(no.status == 0);
  CHECK(no.out.find("gpt-oss") != std::string::npos);
}
