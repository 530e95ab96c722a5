// SPDX-License-Identifier: Apache-2.0
// nvq convert: bytes that must stay, numbers that must mean the same, and the way back. What weights are worth is
// decoded here, by the formulas of the dialects' owners.
#include <algorithm>
#include <cmath>

#include "convert.hpp"

using namespace test;

namespace {

const fs::path third_party = fs::path(NVQ_VECTORS_DIR).parent_path() / "app" / "third_party";
const std::string q0 = "model.layers.0.self_attn.q_proj", down1 = "model.layers.1.mlp.down_proj";

json header_of(const fs::path& file) {
  const std::string bytes = read_file(file);
  return json::parse(bytes.substr(8, static_cast<std::size_t>(value_at<std::uint64_t>(bytes, 0))));
}

std::string differing(const Tensors& a, const Tensors& b) {
  std::string names;
  for (const auto& [name, t] : a)
    if (b.count(name) == 0 || !(b.at(name) == t)) names += name + ' ';
  for (const auto& [name, t] : b)
    if (a.count(name) == 0) names += '+' + name + ' ';
  return names;
}

/// Converts and converts back: tensors and configuration are what they were, what is between has no findings,
/// and every weight decodes to the same values.
void there_and_back(const fs::path& source, const std::string& dialect, const std::string& own) {
  INFO(source.filename().string() << " to " << dialect);
  const TempDir dir;
  const Outcome there = convert(source, dir / "b", dialect);
  INFO(there.err << there.out);
  REQUIRE(there.status == 0);
  // Most sources are clean; where a test spread the scales of fused layers, both sides have findings for it.
  const Verdict before = examine(source), v = examine(dir / "b");
  INFO(v.all());
  CHECK(v.report["findings"].size() == before.report["findings"].size());
  for (const json& f : v.report["findings"]) CHECK(f["rule"] == "V3");
  REQUIRE(
      nvq({"compare", source.string(), (dir / "b").string(), "--quiet", "--json", (dir / "r.json").string()})
          .status == 0);
  const json report = read_json(dir / "r.json");
  for (const json& t : report["tensors"])
    // Two roundings of a product may differ: (code * scale) * multiplier and code * (scale / divisor).
    CHECK((t["sqnr_db"].is_null() || t["sqnr_db"].get<double>() > 135));
  const Outcome back = convert(dir / "b", dir / "a", own);
  INFO(back.err);
  REQUIRE(back.status == 0);
  CHECK(differing(read_checkpoint(source), read_checkpoint(dir / "a")) == "");
  CHECK(read_json(source / "config.json") == read_json(dir / "a" / "config.json"));
  if (fs::exists(source / "hf_quant_config.json"))
    CHECK(read_json(source / "hf_quant_config.json") == read_json(dir / "a" / "hf_quant_config.json"));
}

void there_and_back(const Ckpt& c, const std::string& dialect, const std::string& own, bool sharded = false) {
  const TempDir dir;
  c.write(dir / "source", sharded);
  there_and_back(dir / "source", dialect, own);
}

/// A multiplier and a divisor of these mantissas for every weight.
void spread_scales(Ckpt& c, const std::string& suffix) {
  std::uint32_t mantissa = 0x1234;
  for (auto& [name, t] : c.tensors) {
    if (name.size() < suffix.size() || name.compare(name.size() - suffix.size(), suffix.size(), suffix) != 0)
      continue;
    mantissa = (mantissa * 1664525u + 1013904223u) & 0x7FFFFFu;
    const std::uint32_t bits = (value_at<std::uint32_t>(t.bytes, 0) & 0xFF800000u) | mantissa;
    std::memcpy(t.bytes.data(), &bits, 4);
  }
}

/// Whether any float near 1 / x has x for its reciprocal.
bool has_divisor(float x) {
  const auto near = static_cast<double>(1.0f / x);
  for (int i = -64; i <= 64; ++i) {
    const auto g = static_cast<float>(near * (1 + i * 0x1p-25));
    if (1.0f / g == x) return true;
  }
  return false;
}

/// Codes less their zero points, and the bits of the scales, of a 4-bit weight in any dialect.
struct Integers {
  std::vector<int> q;
  std::vector<std::uint16_t> scales;
  bool operator==(const Integers& o) const { return q == o.q && scales == o.scales; }
};
Integers integers(const Tensors& t, const std::string& m, const std::string& dialect, std::size_t rows,
                  std::size_t columns, std::size_t group) {
  static constexpr std::size_t awq_place[8] = {0, 4, 1, 5, 2, 6, 3, 7};
  const auto nibble = [&](const char* suffix, std::size_t word, std::size_t i) {
    return static_cast<int>(value_at<std::uint32_t>(t.at(m + suffix).bytes, word) >> (4 * i) & 15u);
  };
  const bool ct = dialect == "compressed-tensors", awq = dialect == "awq";
  const bool zeros = ct && t.count(m + ".weight_zero_point") != 0;
  Integers all;
  for (std::size_t n = 0; n < rows; ++n)
    for (std::size_t k = 0; k < columns; ++k) {
      const std::size_t g = k / group, groups = columns / group;
      int code, zero = 8;
      if (ct) {
        code = nibble(".weight_packed", n * (columns / 8) + k / 8, k % 8);
        if (zeros) zero = nibble(".weight_zero_point", n / 8 * groups + g, n % 8);
      } else if (awq) {
        code = nibble(".qweight", k * (rows / 8) + n / 8, awq_place[n % 8]);
        zero = nibble(".qzeros", g * (rows / 8) + n / 8, awq_place[n % 8]);
      } else {
        code = nibble(".qweight", k / 8 * rows + n, k % 8);
        zero = nibble(".qzeros", g * (rows / 8) + n / 8, n % 8);
        if (dialect == "gptq") zero = (zero + 1) % 16;
      }
      all.q.push_back(code - zero);
      if (k % group == 0)
        all.scales.push_back(ct ? value_at<std::uint16_t>(t.at(m + ".weight_scale").bytes, n * groups + g)
                                : value_at<std::uint16_t>(t.at(m + ".scales").bytes, g * rows + n));
    }
  return all;
}

}  // namespace

