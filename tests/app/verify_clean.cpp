// SPDX-License-Identifier: Apache-2.0
// No false alarms: `nvq verify` finds nothing in checkpoints that are right.
#include <algorithm>
#include <iterator>

#include "support/catch.hpp"
#include "verify.hpp"

using namespace test;

TEST_CASE("clean checkpoints of every dialect have no findings", "[app][verify]") {
  for (const std::string& dialect : dialect_names())
    for (const bool experts : {false, true}) {
      const TempDir dir;
      checkpoint_of(dialect, experts).write(dir / "c", experts);
      const Verdict v = examine(dir / "c");
      INFO(dialect << (experts ? ", experts: " : ": ") << v.all());
      CHECK(v.status == 0);
      CHECK(v.report["findings"].empty());
      CHECK(v.report["quantized_weights"].get<int>() >= 4);
      CHECK(v.report["bytes_read"]["codes"] == 0);
    }
}

TEST_CASE("what nvq quantize writes has no findings", "[app][verify]") {
  for (const std::string format : {"nvfp4", "mxfp4", "mxfp6", "mxfp8", "fp8", "fp8_row", "fp8_block", "int8",
                                   "int4", "int4_g64", "int4_g32", "int4_row"})
    for (const std::string dialect : {"compressed-tensors", "modelopt"}) {
      const TempDir dir;
      if (nvq({"quantize", shared_model().string(), (dir / "q").string(), "--format", format, "--dialect",
               dialect})
              .status != 0) {
        CHECK(dialect == "modelopt");
        continue;
      }
      const Verdict v = examine(dir / "q");
      INFO(format << ' ' << dialect << ": " << v.all());
      CHECK(v.status == 0);
      CHECK(v.report["quantized_weights"] == 28);
    }
}

TEST_CASE("stacked experts that stay plain are in the list by the name of their module", "[app][verify]") {
  const TempDir dir;
  Ckpt c = plain_model(true);
  for (auto at = c.tensors.begin(); at != c.tensors.end();)
    at = at->first.find(".experts.") != std::string::npos ? c.tensors.erase(at) : std::next(at);
  for (const char* layer : {"model.layers.0.", "model.layers.1."}) {
    Raw up = weights("BF16", 512, 512, 1), down = weights("BF16", 512, 256, 2);
    up.shape = {4, 128, 512};
    down.shape = {4, 256, 128};
    c.tensors[std::string(layer) + "mlp.experts.gate_up_proj"] = up;
    c.tensors[std::string(layer) + "mlp.experts.down_proj"] = down;
  }
  c.config["model_type"] = "gpt_oss";
  c.write(dir / "m");
  const Outcome done = nvq({"quantize", (dir / "m").string(), (dir / "q").string()});
  INFO(done.err);
  REQUIRE(done.status == 0);
  Verdict v = examine(dir / "q", {"--source", (dir / "m").string()});
  INFO(v.all());
  CHECK(v.status == 0);
  CHECK(v.report["quantized_weights"] == 8);

  json config = read_json(dir / "q" / "config.json");
  json& ignore = config["quantization_config"]["ignore"];
  ignore.erase(std::find(ignore.begin(), ignore.end(), "model.layers.1.mlp.experts"));
  write_file(dir / "q" / "config.json", config.dump());
  v = examine(dir / "q");
  CHECK(v.found("V8", "model.layers.1.mlp.experts.gate_up_proj"));
  CHECK(!v.found("V8", "model.layers.0.mlp.experts.gate_up_proj"));
}

TEST_CASE("a checkpoint that is not quantized has no findings", "[app][verify]") {
  const Verdict v = examine(plain_model(true));
  INFO(v.all());
  CHECK(v.status == 0);
  CHECK(v.report["format"] == "not quantized");
}

TEST_CASE("what exporters add without harm is no finding", "[app][verify]") {
  // bitsandbytes lists modules of other families; static quantizers store zero points that are zero; a tied
  // head has no tensor but is listed; a module has more entries than those that quantization reads.
  Ckpt bnb = checkpoint_of("bitsandbytes");
  bnb.q()["llm_int8_skip_modules"] = {"lm_head", "multi_modal_projector", "merger"};
  Ckpt zero = checkpoint_of("float-quantized-tensor");
  zero.tensors["model.layers.0.self_attn.q_proj.input_zero_point"] = {"F8_E4M3", {1}, std::string(1, '\0')};
  Ckpt tied = checkpoint_of("modelopt-nvfp4");
  tied.config["tie_word_embeddings"] = true;
  tied.tensors.erase("lm_head.weight");
  Ckpt bias = checkpoint_of("gptq");
  bias.tensors["model.layers.0.self_attn.q_proj.bias"] = constant("F16", {128}, 0.5f);
  Ckpt producer = checkpoint_of("nvfp4-pack-quantized");
  producer.q()["producer"] = "me";
  for (const Ckpt& c : {bnb, zero, tied, bias, producer}) {
    const Verdict v = examine(c);
    INFO(v.all());
    CHECK(v.status == 0);
  }
}

TEST_CASE("a KV cache that is quantized and declared has no findings", "[app][verify]") {
  Ckpt c = checkpoint_of("modelopt-nvfp4");
  c.q()["kv_cache_scheme"] = {{"dynamic", false}, {"num_bits", 8}, {"type", "float"}};
  c.hf_quant_config["quantization"]["kv_cache_quant_algo"] = "FP8";
  for (const std::string layer : {"0", "1"})
    for (const std::string which : {"k", "v"})
      c.tensors["model.layers." + layer + ".self_attn." + which + "_proj." + which + "_scale"] =
          scalar(0.01f);
  const Verdict v = examine(c);
  INFO(v.all());
  CHECK(v.status == 0);
}

TEST_CASE("what TensorRT-LLM reads has no findings for it", "[app][verify]") {
  // Of compressed-tensors: quant_config_utils.py, which wants quantized activations for NVFP4 and FP8.
  for (const char* dialect : {"modelopt-nvfp4", "modelopt-nvfp4-a16", "deepseek-fp8", "nvfp4-pack-quantized",
                              "float-quantized-channel", "float-quantized-block", "mxfp4-pack-quantized"}) {
    const Verdict v = examine(checkpoint_of(dialect), {"--target", "trtllm"});
    INFO(dialect << ": " << v.all());
    CHECK(v.status == 0);
  }
}

TEST_CASE("cuts that fit have no findings", "[app][verify]") {
  for (const std::string& dialect : dialect_names()) {
    const bool tiles = dialect.find("block") != std::string::npos || dialect == "deepseek-fp8" ||
                       dialect.find("pb_wo") != std::string::npos;
    const Verdict v = examine(checkpoint_of(dialect), {"--tp", tiles ? "1" : "1,2", "--target", "vllm"});
    INFO(dialect << ": " << v.all());
    CHECK(v.status == 0);
  }
}
