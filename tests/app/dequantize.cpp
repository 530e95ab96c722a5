// SPDX-License-Identifier: Apache-2.0
// `nvq dequantize`, `inspect`, `formats` and `demo`.
#include <array>
#include <cmath>

#include "app.hpp"
#include "support/catch.hpp"

using namespace test;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

float e4m3(std::uint8_t b) {
  const int exponent = b >> 3 & 15, mantissa = b & 7;
  return exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -9)
                       : std::ldexp(1.0f + static_cast<float>(mantissa) / 8.0f, exponent - 7);
}

float e2m1(unsigned code) {
  const std::array<float, 8> grid = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
  return (code & 8u) != 0 ? -grid[code & 7u] : grid[code & 7u];
}

}  // namespace

TEST_CASE("decoded NVFP4 weights are code times scale by the tensor's scale", "[app]") {
  for (const std::string dialect : {"compressed-tensors", "modelopt"}) {
    const TempDir dir;
    INFO(dialect);
    REQUIRE(nvq({"quantize", shared_model().string(), (dir / "q").string(), "--dialect", dialect}).status ==
            0);
    REQUIRE(nvq({"dequantize", (dir / "q").string(), (dir / "d").string(), "--dtype", "f32"}).status == 0);
    const Tensors q = read_checkpoint(dir / "q"), d = read_checkpoint(dir / "d"),
                  source = read_checkpoint(shared_model());
    CHECK(!read_json(dir / "d" / "config.json").contains("quantization_config"));
    REQUIRE(d.size() == source.size());
    const bool divides = dialect == "compressed-tensors";
    const std::string m = "model.layers.2.mlp.down_proj.";
    const Raw &codes = q.at(m + (divides ? "weight_packed" : "weight")), &scales = q.at(m + "weight_scale");
    const float tensor =
        value_at<float>(q.at(m + (divides ? "weight_global_scale" : "weight_scale_2")).bytes, 0);
    const Raw& ours = d.at(m + "weight");
    CHECK(ours.shape == std::vector<std::int64_t>{256, 768});
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < 256 * 768; ++i) {
      const auto byte = static_cast<std::uint8_t>(codes.bytes[i / 2]);
      const float code = e2m1(i % 2 == 0 ? byte & 15u : byte >> 4),
                  scale = e4m3(static_cast<std::uint8_t>(scales.bytes[i / 16]));
      const float want = divides ? code * (scale / tensor) : (code * scale) * tensor;
      if (value_at<float>(ours.bytes, i) != want) ++wrong;
    }
    CHECK(wrong == 0);
    for (const auto& [name, t] : source)
      if (!contains(name, "_proj")) CHECK(d.at(name) == t);
  }
}

TEST_CASE("every format decodes to something near its source", "[app]") {
  // Signal to noise in dB that the format must reach on these weights.
  const std::pair<const char*, double> cases[] = {
      {"nvfp4", 20},     {"mxfp4", 18}, {"mxfp6", 29}, {"mxfp8", 30},    {"fp8", 31},      {"fp8_row", 31},
      {"fp8_block", 31}, {"int8", 40},  {"int4", 18},  {"int4_g64", 19}, {"int4_g32", 20}, {"int4_row", 15}};
  const Tensors source = read_checkpoint(shared_model());
  const Raw& want = source.at("model.layers.3.mlp.up_proj.weight");
  const auto bf16 = [](const Raw& t, std::size_t i) {
    const std::uint32_t bits = static_cast<std::uint32_t>(value_at<std::uint16_t>(t.bytes, i)) << 16;
    float x;
    std::memcpy(&x, &bits, 4);
    return static_cast<double>(x);
  };
  for (const auto& [format, least] : cases) {
    INFO(format);
    const TempDir dir;
    REQUIRE(nvq({"quantize", shared_model().string(), (dir / "q").string(), "--format", format}).status == 0);
    REQUIRE(nvq({"dequantize", (dir / "q").string(), (dir / "d").string()}).status == 0);
    const Raw ours = read_checkpoint(dir / "d").at("model.layers.3.mlp.up_proj.weight");
    REQUIRE(ours.dtype == "BF16");
    double signal = 0, noise = 0;
    for (std::size_t i = 0; i < 768 * 256; ++i) {
      const double x = bf16(want, i), e = x - bf16(ours, i);
      signal += x * x;
      noise += e * e;
    }
    CHECK(10 * std::log10(signal / noise) > least);
    CHECK(10 * std::log10(signal / noise) < least + 16);
  }
}

