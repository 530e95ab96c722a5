// SPDX-License-Identifier: Apache-2.0
// nvq plan: against published figures of real models, and against what nvq quantize writes.
#include <cmath>

#include "app.hpp"
#include "support/catch.hpp"

using namespace test;

namespace {

/// A directory with nothing but the config.json of a real model.
fs::path config_only(const TempDir& dir, const std::string& name) {
  const fs::path model = dir / name;
  fs::create_directories(model);
  fs::copy_file(fs::path(NVQ_VECTORS_DIR "/../app/configs") / (name + ".json"), model / "config.json",
                fs::copy_options::overwrite_existing);
  return model;
}

struct Planned {
  int status;
  json all, model;
};

Planned plan(const fs::path& model, std::vector<std::string> options) {
  options.insert(options.begin(), {"plan", model.string(), "--json"});
  const Outcome done = nvq(options);
  INFO(done.err);
  REQUIRE((done.status == 0 || done.status == 2));
  const json all = json::parse(done.out);
  CHECK(all["fits"].get<bool>() == (all["need_bytes"] <= all["machine"]["usable_bytes"]));
  return {done.status, all, all["models"][0]};
}

double gb(const json& bytes) { return bytes.get<double>() / 1e9; }
auto about(double x, double relative = 0.005) { return Approx(x).epsilon(relative); }

}  // namespace

TEST_CASE("parameters follow from a configuration as published", "[app]") {
  struct Row {
    const char* name;
    double parameters, active, tolerance;
  };
  // Exact ones: the totals Hugging Face reads off the safetensors of these repositories. The others, and
  // what is active: the model cards of gpt-oss (116.83 B, 5.13 B without embeddings but with the head),
  // DeepSeek-V3 (671 B, 37 B), Jamba 1.5 Large (398 B, 94 B), Qwen3-30B-A3B (3.35 B with embeddings),
  // Mixtral (12.9 B with embeddings), Qwen3-Next (80 B).
  const Row rows[] = {
      {"llama-3.3-70b", 70553706496.0, 0, 0},
      {"llama-3.1-405b", 405853388800.0, 0, 0},
      {"qwen2.5-72b", 72706203648.0, 0, 0},
      {"behemoth-x-123b", 122610069504.0, 0, 0},
      {"command-a-111b", 111e9, 0, 0.001},
      {"qwen3-30b-a3b", 30532122624.0, 3.35e9 - 0.31e9, 0},
      {"mixtral-8x7b", 46702792704.0, 12.88e9 - 0.13e9, 0},
      {"deepseek-v3", 671026419200.0, 36.6e9, 0},
      {"gpt-oss-120b", 116.83e9, 5.13e9, 1e-4},
      {"jamba-1.5-large", 398e9, 94e9, 0.005},
      {"qwen3-next-80b-a3b", 80e9, 3.56e9, 0.006},
  };
  const TempDir dir;
  for (const Row& row : rows) {
    INFO(row.name);
    const json model = plan(config_only(dir, row.name), {}).model;
    CHECK(model["shapes"] == "config.json");
    if (row.tolerance == 0)
      CHECK(model["parameters"].get<double>() == row.parameters);
    else
      CHECK(model["parameters"].get<double>() == about(row.parameters, row.tolerance));
    if (row.active != 0) CHECK(model["active_parameters"].get<double>() == about(row.active, 0.01));
  }
}

TEST_CASE("caches per token are those of the DeepSeek-V3 paper", "[app]") {
  // "Insights into DeepSeek-V3", ISCA 2025, table 1: BF16, in thousands of bytes.
  const TempDir dir;
  const std::pair<const char*, double> rows[] = {
      {"deepseek-v3", 70.272e3}, {"qwen2.5-72b", 327.680e3}, {"llama-3.1-405b", 516.096e3}};
  for (const auto& [name, bytes] : rows)
    CHECK(plan(config_only(dir, name), {"--kv", "bf16"}).model["cache"]["bytes_per_token"].get<double>() ==
          bytes);
}

