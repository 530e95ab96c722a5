// SPDX-License-Identifier: Apache-2.0
// NF4 with double quantization, as bitsandbytes stores it: functional.py of 0.50, quantize_4bit with
// compress_statistics and QuantState.
#include <algorithm>
#include <cmath>
#include <functional>

#include "app.hpp"
#include "support/catch.hpp"

using namespace test;

namespace {

constexpr const char* state_suffix = ".quant_state.bitsandbytes__nf4";

Outcome quantize(const fs::path& model, const fs::path& out, std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"quantize", model.string(), out.string(), "--format", "nf4_dq"});
  return nvq(more);
}

std::string told(const std::string& text, const std::string& name) {
  const auto at = text.find('\n' + name);
  return at == std::string::npos ? "" : text.substr(at + 1, text.find('\n', at + 1) - at - 1);
}

/// The largest magnitudes of 64 values each of a BF16 tensor.
std::vector<float> absmaxes(const Raw& weight) {
  std::vector<float> all(weight.bytes.size() / 2 / 64);
  for (std::size_t i = 0; i < all.size() * 64; ++i) {
    const auto bits = static_cast<std::uint32_t>(value_at<std::uint16_t>(weight.bytes, i) & 0x7FFFu) << 16;
    float magnitude;
    std::memcpy(&magnitude, &bits, 4);
    all[i / 64] = std::max(all[i / 64], magnitude);
  }
  return all;
}

}  // namespace

TEST_CASE("double quantization equals bitsandbytes", "[app]") {
  const std::string weight = "model.layers.0.self_attn.k_proj.weight";
  const Tensors owners = read_safetensors(NVQ_VECTORS_DIR "/../app/owner_tensors.safetensors");
  const TempDir dir;
  const Outcome done = quantize(shared_model(), dir / "q");
  INFO(done.err);
  REQUIRE(done.status == 0);
  const Tensors ours = read_checkpoint(dir / "q");
  const auto owner = [&](const std::string& suffix) { return owners.at("nf4_dq/weight" + suffix); };
  for (const char* suffix : {"", ".quant_map", ".nested_absmax", ".nested_quant_map"}) {
    INFO(suffix);
    CHECK(ours.at(weight + suffix) == owner(suffix));
  }
  // Spaces give it one length for all means.
  std::string state = ours.at(weight + state_suffix).bytes;
  const std::string their_state = owner(state_suffix).bytes;
  const std::size_t digits = their_state.size() - 1 - their_state.rfind(' ') - 1;
  CHECK(state.size() == their_state.size() - digits + 22);
  state.erase(state.find_last_not_of(' ') + 1);
  CHECK(state == their_state);

  // bitsandbytes' CPU build finds codes by 65536 bins, and two of these 512 one step from the nearest.
  const Raw codes = ours.at(weight + ".absmax"), their_codes = owner(".absmax");
  REQUIRE(codes.shape == their_codes.shape);
  REQUIRE(codes.dtype == "U8");
  const std::vector<float> before = absmaxes(read_checkpoint(shared_model()).at(weight));
  REQUIRE(before.size() == codes.bytes.size());
  const auto mean = json::parse(state)["nested_offset"].get<float>();
  int different = 0;
  for (std::size_t b = 0; b < before.size(); ++b) {
    const float x = (before[b] - mean) / value_at<float>(owner(".nested_absmax").bytes, b / 256);
    const auto distance = [&](const std::string& all) {
      return std::abs(value_at<float>(owner(".nested_quant_map").bytes, static_cast<std::uint8_t>(all[b])) -
                      x);
    };
    if (codes.bytes[b] == their_codes.bytes[b]) continue;
    ++different;
    CHECK(distance(codes.bytes) < distance(their_codes.bytes));
  }
  CHECK(different == 2);
}

TEST_CASE("what is double-quantized is told and read as such", "[app]") {
  const TempDir dir;
  const Outcome done = quantize(shared_model(), dir / "q");
  REQUIRE(done.status == 0);
  CHECK(done.out.find("nf4_dq, recipe bitsandbytes, dialect bitsandbytes") != std::string::npos);
  const json config = read_json(dir / "q" / "config.json")["quantization_config"];
  CHECK(config["bnb_4bit_use_double_quant"] == true);
  CHECK(config["bnb_4bit_quant_type"] == "nf4");
  const std::string seen = nvq({"inspect", (dir / "q").string()}).out;
  CHECK(seen.find("  nf4_dq  ") != std::string::npos);
  CHECK(seen.find("U8") == std::string::npos);
  CHECK(nvq({"verify", (dir / "q").string(), "--source", shared_model().string()}).status == 0);

  // The closing table's noise is that of what is stored, though scales were quantized after their blocks were
  // compared.
  const std::string compared = nvq({"compare", shared_model().string(), (dir / "q").string()}).out;
  const std::string sqnr = told(done.out, "SQNR");
  REQUIRE(sqnr.size() > 30);
  CHECK(compared.find(sqnr.substr(12)) != std::string::npos);
  const Outcome plain =
      nvq({"quantize", shared_model().string(), (dir / "plain").string(), "--format", "nf4"});
  CHECK(told(plain.out, "SQNR") != sqnr);
}