TEST_CASE("convert NVFP4: bytes stay, scales turn round", "[app][convert]") {
  for (const std::string type : {"", "-a16"}) {
    const TempDir dir;
    Ckpt c = checkpoint_of("modelopt-nvfp4" + type);
    spread_scales(c, "_scale_2");
    spread_scales(c, "input_scale");
    c.write(dir / "m");
    const Outcome done = convert(dir / "m", dir / "c", "compressed-tensors");
    INFO(done.err);
    REQUIRE(done.status == 0);
    const Tensors there = read_checkpoint(dir / "c");
    int without = 0, scales = 0;
    for (const auto& [name, t] : c.tensors) {
      const std::string module = name.substr(0, name.rfind('.')), suffix = name.substr(module.size());
      if (c.tensors.count(module + ".weight_scale_2") == 0) {
        CHECK(there.at(name) == t);
      } else if (suffix == ".weight") {
        CHECK(there.at(module + ".weight_packed") == t);
      } else if (suffix == ".weight_scale") {
        CHECK(there.at(name) == t);
      } else {
        const Raw& g =
            there.at(module + (suffix == ".input_scale" ? ".input_global_scale" : ".weight_global_scale"));
        CHECK(g.dtype == "F32");
        CHECK(g.shape == std::vector<std::int64_t>{1});
        const auto x = value_at<float>(t.bytes, 0), y = value_at<float>(g.bytes, 0);
        ++scales;
        if (has_divisor(x)) {
          CHECK(1.0f / y == x);
        } else {
          ++without;
          CHECK(y == 1.0f / x);
          CHECK(std::abs(1.0f / y / x - 1) < 2e-7f);
        }
      }
    }
    // The scales of this test are such that some have no divisor.
    CHECK(without > 0);
    CHECK(done.out.find(std::to_string(scales) + " inverted; engines read " + std::to_string(without) +
                        " of them off by one in the last bit") != std::string::npos);
    const json q = read_json(dir / "c" / "config.json")["quantization_config"];
    const json& group = q["config_groups"]["group_0"];
    CHECK(q["quant_method"] == "compressed-tensors");
    CHECK(group["format"] == "nvfp4-pack-quantized");
    CHECK(group["targets"] == json({"Linear"}));
    CHECK(group["input_activations"].is_null() == (type == "-a16"));
    CHECK(q["ignore"] == json({"lm_head", "model.embed_tokens"}));
    CHECK(!fs::exists(dir / "c" / "hf_quant_config.json"));
    there_and_back(c, "compressed-tensors", "modelopt");
  }
}