TEST_CASE("a checkpoint that is not what its configuration says is refused", "[app]") {
  const TempDir dir;
  REQUIRE(nvq({"quantize", shared_model().string(), (dir / "q").string()}).status == 0);
  const Tensors good = read_checkpoint(dir / "q");
  const std::string m = "model.layers.0.mlp.up_proj.";
  const auto refusal = [&](Tensors t) {
    write_safetensors(dir / "q" / "model.safetensors", t);
    const Outcome no = nvq({"dequantize", (dir / "q").string(), (dir / "d").string()});
    CHECK(no.status == 1);
    CHECK(!fs::exists(dir / "d"));
    return no.err;
  };
  Tensors t = good;
  t.erase(m + "weight_scale");
  CHECK(contains(refusal(t), "there is no weight_scale beside it"));
  t = good;
  t[m + "weight_scale"].shape = {768, 8};
  t[m + "weight_scale"].bytes.resize(768 * 8);
  CHECK(contains(refusal(t),
                 "'" + m + "weight_scale': F8_E4M3 [768, 8] where the format needs F8_E4M3 [768, 16]"));
  t = good;
  t[m + "weight_global_scale"].bytes.assign(4, '\0');
  CHECK(contains(refusal(t), "no positive number"));
  t = good;
  t[m + "weight_packed"].shape = {768, 0};
  t[m + "weight_packed"].bytes.clear();
  CHECK(contains(refusal(t), "'" + m + "weight_packed'"));
  const Outcome plain = nvq({"dequantize", shared_model().string(), (dir / "d").string()});
  CHECK(plain.status == 1);
  CHECK(contains(plain.err, "not quantized"));
}

TEST_CASE("inspect counts real bits", "[app]") {
  const TempDir dir;
  const Outcome before = nvq({"inspect", shared_model().string()});
  REQUIRE(before.status == 0);
  CHECK(contains(before.out, "LlamaForCausalLM"));
  CHECK(contains(before.out, "quantization  none"));
  REQUIRE(nvq({"quantize", shared_model().string(), (dir / "q").string(), "--format", "int4"}).status == 0);
  const Outcome after = nvq({"inspect", (dir / "q").string()});
  REQUIRE(after.status == 0);
  CHECK(contains(after.out, "compressed-tensors, format pack-quantized, 2 modules in ignore"));
  // 2,359,296 weights of 4 bits, a 16-bit scale per 128, and a shape of 16 bytes for each of 12 tensors.
  CHECK(contains(after.out, "2,359,296"));
  CHECK(contains(after.out, "1,216,704"));
  CHECK(contains(after.out, "4.1257"));
  // Not one of ours: listed as it is stored.
  json config = read_json(dir / "q" / "config.json");
  config["quantization_config"]["quant_method"] = "hqq";
  write_file(dir / "q" / "config.json", config.dump());
  const Outcome foreign = nvq({"inspect", (dir / "q").string()});
  CHECK(foreign.status == 0);
  CHECK(contains(foreign.out, "quant_method 'hqq' is not supported"));
  CHECK(contains(foreign.out, "I32"));
}

TEST_CASE("formats lists the library's formats", "[app]") {
  const Outcome text = nvq({"formats"}), markdown = nvq({"formats", "--markdown"});
  CHECK(contains(text.out, "NVFP4 "));
  CHECK(contains(text.out, "4.5000"));
  CHECK(contains(text.out, "four_over_six"));
  CHECK(contains(markdown.out, "| NVFP4 |"));
  CHECK(contains(markdown.out, "---:|"));
}

TEST_CASE("demo compares formats, and may be run again", "[app]") {
  const TempDir dir;
  const std::vector<std::string> command = {"demo", shared_model().string(), (dir / "demo").string(),
                                            "--formats", "nvfp4,mxfp4:ocp_floor,fp8"};
  for (int i = 0; i < 2; ++i) {
    const Outcome done = nvq(command);
    INFO(done.err);
    REQUIRE(done.status == 0);
    CHECK(contains(done.out, "transformer_engine"));
    CHECK(contains(done.out, "ocp_floor"));
    CHECK(fs::exists(dir / "demo" / "mxfp4-ocp_floor" / "model.safetensors"));
  }
  // A directory that no demo made is not replaced.
  fs::remove_all(dir / "demo" / "fp8");
  fs::copy(shared_model(), dir / "demo" / "fp8");
  CHECK(nvq(command).status == 1);
  CHECK(fs::exists(dir / "demo" / "fp8" / "heldout.txt"));
}