TEST_CASE("batches, threads and memory change no byte of double quantization", "[app]") {
  const TempDir dir;
  write_sharded_model(dir / "m");
  const Outcome first = quantize(dir / "m", dir / "a", {"--batch", "1K", "--threads", "1"});
  INFO(first.err);
  REQUIRE(first.status == 0);
  const Outcome second =
      quantize(dir / "m", dir / "b", {"--batch", "200K", "--threads", "3", "--max-rss", "200M"});
  REQUIRE(second.status == 0);
  CHECK(files_of(dir / "a") == files_of(dir / "b"));
  CHECK(told(first.out, "SQNR") == told(second.out, "SQNR"));
}

TEST_CASE("means of any magnitude have a state of one length", "[app]") {
  const TempDir dir;
  Tensors tensors;
  const float values[] = {0.0f, 1.0f, 1e-6f, 0.000123456789f, 1.1754944e-38f, 3.4e38f, 123456.789f};
  int layer = 0;
  for (const float value : values) {
    Raw t{"F32", {64, 64}, {}};
    for (int i = 0; i < 64 * 64; ++i) t.bytes.append(reinterpret_cast<const char*>(&value), 4);
    tensors["model.layers." + std::to_string(layer++) + ".mlp.down_proj.weight"] = t;
  }
  write_model(dir / "m", tensors);
  REQUIRE(quantize(dir / "m", dir / "q").status == 0);
  REQUIRE(nvq({"dequantize", (dir / "q").string(), (dir / "d").string(), "--dtype", "f32"}).status == 0);
  const Tensors stored = read_checkpoint(dir / "q"), back = read_checkpoint(dir / "d");
  layer = 0;
  std::size_t length = 0;
  for (const float value : values) {
    INFO(value);
    const std::string weight = "model.layers." + std::to_string(layer++) + ".mlp.down_proj.weight";
    const std::string& state = stored.at(weight + state_suffix).bytes;
    CHECK(json::parse(state)["nested_offset"].get<float>() == value);
    CHECK((length == 0 || state.size() == length));
    length = state.size();
    CHECK(back.at(weight) == tensors.at(weight));
  }
  CHECK(stored.at("model.layers.0.mlp.down_proj.weight" + std::string(state_suffix)).bytes.find(": 0.0}") !=
        std::string::npos);
}

TEST_CASE("what lacks of double-quantized scales is found", "[app][verify]") {
  const TempDir dir;
  REQUIRE(quantize(shared_model(), dir / "q").status == 0);
  const fs::path file = dir / "q" / "model.safetensors";
  const std::string weight = "model.layers.0.self_attn.k_proj.weight";
  const auto finds = [&](const std::string& what, const std::function<void(Tensors&)>& spoil) {
    Tensors t = read_safetensors(file);
    spoil(t);
    fs::remove_all(dir / "c");
    fs::create_directory(dir / "c");
    write_safetensors(dir / "c" / "model.safetensors", t);
    fs::copy(dir / "q" / "config.json", dir / "c" / "config.json");
    const Outcome o = nvq({"verify", (dir / "c").string()});
    INFO(o.out);
    CHECK(o.status == (what.empty() ? 0 : 1));
    CHECK(o.out.find(what) != std::string::npos);
  };
  finds("", [](Tensors&) {});
  finds("1 factors; 512 scales in groups of 256", [&](Tensors& t) {
    t[weight + ".nested_absmax"].shape = {1};
    t[weight + ".nested_absmax"].bytes.resize(4);
  });
  finds(weight + ".nested_quant_map", [&](Tensors& t) { t.erase(weight + ".nested_quant_map"); });
  finds("no nested_offset", [&](Tensors& t) {
    std::string& state = t[weight + state_suffix].bytes;
    state.replace(state.find("nested_offset"), 13, "another_thing");
  });
}