TEST_CASE("sliding windows and recurrent layers stop growing", "[app]") {
  const TempDir dir;
  const auto cache = [&](const char* name, const char* context, const char* kv) {
    return plan(config_only(dir, name), {"--ctx", context, "--kv", kv}).model["cache"];
  };
  // Gemma 3 27B: of 62 layers every sixth sees all, the others 1024 tokens; 2 x 16 heads x 128.
  CHECK(cache("gemma-3-27b", "32768", "bf16")["bytes_per_sequence"].get<double>() ==
        (10.0 * 32768 + 52.0 * 1024) * 4096 * 2);
  CHECK(cache("gemma-3-27b", "1000", "bf16")["bytes_per_sequence"].get<double>() == 62.0 * 1000 * 4096 * 2);
  // gpt-oss: 18 of 36 layers see 128 tokens; 2 x 8 heads x 64, at 4.5 bits.
  CHECK(cache("gpt-oss-120b", "131072", "nvfp4")["bytes_per_sequence"].get<double>() ==
        18.0 * (131072 + 128) * 1024 * 0.5625);
  // Qwen3-Next: 36 of 48 layers hold 32 heads x 128 x 128 floats and three inputs of a convolution.
  const double state = 36.0 * (32 * 128 * 128 * 4 + (2 * 16 * 128 + 32 * 128) * 3 * 2);
  const json qwen = cache("qwen3-next-80b-a3b", "262144", "fp8");
  CHECK(qwen["state_bytes"].get<double>() == state);
  CHECK(qwen["bytes_per_sequence"].get<double>() == state + 12.0 * 262144 * 2 * 2 * 256);
  // Jamba: one layer of eight attends; 63 keep 16384 x 16 floats.
  const json jamba = cache("jamba-1.5-large", "1000", "bf16");
  CHECK(jamba["bytes_per_token"].get<double>() == 9.0 * 2 * 8 * 128 * 2);
  CHECK(jamba["state_bytes"].get<double>() == 63.0 * (16384 * 16 * 4 + 16384 * 3 * 2));
}

TEST_CASE("a 70B model on a DGX Spark: the figures that circulate, checked", "[app]") {
  const TempDir dir;
  const fs::path llama = config_only(dir, "llama-3.3-70b");
  // "35 GB" are the codes of all parameters; 40 to 45 in practice is right.
  const Planned fp4 =
      plan(llama, {"--to", "nvfp4", "--ctx", "32768", "--batch", "4", "--kv", "fp8", "--machine", "spark"});
  CHECK(fp4.status == 0);
  CHECK(fp4.all["fits"] == true);
  CHECK(gb(fp4.model["weights"]["bytes"]) == about(42.7, 0.001));
  CHECK(gb(fp4.model["weights"]["codes_bytes"]) == about(68.45104128 / 2, 1e-9));
  CHECK(gb(fp4.model["weights"]["scales_bytes"]) == about(68.45104128 / 16, 1e-6));
  CHECK(gb(fp4.model["cache"]["bytes"]) == about(21.5));
  CHECK(fp4.model["tokens_per_s"].get<double>() == about(6.7));
  CHECK(fp4.model["tokens_per_s_measured_bandwidth"].get<double>() == about(6.7 * 232 / 273, 0.01));
  // "KV cache of 70B at 32K is 40 GB+": that is four sequences in 16 bits.
  const Planned half = plan(llama, {"--ctx", "32768", "--kv", "bf16"});
  CHECK(gb(half.model["cache"]["bytes_per_sequence"]) == about(10.7));
  CHECK(gb(plan(llama, {"--ctx", "32768", "--kv", "f16", "--batch", "4"}).model["cache"]["bytes"]) ==
        about(42.9));
  // "140 GB fits with breathing room": it does not. 273 / 140 is right for its ceiling.
  CHECK(half.status == 2);
  CHECK(gb(half.model["weights"]["bytes"]) == about(141.1));
  CHECK(half.model["tokens_per_s"].get<double>() == about(1.96));
  CHECK(plan(llama, {"--to", "fp8"}).model["tokens_per_s"].get<double>() == about(3.87));
  // "15 to 20 tokens/s": impossible for one sequence. 4.0 to 4.2 were measured (dgx-spark-playbooks#79).
  CHECK(plan(llama, {"--to", "nvfp4", "--at-least", "15"}).status == 2);
  CHECK(plan(llama, {"--to", "nvfp4", "--at-least", "4.2"}).status == 0);
  const Outcome claim = nvq({"plan", llama.string(), "--to", "nvfp4", "--at-least", "20"});
  CHECK(claim.out.find("20.0 tokens/s of one sequence cannot be") != std::string::npos);
}