TEST_CASE("convert NVFP4 from divisors", "[app][convert]") {
  Ckpt c = checkpoint_of("nvfp4-pack-quantized", true);
  spread_scales(c, "_global_scale");
  const TempDir dir;
  c.write(dir / "c", true);
  const Outcome done = convert(dir / "c", dir / "m", "modelopt");
  INFO(done.err);
  REQUIRE(done.status == 0);
  CHECK(done.out.find("engines read the same numbers") != std::string::npos);
  const Tensors there = read_checkpoint(dir / "m");
  for (const auto& [name, t] : c.tensors) {
    const auto at = name.find("_global_scale");
    if (at == std::string::npos) continue;
    const bool input = name.find("input_") != std::string::npos;
    const Raw& x = there.at(name.substr(0, at) + (input ? "_scale" : "_scale_2"));
    CHECK(x.shape.empty());
    CHECK(value_at<float>(x.bytes, 0) == 1.0f / value_at<float>(t.bytes, 0));
  }
  // Files keep their names, and the index knows them.
  const json map = read_json(dir / "m" / "model.safetensors.index.json")["weight_map"];
  CHECK(map.size() == there.size());
  for (const json& file : map) CHECK(fs::exists(dir / "m" / file.get<std::string>()));
  CHECK(read_json(dir / "m" / "hf_quant_config.json")["quantization"]["quant_algo"] == "NVFP4");
  there_and_back(c, "modelopt", "compressed-tensors", true);
}

TEST_CASE("convert FP8, MXFP8 and mixtures and back", "[app][convert]") {
  for (const auto& [name, own, other] :
       std::vector<std::array<std::string, 3>>{{"modelopt-fp8", "modelopt", "compressed-tensors"},
                                               {"modelopt-fp8-channel", "modelopt", "compressed-tensors"},
                                               {"modelopt-fp8-pb_wo", "modelopt", "compressed-tensors"},
                                               {"modelopt-fp8-pb_wo", "modelopt", "deepseek"},
                                               {"modelopt-mxfp8", "modelopt", "compressed-tensors"},
                                               {"modelopt-mixed", "modelopt", "compressed-tensors"},
                                               {"float-quantized-tensor", "compressed-tensors", "modelopt"},
                                               {"float-quantized-channel", "compressed-tensors", "modelopt"},
                                               {"float-quantized-block", "compressed-tensors", "modelopt"},
                                               {"float-quantized-block", "compressed-tensors", "deepseek"},
                                               {"two-groups", "compressed-tensors", "modelopt"},
                                               {"deepseek-fp8", "deepseek", "compressed-tensors"},
                                               {"deepseek-fp8", "deepseek", "modelopt"}})
    for (const bool experts : {false, true})
      there_and_back(checkpoint_of(name, experts), other, own, experts);
}

TEST_CASE("convert what the owners of the dialects wrote", "[app][convert]") {
  for (const auto& [name, other] :
       std::vector<std::array<std::string, 2>>{{"ct-nvfp4", "modelopt"},
                                               {"ct-fp8", "modelopt"},
                                               {"ct-fp8-dynamic", "modelopt"},
                                               {"ct-fp8-block", "deepseek"},
                                               {"ct-mxfp8", "modelopt"},
                                               {"modelopt-nvfp4", "compressed-tensors"},
                                               {"modelopt-fp8", "compressed-tensors"},
                                               {"modelopt-fp8-row", "compressed-tensors"},
                                               {"modelopt-mxfp8", "compressed-tensors"},
                                               {"ct-w4a16", "gptq"},
                                               {"ct-w4a16", "gptq_v2"},
                                               {"ct-w4a16", "awq"},
                                               {"ct-w4a16-asym", "gptq"},
                                               {"ct-w4a16-asym", "gptq_v2"},
                                               {"ct-w4a16-asym", "awq"}})
    there_and_back(third_party / name, other, name[0] == 'c' ? "compressed-tensors" : "modelopt");
}

