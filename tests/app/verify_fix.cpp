// SPDX-License-Identifier: Apache-2.0
// `nvq verify --fix`: what can be repaired without the source, and the old files stay.
#include "support/catch.hpp"
#include "verify.hpp"

using namespace test;

namespace {

const std::string attn = "model.layers.1.self_attn.", mlp = "model.layers.0.mlp.",
                  added = "model-added.safetensors", index_file = "model.safetensors.index.json";

/// Writes a checkpoint, repairs it, and gives what is left of it.
struct Repair {
  TempDir dir;
  Verdict v;

  Repair(const Ckpt& c, std::vector<std::string> options, bool sharded = false) {
    c.write(dir / "c", sharded);
    options.insert(options.begin(), "--fix");
    v = examine(dir / "c", options);
  }
  std::string fixes(const char* which) const {
    return v.report.contains("fixes") ? v.report["fixes"][which].dump() : std::string();
  }
};

void set_float(Ckpt& c, const std::string& name, float value) {
  std::memcpy(c[name].bytes.data(), &value, 4);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("missing and broken activation scales are filled in", "[app][verify]") {
  for (const std::string dialect : {"modelopt-nvfp4", "nvfp4-pack-quantized", "modelopt-fp8"})
    for (const bool sharded : {false, true}) {
      const bool divides = dialect == "nvfp4-pack-quantized";
      const std::string suffix = divides ? "input_global_scale" : "input_scale";
      Ckpt c = checkpoint_of(dialect, true);
      const std::string missing = "model.layers.1.mlp.experts.2.up_proj." + suffix,
                        zero = attn + "q_proj." + suffix;
      c.tensors.erase(missing);
      set_float(c, zero, 0);
      const Tensors before = c.tensors;
      const Repair r(c, {"input-scale=0.5"}, sharded);
      INFO(dialect << ": " << r.v.all() << r.fixes("done"));
      // q, k and v have different activation scales now, which is a finding; nothing else is.
      for (const json& f : r.v.report["findings"]) CHECK(f["rule"] == "V3");
      const Tensors after = read_checkpoint(r.dir / "c");
      CHECK(value_at<float>(after.at(missing).bytes, 0) == (divides ? 2.0f : 0.5f));
      CHECK(value_at<float>(after.at(zero).bytes, 0) == (divides ? 2.0f : 0.5f));
      CHECK(after.size() == before.size() + 1);
      for (const auto& [name, t] : before)
        if (name != zero) CHECK(after.at(name) == t);
      // The index knows the new shard, and what was replaced is still there.
      CHECK(read_json(r.dir / "c" / index_file)["weight_map"][missing] == added);
      const std::string shard = sharded ? "model-00002-of-00002.safetensors" : "model.safetensors";
      CHECK(read_safetensors(r.dir / "c" / (shard + ".orig")).at(zero) == before.at(zero));
      CHECK(fs::exists(r.dir / "c" / (index_file + ".orig")) == sharded);
    }
}

TEST_CASE("a checkpoint without any activation scale becomes clean", "[app][verify]") {
  Ckpt c = checkpoint_of("modelopt-nvfp4");
  for (const std::string& m : linear_layers(plain_model())) c.tensors.erase(m + ".input_scale");
  const Repair r(c, {"input-scale=1.0"});
  INFO(r.v.all());
  CHECK(r.v.status == 0);
  CHECK(contains(r.fixes("done"), "added 14 of 1"));
  CHECK(read_safetensors(r.dir / "c" / added).at(attn + "k_proj.input_scale") == scalar(1));
  CHECK(!fs::exists(r.dir / "c" / "model.safetensors.orig"));
}

TEST_CASE("tensor scales of a group become one where powers of two allow it", "[app][verify]") {
  for (const bool divides : {false, true}) {
    Ckpt c = checkpoint_of(divides ? "nvfp4-pack-quantized" : "modelopt-nvfp4");
    const std::string suffix = divides ? "weight_global_scale" : "weight_scale_2";
    // Scales of 2 to 240 leave room for a factor of 8 downwards; k has a tensor scale an eighth as large.
    for (const char* p : {"q_proj", "k_proj", "v_proj"})
      c[attn + p + ".weight_scale"] = random_bytes("F8_E4M3", {128, 8}, 3, 0x40, 0x77);
    const float own = value_at<float>(c[attn + "k_proj." + suffix].bytes, 0);
    set_float(c, attn + "k_proj." + suffix, divides ? own * 8 : own / 8);
    const std::string before = c[attn + "k_proj.weight_scale"].bytes;
    const Repair r(c, {"shared-scales"});
    INFO(r.v.all() << r.fixes("refused"));
    CHECK(r.v.status == 0);
    const Tensors after = read_checkpoint(r.dir / "c");
    CHECK(value_at<float>(after.at(attn + "k_proj." + suffix).bytes, 0) == own);
    // A factor of 2^-3 takes 3 from the exponent field, which begins at bit 3.
    const std::string& scales = after.at(attn + "k_proj.weight_scale").bytes;
    bool all = true;
    for (std::size_t i = 0; i < scales.size(); ++i)
      all = all && scales[i] == static_cast<char>(before[i] - 24);
    CHECK(all);
    CHECK(after.at(attn + "q_proj.weight_scale") == c[attn + "q_proj.weight_scale"]);
    CHECK(read_safetensors(r.dir / "c" / "model.safetensors.orig").at(attn + "k_proj.weight_scale").bytes ==
          before);
  }
}

TEST_CASE("tensor scales that cannot be shared exactly are refused with the reason", "[app][verify]") {
  Ckpt c = checkpoint_of("modelopt-nvfp4");
  set_float(c, attn + "k_proj.weight_scale_2", 0.00015f);
  Repair odd(c, {"shared-scales"});
  CHECK(odd.v.found("V3", attn + "q_proj.weight_scale_2"));
  CHECK(contains(odd.fixes("refused"), "E4M3 block scales take up powers of two only"));
  CHECK(!fs::exists(odd.dir / "c" / "model.safetensors.orig"));
  // 2^-12 leaves the range of E4M3 downwards, and 2^12 upwards.
  const float own = value_at<float>(c[attn + "q_proj.weight_scale_2"].bytes, 0);
  set_float(c, attn + "k_proj.weight_scale_2", own / 4096);
  Repair far(c, {"shared-scales"});
  CHECK(contains(far.fixes("refused"), "have no room for it"));
  CHECK(read_checkpoint(far.dir / "c") == c.tensors);
}

TEST_CASE("the ignore list is made to fit", "[app][verify]") {
  for (const std::string dialect : {"nvfp4-pack-quantized", "modelopt-nvfp4"}) {
    Ckpt c = checkpoint_of(dialect, true);
    const json wrong = {"lm_head", "model.layers.0.linear_attn.in_proj_qkvz", "model.layers.1.mlp.gate"};
    c.q()["ignore"] = wrong;
    if (!c.hf_quant_config.is_null()) c.hf_quant_config["quantization"]["exclude_modules"] = wrong;
    // In modelopt's lists a router's name is a substring of its neighbours'; experts have other names.
    const Repair r(c, {"ignore"});
    INFO(r.v.all());
    CHECK(r.v.status == 0);
    const json want = {"lm_head", "model.layers.1.mlp.gate", "model.layers.0.mlp.gate"};
    CHECK(read_json(r.dir / "c" / "config.json")["quantization_config"]["ignore"] == want);
    if (!c.hf_quant_config.is_null())
      CHECK(read_json(r.dir / "c" / "hf_quant_config.json")["quantization"]["exclude_modules"] == want);
    CHECK(read_json(r.dir / "c" / "config.json.orig") == c.config);
  }
}

TEST_CASE("configurations are completed and mirrored", "[app][verify]") {
  const Ckpt clean = checkpoint_of("modelopt-nvfp4");
  Ckpt c = clean;
  c.hf_quant_config = nullptr;
  Repair mirror(c, {"config"});
  INFO(mirror.v.all());
  CHECK(mirror.v.status == 0);
  const json nested = read_json(mirror.dir / "c" / "hf_quant_config.json")["quantization"];
  CHECK(nested == clean.hf_quant_config["quantization"]);

  c = clean;
  c.config.erase("quantization_config");
  Repair flat(c, {"config"});
  INFO(flat.v.all());
  CHECK(flat.v.status == 0);
  CHECK(read_json(flat.dir / "c" / "config.json")["quantization_config"]["quant_algo"] == "NVFP4");
  CHECK(read_json(flat.dir / "c" / "config.json.orig") == c.config);

  c = clean;
  c.hf_quant_config["quantization"].erase("group_size");
  c.hf_quant_config["quantization"].erase("kv_cache_quant_algo");
  const Repair keys(c, {"config"});
  CHECK(keys.v.status == 0);

  c = clean;
  c.hf_quant_config["quantization"]["quant_algo"] = "FP8";
  const Repair torn(c, {"config"});
  CHECK(torn.v.found("N-mirror", "quant_algo"));
  CHECK(contains(torn.fixes("refused"), "which of the two is right cannot be told"));

  c = checkpoint_of("nvfp4-pack-quantized");
  c.q()["config_groups"]["group_0"]["weights"]["rounding"] = "rne";
  c.q()["config_groups"]["group_0"]["zero_point"] = true;
  const Repair unknown(c, {"config"});
  INFO(unknown.v.all());
  CHECK(unknown.v.status == 0);
  CHECK(read_json(unknown.dir / "c" / "config.json") == checkpoint_of("nvfp4-pack-quantized").config);
}

TEST_CASE("config.json is restored from the source", "[app][verify]") {
  const TempDir dir;
  REQUIRE(nvq({"quantize", shared_model().string(), (dir / "c").string()}).status == 0);
  const json clean = read_json(dir / "c" / "config.json");
  json spoiled = clean;
  spoiled["vocab_size"] = 2;
  spoiled.erase("hidden_size");
  write_file(dir / "c" / "config.json", spoiled.dump());
  const Verdict v = examine(dir / "c", {"--fix", "config", "--source", shared_model().string()});
  INFO(v.all());
  CHECK(v.status == 0);
  CHECK(read_json(dir / "c" / "config.json") == clean);
}

TEST_CASE("an index is written anew, unless shards are missing or stale", "[app][verify]") {
  const auto spoil = [](const std::function<void(const fs::path&)>& how) {
    TempDir dir;
    checkpoint_of("awq").write(dir / "c", true);
    const json clean = read_json(dir / "c" / index_file);
    how(dir / "c");
    const Verdict v = examine(dir / "c", {"--fix", "index"});
    INFO(v.all());
    if (v.status == 0) CHECK(read_json(dir / "c" / index_file) == clean);
    return std::pair(v.status, v.report.contains("fixes") ? v.report["fixes"].dump() : std::string());
  };
  CHECK(spoil([](const fs::path& c) { fs::remove(c / index_file); }).first == 0);
  CHECK(spoil([](const fs::path& c) { write_file(c / index_file, "{"); }).first == 0);
  CHECK(spoil([](const fs::path& c) {
          json i = read_json(c / index_file);
          i["weight_map"].erase("lm_head.weight");
          i["metadata"]["total_size"] = 7;
          write_file(c / index_file, i.dump());
        }).first == 0);
  const auto missing = spoil([](const fs::path& c) { fs::remove(c / "model-00001-of-00002.safetensors"); });
  CHECK(missing.first == 1);
  CHECK(contains(missing.second, "cannot be told from the headers"));
  const auto stale = spoil([](const fs::path& c) {
    fs::copy_file(c / "model-00001-of-00002.safetensors", c / "old.safetensors");
  });
  CHECK(contains(stale.second, "no tensor of it is in the index"));
}

TEST_CASE("a repair that fails leaves the checkpoint as it was", "[app][verify]") {
  const TempDir dir;
  Ckpt c = checkpoint_of("modelopt-nvfp4");
  set_float(c, attn + "q_proj.input_scale", 0);
  c.write(dir / "c");
  RunOptions limit;
  limit.file_size_limit = 100000;
  const Outcome no = nvq({"verify", (dir / "c").string(), "--fix", "input-scale=1"}, limit);
  CHECK(no.status == 2);
  CHECK(contains(no.err, "model.safetensors.partial"));
  CHECK(read_checkpoint(dir / "c") == c.tensors);
  CHECK(!fs::exists(dir / "c" / "model.safetensors.partial"));
  CHECK(!fs::exists(dir / "c" / "model.safetensors.orig"));
}

TEST_CASE("repairs that are none are refused", "[app][verify]") {
  const TempDir dir;
  checkpoint_of("awq").write(dir / "c");
  for (const std::string fix :
       {"everything", "input-scale=", "input-scale=0", "input-scale=nan", "input-scale=1x"}) {
    const Outcome no = nvq({"verify", (dir / "c").string(), "--fix", fix});
    CHECK(no.status == 2);
    CHECK(contains(no.err, "--fix " + fix));
  }
}