TEST_CASE("larger models on a DGX Spark", "[app]") {
  const TempDir dir;
  // 105 B: 3.1 tokens/s were measured on two of them, and 840 linear layers quantized.
  const fs::path anubis = config_only(dir, "anubis-pro-105b");
  CHECK(plan(anubis, {"--to", "nvfp4", "--at-least", "3.1"}).status == 0);
  CHECK(plan(anubis, {"--to", "nvfp4"}).model["tokens_per_s"].get<double>() == about(4.56));
  // "200B fits with room to spare": 200e9 x 0.5625 = 112.5 GB would leave 18 GB. But the system takes 10 of
  // them, and a 128,256-token embedding and head stay in 16 bits.
  const Planned dense = plan(config_only(dir, "dense-200b"), {"--to", "nvfp4"});
  CHECK(dense.status == 2);
  CHECK(gb(dense.model["weights"]["codes_bytes"]) + gb(dense.model["weights"]["scales_bytes"]) ==
        about((198.65264 - 2 * 128256 * 16384e-9) * 0.5625, 1e-4));
  CHECK(gb(dense.model["weights"]["kept_bytes"]) == about(2 * 2 * 128256 * 16384e-9, 1e-3));
  CHECK(gb(dense.all["need_bytes"]) - gb(dense.all["machine"]["usable_bytes"]) == about(1.7, 0.3));
  // "Jamba 1.5 Large": 398 B are too many, even for two.
  const fs::path jamba = config_only(dir, "jamba-1.5-large");
  CHECK(plan(jamba, {"--to", "nvfp4"}).status == 2);
  CHECK(plan(jamba, {"--to", "nvfp4", "--devices", "2", "--ctx", "262144"}).status == 2);
  // Two precisions of the same 70B do not fit at the same time.
  const std::string llama = config_only(dir, "llama-3.3-70b").string();
  const Outcome both = nvq({"plan", llama, llama, "--to", "fp8", "--json"});
  CHECK(both.status == 2);
  CHECK(json::parse(both.out)["models"].size() == 2);
  CHECK(json::parse(both.out)["need_bytes"].get<double>() > 145e9);
}

TEST_CASE("of experts only those chosen are read", "[app]") {
  const TempDir dir;
  const json m = plan(config_only(dir, "mixtral-8x7b"), {"--kv", "bf16", "--ctx", "1"}).model;
  // Two of eight experts, attention, norms, routers and the head; not the embedding.
  const double expert = 3.0 * 4096 * 14336, embedding = 32000.0 * 4096;
  const double rest = 46702792704.0 - embedding - 32 * 8 * expert;
  CHECK(m["bytes_per_token"].get<double>() == about(2 * (rest + 32 * 2 * expert), 1e-9));
  // Two tokens that choose two of eight each reach 8 x (1 - (3/4)^2) = 3.5 of them.
  const json& two = m["speeds"][1];
  REQUIRE(two["batch"] == 2);
  CHECK(two["bytes_per_step"].get<double>() == about(2 * (rest + 32 * 3.5 * expert) + 2 * 131072.0, 1e-9));
  CHECK(two["tokens_per_s"].get<double>() == about(2 * 273e9 / two["bytes_per_step"].get<double>(), 1e-9));
}