TEST_CASE("convert 4-bit integers: codes, zero points and scales mean the same", "[app][convert]") {
  const std::vector<std::array<std::string, 2>> sources = {{"pack-quantized", "compressed-tensors"},
                                                           {"pack-quantized-asym", "compressed-tensors"},
                                                           {"gptq", "gptq"},
                                                           {"gptq_v2", "gptq_v2"},
                                                           {"awq", "awq"}};
  for (const auto& [name, own] : sources)
    for (const std::string other : {"compressed-tensors", "gptq", "gptq_v2", "awq"}) {
      if (other == own) continue;
      INFO(name << " to " << other);
      const Ckpt c = in_order(checkpoint_of(name));
      const TempDir dir;
      c.write(dir / "a");
      const Outcome done = convert(dir / "a", dir / "b", other);
      INFO(done.err);
      REQUIRE(done.status == 0);
      const Tensors there = read_checkpoint(dir / "b");
      CHECK(integers(there, q0, other, 128, 128, 64) == integers(c.tensors, q0, own, 128, 128, 64));
      CHECK(integers(there, down1, other, 128, 256, 64) == integers(c.tensors, down1, own, 128, 256, 64));
      const bool zeros = name == "awq" || name == "pack-quantized-asym";
      if (other == "gptq" && !zeros)
        CHECK(value_at<std::uint32_t>(there.at(q0 + ".qzeros").bytes, 3) == 0x77777777u);
      if (other == "compressed-tensors") CHECK((there.count(q0 + ".weight_zero_point") == 1) == zeros);
      if (other.rfind("gptq", 0) == 0) {
        const json q = read_json(dir / "b" / "config.json")["quantization_config"];
        CHECK(q["sym"] == !zeros);
        CHECK(q["group_size"] == 64);
        CHECK(value_at<std::int32_t>(there.at(down1 + ".g_idx").bytes, 200) == 3);
      }
      there_and_back(c, other, own);
    }
}

TEST_CASE("convert AWQ whose zero points are all 8 to symmetric GPTQ", "[app][convert]") {
  Ckpt c = checkpoint_of("awq");
  for (auto& [name, t] : c.tensors)
    if (name.find("qzeros") != std::string::npos) t.bytes.assign(t.bytes.size(), '\x88');
  const TempDir dir;
  c.write(dir / "a");
  const Outcome done = convert(dir / "a", dir / "g", "gptq");
  INFO(done.err);
  REQUIRE(done.status == 0);
  CHECK(read_json(dir / "g" / "config.json")["quantization_config"]["sym"] == true);
  CHECK(integers(read_checkpoint(dir / "g"), q0, "gptq", 128, 128, 64) ==
        integers(c.tensors, q0, "awq", 128, 128, 64));
  there_and_back(c, "gptq", "awq");
}

TEST_CASE("convert the scales of a KV cache", "[app][convert]") {
  Ckpt c = checkpoint_of("modelopt-fp8");
  c.q()["kv_cache_scheme"] = {{"dynamic", false}, {"num_bits", 8}, {"type", "float"}};
  c.hf_quant_config["quantization"]["kv_cache_quant_algo"] = "FP8";
  for (const std::string layer : {"0", "1"})
    for (const std::string which : {"k", "v"})
      c.tensors["model.layers." + layer + ".self_attn." + which + "_proj." + which + "_scale"] =
          scalar(0.01f);
  const TempDir dir;
  c.write(dir / "m");
  REQUIRE(convert(dir / "m", dir / "c", "compressed-tensors").status == 0);
  const Raw scale = read_checkpoint(dir / "c").at("model.layers.1.self_attn.v_scale");
  CHECK(scale == scalar(0.01f, true));
  CHECK(read_json(dir / "c" / "config.json")["quantization_config"]["kv_cache_scheme"]["num_bits"] == 8);
  there_and_back(c, "compressed-tensors", "modelopt");
  // A layer's scale in compressed-tensors is BF16 more often than not.
  Ckpt other = checkpoint_of("float-quantized-tensor");
  other.q()["kv_cache_scheme"] = {
      {"num_bits", 8}, {"type", "float"}, {"strategy", "tensor"}, {"symmetric", true}, {"dynamic", false}};
  for (const std::string layer : {"0", "1"})
    for (const std::string which : {"k", "v"})
      other.tensors["model.layers." + layer + ".self_attn." + which + "_scale"] =
          constant("BF16", {1}, 0.25f);
  other.write(dir / "o");
  REQUIRE(convert(dir / "o", dir / "p", "modelopt").status == 0);
  CHECK(read_checkpoint(dir / "p").at("model.layers.0.self_attn.k_proj.k_scale") == scalar(0.25f));
  there_and_back(other, "modelopt", "compressed-tensors");
}

