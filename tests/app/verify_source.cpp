// SPDX-License-Identifier: Apache-2.0
// `nvq verify --source`: decoded weights, tensors and config.json against the model they came from.
#include <algorithm>
#include <array>
#include <cmath>

#include "support/catch.hpp"
#include "verify.hpp"

using namespace test;

namespace {

const fs::path third_party = fs::path(NVQ_VECTORS_DIR).parent_path() / "app" / "third_party";
const std::string down = "model.layers.1.mlp.down_proj", o = "model.layers.1.self_attn.o_proj",
                  q = "model.layers.1.self_attn.q_proj";

Verdict with_source(const fs::path& c, const fs::path& source) {
  return examine(c, {"--source", source.string()});
}

/// What `nvq quantize` makes of the shared model, spoiled.
Verdict spoiled(const std::string& dialect, const std::function<void(Tensors&, json&)>& spoil,
                const std::string& format = "nvfp4") {
  const TempDir dir;
  REQUIRE(nvq({"quantize", shared_model().string(), (dir / "c").string(), "--format", format, "--dialect",
               dialect})
              .status == 0);
  Tensors t = read_safetensors(dir / "c" / "model.safetensors");
  json config = read_json(dir / "c" / "config.json");
  spoil(t, config);
  write_safetensors(dir / "c" / "model.safetensors", t);
  write_file(dir / "c" / "config.json", config.dump());
  return with_source(dir / "c", shared_model());
}

void swap_nibbles(Raw& t) {
  for (char& c : t.bytes) {
    const auto b = static_cast<unsigned>(static_cast<unsigned char>(c));
    c = static_cast<char>(static_cast<unsigned char>(b >> 4 | (b & 15u) << 4));
  }
}

/// Rows x 4n scales into tiles of 128 x 4, as cuBLASLt wants them: 32 rows of 16 bytes, which hold the four
/// scales of rows r, r + 32, r + 64 and r + 96.
void swizzle(Raw& t) {
  const std::int64_t rows = t.shape[0], columns = t.shape[1];
  REQUIRE(rows % 128 == 0);
  REQUIRE(columns % 4 == 0);
  std::string out(t.bytes.size(), '\0');
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < columns; ++c)
      out[static_cast<std::size_t>(((r / 128) * (columns / 4) + c / 4) * 512 + (r % 32) * 16 +
                                   (r % 128) / 32 * 4 + c % 4)] =
          t.bytes[static_cast<std::size_t>(r * columns + c)];
  t.bytes = out;
}

void swap_rows(Raw& t, std::size_t a, std::size_t b) {
  const std::size_t width = t.bytes.size() / static_cast<std::size_t>(t.shape[0]);
  for (std::size_t i = 0; i < width; ++i) std::swap(t.bytes[a * width + i], t.bytes[b * width + i]);
}

float e4m3(std::uint8_t b) {
  const int exponent = b >> 3 & 15, mantissa = b & 7;
  const float x = exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -9)
                                : std::ldexp(1.0f + static_cast<float>(mantissa) / 8.0f, exponent - 7);
  return (b & 0x80) != 0 ? -x : x;
}

float f16(std::uint16_t h) {
  return std::ldexp(1.0f + static_cast<float>(h & 1023) / 1024.0f, (h >> 10 & 31) - 15);
}

/// The source that a checkpoint is exact for, by the dialect's formula, written here once more.
Raw original(const Ckpt& c, const std::string& dialect, const std::string& m, std::int64_t rows,
             std::int64_t columns) {
  Raw t{"F32", {rows, columns}, {}};
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t k = 0; k < columns; ++k) {
      float w = 0;
      if (dialect == "deepseek-fp8") {
        const float s =
            value_at<float>(c.tensors.at(m + ".weight_scale_inv").bytes,
                            static_cast<std::size_t>(r / 128 * ((columns + 127) / 128) + k / 128));
        w = s * e4m3(static_cast<std::uint8_t>(
                    c.tensors.at(m + ".weight").bytes[static_cast<std::size_t>(r * columns + k)]));
      } else {
        const bool awq = dialect == "awq";
        const std::int64_t g = k / 64;
        const auto at = [&](const char* name, std::int64_t i) {
          return value_at<std::uint32_t>(c.tensors.at(m + name).bytes, static_cast<std::size_t>(i));
        };
        constexpr std::array<std::int64_t, 8> column_of_nibble = {0, 2, 4, 6, 1, 3, 5, 7};
        std::int64_t nibble = r % 8;
        if (awq)
          nibble =
              std::find(column_of_nibble.begin(), column_of_nibble.end(), r % 8) - column_of_nibble.begin();
        const std::uint32_t word =
            awq ? at(".qweight", k * (rows / 8) + r / 8) : at(".qweight", k / 8 * rows + r);
        const auto code = static_cast<int>(word >> (4 * (awq ? nibble : k % 8)) & 15u);
        const auto zero = static_cast<int>(at(".qzeros", g * (rows / 8) + r / 8) >> (4 * nibble) & 15u) +
                          (dialect == "gptq" ? 1 : 0);
        w = static_cast<float>(code - zero) *
            f16(value_at<std::uint16_t>(c.tensors.at(m + ".scales").bytes,
                                        static_cast<std::size_t>(g * rows + r)));
      }
      t.bytes.append(reinterpret_cast<const char*>(&w), 4);
    }
  return t;
}

}  // namespace