TEST_CASE("planned bytes are those that nvq quantize writes", "[app]") {
  const TempDir dir;
  const std::string source = shared_model().string();
  const std::vector<std::vector<std::string>> ways = {
      {"nvfp4", "compressed-tensors"},    {"nvfp4", "modelopt"},
      {"mxfp4", "compressed-tensors"},    {"fp8", "compressed-tensors"},
      {"int4_g32", "compressed-tensors"}, {"fp8_block", "modelopt"}};
  for (const auto& way : ways) {
    INFO(way[0] << ' ' << way[1]);
    const fs::path out = dir / (way[0] + way[1]);
    REQUIRE(
        nvq({"quantize", source, out.string(), "--format", way[0], "--dialect", way[1], "--quiet"}).status ==
        0);
    std::int64_t bytes = 0;
    for (const auto& [name, t] : read_checkpoint(out)) bytes += static_cast<std::int64_t>(t.bytes.size());
    const json planned = plan(source, {"--to", way[0], "--dialect", way[1]}).model;
    CHECK(planned["shapes"] == "headers");
    CHECK(planned["weights"]["bytes"] == bytes);
    // What is there already is told apart the same way.
    const json stored = plan(out, {}).model;
    CHECK(stored["classes"] == planned["classes"]);
    CHECK(stored["file_overhead_bytes"] ==
          static_cast<std::int64_t>(fs::file_size(out / "model.safetensors")) - bytes);
  }
}

TEST_CASE("config.json alone gives the figures of the headers", "[app]") {
  const TempDir dir;
  fs::create_directories(dir / "bare");
  fs::copy_file(shared_model() / "config.json", dir / "bare" / "config.json");
  const json whole = plan(shared_model(), {"--to", "nvfp4"}).model,
             bare = plan(dir / "bare", {"--to", "nvfp4"}).model;
  CHECK(bare["shapes"] == "config.json");
  for (const char* key : {"classes", "parameters", "cache", "tokens_per_s"}) CHECK(bare[key] == whole[key]);
}

TEST_CASE("machines: known ones, several, and one's own", "[app]") {
  const TempDir dir;
  const fs::path llama = config_only(dir, "llama-3.3-70b");
  CHECK(plan(llama, {"--machine", "h100"}).status == 2);
  const Planned two = plan(llama, {"--machine", "h100", "--devices", "2"});
  CHECK(two.status == 0);
  CHECK(two.model["tokens_per_s"].get<double>() == about(2 * 3350 / 139.0, 0.001));
  write_file(dir / "mine.json",
             R"({"name": "mine", "usable_gib": 100, "reserve_gb": 7, "gb_per_s": 100, "bf16_tflops": 10})");
  const Planned own = plan(llama, {"--machine", (dir / "mine.json").string(), "--to", "nvfp4", "--ctx", "1",
                                   "--usd-per-hour", "3.6"});
  CHECK(own.status == 0);
  CHECK(own.all["machine"]["usable_bytes"].get<double>() == 107374182400.0);
  CHECK(own.all["machine"]["reserve_bytes"].get<double>() == 7e9);
  // Beyond its 10 TFLOPS a larger batch gains nothing: 10e12 / (2 x 69.5e9) tokens/s.
  const json& last = own.model["speeds"].back();
  CHECK(last["batch"] == 64);
  CHECK(last["limit"] == "arithmetic");
  CHECK(last["tokens_per_s"].get<double>() == about(71.94, 1e-3));
  CHECK(last["usd_per_million_tokens"].get<double>() == about(3.6 / 3600 / 71.94 * 1e6, 1e-3));
  CHECK(nvq({"plan", "--machines"}).out.find("antirez/ds4#773") != std::string::npos);
}