TEST_CASE("convert lists by name what patterns ignored", "[app][convert]") {
  const TempDir dir;
  Ckpt ct = checkpoint_of("nvfp4-pack-quantized", true);
  ct.q()["ignore"] = {"re:.*lm_head", "re:.*mlp[.]gate$"};
  ct.write(dir / "c");
  REQUIRE(convert(dir / "c", dir / "m", "modelopt").status == 0);
  const json names = {"lm_head", "model.layers.0.mlp.gate", "model.layers.1.mlp.gate"};
  CHECK(read_json(dir / "m" / "config.json")["quantization_config"]["ignore"] == names);
  CHECK(read_json(dir / "m" / "hf_quant_config.json")["quantization"]["exclude_modules"] == names);
  there_and_back(ct, "modelopt", "compressed-tensors");

  Ckpt globs = checkpoint_of("modelopt-nvfp4", true);
  globs.q()["ignore"] = {"lm_head", "*mlp.gate*"};
  globs.hf_quant_config["quantization"]["exclude_modules"] = {"lm_head", "*mlp.gate*"};
  globs.write(dir / "g");
  REQUIRE(convert(dir / "g", dir / "h", "compressed-tensors").status == 0);
  json sorted = read_json(dir / "h" / "config.json")["quantization_config"]["ignore"];
  std::sort(sorted.begin(), sorted.end());
  CHECK(sorted ==
        json({"lm_head", "model.embed_tokens", "model.layers.0.mlp.gate", "model.layers.1.mlp.gate"}));
}

TEST_CASE("a configuration that changed since is not undone", "[app][convert]") {
  const TempDir dir;
  Ckpt c = checkpoint_of("modelopt-nvfp4");
  c.q()["producer"] = {{"name", "me"}};
  c.write(dir / "a");
  REQUIRE(convert(dir / "a", dir / "b", "compressed-tensors").status == 0);
  json config = read_json(dir / "b" / "config.json");
  config["quantization_config"]["ignore"].push_back("model.norm");
  write_file(dir / "b" / "config.json", config.dump());
  REQUIRE(convert(dir / "b", dir / "c", "modelopt").status == 0);
  CHECK(read_json(dir / "c" / "config.json")["quantization_config"]["producer"]["name"] == "nvq");
  // Nor is a scale that changed.
  const std::string name = q0 + ".weight_global_scale";
  Ckpt other = checkpoint_of("nvfp4-pack-quantized");
  spread_scales(other, "_global_scale");
  other.write(dir / "d");
  REQUIRE(convert(dir / "d", dir / "e", "modelopt").status == 0);
  Tensors changed = read_checkpoint(dir / "e");
  const float x = 0.25f;
  std::memcpy(changed.at(q0 + ".weight_scale_2").bytes.data(), &x, 4);
  const std::string bytes = read_file(dir / "e" / "model.safetensors");
  const json header = header_of(dir / "e" / "model.safetensors");
  const auto at = header[q0 + ".weight_scale_2"]["data_offsets"][0].get<std::size_t>() + 8 +
                  static_cast<std::size_t>(value_at<std::uint64_t>(bytes, 0));
  std::string spoiled = bytes;
  std::memcpy(spoiled.data() + at, &x, 4);
  write_file(dir / "e" / "model.safetensors", spoiled);
  REQUIRE(convert(dir / "e", dir / "f", "compressed-tensors").status == 0);
  CHECK(value_at<float>(read_checkpoint(dir / "f").at(name).bytes, 0) == 4.0f);
}