TEST_CASE("checkpoints of the owners of the dialects have no findings, with their source too",
          "[app][verify]") {
  int seen = 0;
  for (const auto& entry : fs::directory_iterator(third_party)) {
    const std::string name = entry.path().filename().string();
    if (name == "source") continue;
    ++seen;
    Verdict v = examine(entry.path());
    INFO(name << ": " << v.all());
    CHECK(v.status == 0);
    CHECK(v.report["quantized_weights"] == 7);
    v = with_source(entry.path(), third_party / "source");
    INFO(v.all());
    CHECK(v.status == 0);
    CHECK(v.report["source"]["compared"] == 7);
    const double error = v.report["source"]["worst_relative_error"];
    const bool eight = name.find("fp8") != std::string::npos || name.find("w8") != std::string::npos;
    CHECK(error < (eight ? 0.03 : 0.13));
    CHECK(error > 0.001);
  }
  CHECK(seen == 15);
}

TEST_CASE("a padding token may be added, but not changed", "[app][verify]") {
  const TempDir dir;
  for (const json& was : {json(nullptr), json(0)}) {
    Ckpt c = checkpoint_of("gptq"), source = plain_model();
    for (const std::string& m : linear_layers(source)) {
      Raw& t = source.tensors[m + ".weight"];
      t = original(c, "gptq", m, t.shape[0], t.shape[1]);
    }
    c.config["pad_token_id"] = 2;
    source.config["pad_token_id"] = was;
    c.write(dir / "c");
    source.write(dir / "s");
    const Verdict v = with_source(dir / "c", dir / "s");
    INFO(v.all());
    CHECK(v.found("V19", "pad_token_id") == !was.is_null());
    CHECK(v.status == (was.is_null() ? 0 : 1));
    fs::remove_all(dir / "c");
    fs::remove_all(dir / "s");
  }
}

TEST_CASE("what nvq quantize writes is its source", "[app][verify]") {
  for (const std::string format :
       {"nvfp4", "mxfp4", "mxfp6", "mxfp8", "fp8", "fp8_row", "fp8_block", "int8", "int4", "int4_row"}) {
    const Verdict v = spoiled(
        "compressed-tensors", [](Tensors&, json&) {}, format);
    INFO(format << ": " << v.all());
    CHECK(v.status == 0);
    CHECK(v.report["source"]["compared"] == 28);
  }
}

TEST_CASE("integer and stacked dialects are decoded by their own formulas", "[app][verify]") {
  for (const std::string dialect : {"gptq", "gptq_v2", "awq", "deepseek-fp8"}) {
    const TempDir dir;
    const Ckpt c = checkpoint_of(dialect);
    Ckpt source = plain_model();
    for (const std::string& m : linear_layers(source)) {
      Raw& t = source.tensors[m + ".weight"];
      t = original(c, dialect, m, t.shape[0], t.shape[1]);
    }
    c.write(dir / "c");
    source.write(dir / "s");
    const Verdict v = with_source(dir / "c", dir / "s");
    INFO(dialect << ": " << v.all());
    CHECK(v.status == 0);
    CHECK(v.report["source"]["compared"] == 14);
    CHECK(v.report["source"]["worst_relative_error"].get<double>() < 1e-6);
  }
}