TEST_CASE("plans that cannot be made say why", "[app]") {
  const TempDir dir;
  const auto message = [&](const std::string& config, std::vector<std::string> options = {}) {
    fs::create_directories(dir / "m");
    write_file(dir / "m" / "config.json", config);
    options.insert(options.begin(), {"plan", (dir / "m").string()});
    const Outcome done = nvq(options);
    CHECK(done.status == 1);
    return done.err;
  };
  const auto plan_of = [&](const std::string& config) {
    write_file(dir / "m" / "config.json", config);
    return nvq({"plan", (dir / "m").string()}).status;
  };
  const auto has = [](const std::string& text, const char* part) {
    INFO(text);
    CHECK(text.find(part) != std::string::npos);
  };
  const std::string sizes =
      R"("num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4, "vocab_size": 32)";
  const std::string llama = R"({"model_type": "llama", "intermediate_size": 96, )" + sizes + "}";
  has(message("{}"), "it has no num_hidden_layers");
  has(message(R"({"model_type": "strange", )" + sizes + "}"), "known are llama, mistral");
  has(message(R"({"model_type": "llama", "layer_types": ["full_attention", "sparse"], )" + sizes + "}"),
      "layers of type 'sparse' are not known");
  has(message(R"({"model_type": "llama", "layer_types": ["full_attention"], )" + sizes + "}"),
      "fewer entries than there are layers");
  has(message(R"({"model_type": "llama", "layer_types": ["sliding_attention", "full_attention"], )" + sizes +
              "}"),
      "no window");
  has(message(R"({"model_type": "llama", "num_key_value_heads": -8, )" + sizes + "}"), "not plausible");
  has(message(R"({"model_type": "llama", "intermediate_size": 9000000000000, )" + sizes + "}"),
      "not plausible");
  // What would overflow when it is multiplied or added.
  const std::string most = "9223372036854775807";
  has(message(
          R"({"model_type": "deepseek_v3", "kv_lora_rank": 8, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8,
                  "v_head_dim": 8, "n_routed_experts": 2, "num_experts_per_tok": 1, "moe_intermediate_size": 64,
                  "n_shared_experts": )" +
          most + ", " + sizes + "}"),
      "n_shared_experts is not plausible");
  has(message(
          R"({"model_type": "jamba", "layers_block_type": ["mamba", "mamba"], "mamba_d_state": 16, "mamba_dt_rank": )" +
          most + ", " + sizes + "}"),
      "mamba_dt_rank is not plausible");
  has(message(R"({"model_type": "qwen3_next", "layer_types": ["linear_attention", "linear_attention"],
                  "linear_num_key_heads": 65536, "linear_num_value_heads": 65536, "linear_key_head_dim": 65536,
                  "linear_value_head_dim": 65536, )" +
              sizes + "}"),
      "state of its recurrent layers");
  CHECK(
      plan_of(
          R"({"model_type": "llama", "intermediate_size": 96, "num_kv_shared_layers": -9223372036854775808, )" +
          sizes + "}") == 0);
  has(message(R"({"model_type": "mixtral", "num_local_experts": 8, )" + sizes + "}"),
      "does not say how many a token uses");
  has(message(llama, {"--machine", "abacus"}), "known are spark,");
  has(message(llama, {"--kv", "int3"}), "known are bf16, f16, fp8 and nvfp4");
  has(message(llama, {"--to", "nvfp5"}), "unknown format 'nvfp5'");
  write_file(dir / "bad.json", R"({"usable_gib": "many", "gb_per_s": 1})");
  has(message(llama, {"--machine", (dir / "bad.json").string()}), "usable_gib must be a number");
  CHECK(nvq({"plan", (dir / "m").string(), "--ctx", "0"}).status == 2);
  CHECK(nvq({"plan", (dir / "none").string()}).status == 1);
  CHECK(nvq({"plan"}).status == 1);
}