TEST_CASE("stacked experts are compared with stacks in either orientation", "[app][verify]") {
  for (const bool transposed : {false, true}) {
    const TempDir dir;
    const Ckpt c = checkpoint_of("gpt-oss");
    Ckpt source = c;
    source.config.erase("quantization_config");
    for (const auto& [name, t] : c.tensors) {
      if (name.find("_blocks") == std::string::npos) continue;
      const std::string m = name.substr(0, name.size() - 7);
      const auto experts = t.shape[0], rows = t.shape[1], columns = t.shape[2] * 32;
      Raw w{"F32", transposed ? std::vector{experts, columns, rows} : std::vector{experts, rows, columns},
            std::string(static_cast<std::size_t>(experts * rows * columns) * 4, '\0')};
      constexpr std::array<float, 8> grid = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
      for (std::int64_t e = 0; e < experts; ++e)
        for (std::int64_t r = 0; r < rows; ++r)
          for (std::int64_t k = 0; k < columns; ++k) {
            const auto i = static_cast<std::size_t>((e * rows + r) * columns + k);
            const unsigned byte = static_cast<unsigned char>(t.bytes[i / 2]),
                           code = k % 2 == 0 ? byte & 15u : byte >> 4;
            const int scale = static_cast<unsigned char>(c.tensors.at(m + "_scales").bytes[i / 32]);
            const float x = std::ldexp(code < 8 ? grid[code] : -grid[code - 8], scale - 127);
            const auto to = static_cast<std::size_t>(transposed ? (e * columns + k) * rows + r
                                                                : (e * rows + r) * columns + k);
            std::memcpy(w.bytes.data() + to * 4, &x, 4);
          }
      source.tensors.erase(m + "_blocks");
      source.tensors.erase(m + "_scales");
      source.tensors[m] = w;
    }
    c.write(dir / "c");
    source.write(dir / "s");
    const Verdict v = with_source(dir / "c", dir / "s");
    INFO(v.all());
    CHECK(v.status == 0);
    CHECK(v.report["source"]["compared"] == 4);
    CHECK(v.report["source"]["worst_relative_error"].get<double>() < 1e-6);
  }
}

TEST_CASE("experts stored one by one are compared with a source that stacks them", "[app][verify]") {
  const TempDir dir;
  Ckpt source = plain_model(true);
  source.write(dir / "split");
  REQUIRE(nvq({"quantize", (dir / "split").string(), (dir / "c").string()}).status == 0);
  for (int l = 0; l < 2; ++l) {
    const std::string experts = "model.layers." + std::to_string(l) + ".mlp.experts.";
    Raw both{"BF16", {4, 512, 128}, {}}, second{"BF16", {4, 128, 256}, {}};
    for (int e = 0; e < 4; ++e) {
      const std::string one = experts + std::to_string(e) + '.';
      both.bytes += source[one + "gate_proj.weight"].bytes + source[one + "up_proj.weight"].bytes;
      second.bytes += source[one + "down_proj.weight"].bytes;
      for (const char* p : {"gate_proj", "up_proj", "down_proj"}) source.tensors.erase(one + p + ".weight");
    }
    source.tensors[experts + "gate_up_proj"] = both;
    source.tensors[experts + "down_proj"] = second;
  }
  source.write(dir / "s");
  const Verdict v = with_source(dir / "c", dir / "s");
  INFO(v.all());
  CHECK(v.status == 0);
  CHECK(v.report["source"]["compared"] == 32);
}

TEST_CASE("faults that only the source shows are found by name", "[app][verify]") {
  const auto check = [](const std::string& rule, const std::string& subject, const std::string& dialect,
                        const std::function<void(Tensors&, json&)>& spoil,
                        const std::string& format = "nvfp4") {
    const Verdict v = spoiled(dialect, spoil, format);
    INFO("expected " << rule << ' ' << subject << "; found:\n" << v.all());
    CHECK(v.status == 1);
    CHECK(v.found(rule, subject));
    CHECK(v.report["findings"].size() == 1);
  };
  const std::string ct = "compressed-tensors", mo = "modelopt";
  check("N-nibbles", down + ".weight_packed", ct,
        [](Tensors& t, json&) { swap_nibbles(t.at(down + ".weight_packed")); });
  check("N-nibbles", down + ".weight", mo, [](Tensors& t, json&) { swap_nibbles(t.at(down + ".weight")); });
  check(
      "N-nibbles", down + ".weight_packed", ct,
      [](Tensors& t, json&) { swap_nibbles(t.at(down + ".weight_packed")); }, "mxfp4");
  check("N-swizzle", down + ".weight_scale", ct,
        [](Tensors& t, json&) { swizzle(t.at(down + ".weight_scale")); });
  check("N-swizzle", o + ".weight_scale", mo, [](Tensors& t, json&) { swizzle(t.at(o + ".weight_scale")); });
  const auto rows = [](const std::string& m) {
    return [m](Tensors& t, json&) {
      for (const char* s : {".weight_packed", ".weight_scale"}) swap_rows(t.at(m + s), 17, 201);
    };
  };
  check("V22", q, ct, rows(q));
  check("N-source", down, ct, rows(down));
  check("V15", down + ".weight_packed", ct, [](Tensors& t, json&) {
    t.at(down + ".weight_packed").bytes.assign(t.at(down + ".weight_packed").bytes.size(), '\x77');
  });
  check(
      "V15", down + ".weight_packed", ct,
      [](Tensors& t, json&) {
        t.at(down + ".weight_packed").bytes.assign(t.at(down + ".weight_packed").bytes.size(), '\x99');
      },
      "int4");
  check("N-dead", down, ct, [](Tensors& t, json&) {
    t.at(down + ".weight_packed").bytes.assign(t.at(down + ".weight_packed").bytes.size(), '\0');
  });
  check(
      "N-dead", down, ct,
      [](Tensors& t, json&) {
        t.at(down + ".weight_packed").bytes.assign(t.at(down + ".weight_packed").bytes.size(), '\x88');
      },
      "int4");
  check("N-source", down, mo, [](Tensors& t, json&) {
    const float twice = 2 * value_at<float>(t.at(down + ".weight_scale_2").bytes, 0);
    std::memcpy(t.at(down + ".weight_scale_2").bytes.data(), &twice, 4);
  });
  check("V5", down + ".weight_scale", mo,
        [](Tensors& t, json&) { t.at(down + ".weight_scale").bytes[5] = 0; });
  check("V5", down + ".weight_scale", ct,
        [](Tensors& t, json&) { t.at(down + ".weight_scale").bytes[5] = 0; });
  check("N-source", "model.norm.weight", ct,
        [](Tensors& t, json&) { t.at("model.norm.weight").bytes[0] ^= 1; });
  check("V12", "model.layers.1.input_layernorm.weight", ct,
        [](Tensors& t, json&) { t.erase("model.layers.1.input_layernorm.weight"); });
  check("V19", "rms_norm_eps", ct, [](Tensors&, json& c) { c["rms_norm_eps"] = 0.5; });
  check("V19", "eos_token_id", ct, [](Tensors&, json& c) { c["eos_token_id"] = 2; });
  check("V19", "num_attention_heads", ct, [](Tensors&, json& c) { c.erase("num_attention_heads"); });
}

TEST_CASE("a fused layer whose rows are in another order is found", "[app][verify]") {
  const TempDir dir;
  Ckpt source = plain_model();
  const std::string qkv = "model.layers.0.self_attn.qkv_proj";
  for (const char* p : {"q_proj", "k_proj", "v_proj"})
    source.tensors.erase("model.layers.0.self_attn." + std::string(p) + ".weight");
  source.tensors[qkv + ".weight"] = weights("BF16", 384, 128, 77);
  source.write(dir / "s");
  REQUIRE(nvq({"quantize", (dir / "s").string(), (dir / "c").string(), "--format", "fp8_row"}).status == 0);
  CHECK(with_source(dir / "c", dir / "s").status == 0);
  // From [q; k; v] to heads of 32 rows that alternate.
  Tensors t = read_safetensors(dir / "c" / "model.safetensors");
  for (const char* suffix : {".weight", ".weight_scale"}) {
    Raw& raw = t.at(qkv + suffix);
    const std::size_t width = raw.bytes.size() / 384;
    std::string out;
    for (std::size_t head = 0; head < 4; ++head)
      for (std::size_t part = 0; part < 3; ++part)
        out += raw.bytes.substr((part * 128 + head * 32) * width, 32 * width);
    raw.bytes = out;
  }
  write_safetensors(dir / "c" / "model.safetensors", t);
  const Verdict v = with_source(dir / "c", dir / "s");
  INFO(v.all());
  CHECK(v.found("V22", qkv));
}

TEST_CASE("a checkpoint that says vocab_size 2 is found", "[app][verify]") {
  const Verdict v = spoiled("modelopt", [](Tensors&, json& c) { c["vocab_size"] = 2; });
  CHECK(v.found("V19", "vocab_size"));
}

TEST_CASE("a flipped tensor scale is found with its source too", "[app][verify]") {
  const Verdict v = spoiled("modelopt", [](Tensors& t, json&) {
    const float flipped = 1 / value_at<float>(t.at(down + ".weight_scale_2").bytes, 0);
    std::memcpy(t.at(down + ".weight_scale_2").bytes.data(), &flipped, 4);
  });
  int times = 0;
  for (const json& f : v.report["findings"])
    if (f["rule"] == "V4" && f["subject"] == down + ".weight_scale_2") ++times;
  CHECK(times == 2);  // by its size, and by the weights
}

TEST_CASE("a source that is not there has status 2", "[app][verify]") {
  const TempDir dir;
  checkpoint_of("awq").write(dir / "c");
  const Verdict v = with_source(dir / "c", dir / "s");
  CHECK(v.status == 2);
}
