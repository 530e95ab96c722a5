// SPDX-License-Identifier: Apache-2.0
// Activation scales that point the wrong way, behind a norm whose weights say what can come out of it.
#include <cmath>

#include "support/catch.hpp"
#include "verify.hpp"

using namespace test;

namespace {

const std::string layer = "model.layers.1.";

void set_scale(Ckpt& c, const std::string& module, float x) {
  Raw& t = c[layer + module];
  std::memcpy(t.bytes.data(), &x, 4);
}

}  // namespace

TEST_CASE("flipped activation scales behind a norm are found", "[app][verify]") {
  // FP8: amax 22.4 becomes 8960, far from the limit of half precision.
  Ckpt c = checkpoint_of("modelopt-fp8");
  for (const char* p : {"q_proj", "k_proj", "v_proj"})
    set_scale(c, "self_attn." + std::string(p) + ".input_scale", 1 / 0.05f);
  for (const char* p : {"gate_proj", "up_proj"})
    set_scale(c, "mlp." + std::string(p) + ".input_scale", 1 / 0.05f);
  Verdict v = examine(c);
  INFO(v.all());
  CHECK(v.status == 1);
  CHECK(v.report["findings"].size() == 5);
  for (const char* p :
       {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "mlp.gate_proj", "mlp.up_proj"})
    CHECK(v.found("V4", layer + p + ".input_scale"));

  // compressed-tensors divides: amax 1000 becomes 7225.
  c = checkpoint_of("nvfp4-pack-quantized", true);
  for (const char* p : {"q_proj", "k_proj", "v_proj"})
    set_scale(c, "self_attn." + std::string(p) + ".input_global_scale", 1000.0f / 2688);
  v = examine(c);
  INFO(v.all());
  CHECK(v.report["findings"].size() == 3);
  CHECK(v.found("V4", layer + "self_attn.k_proj.input_global_scale"));
}

TEST_CASE("large activations that can be are no findings", "[app][verify]") {
  const auto clean = [](const std::function<void(Ckpt&)>& change) {
    Ckpt c = checkpoint_of("modelopt-fp8");
    change(c);
    const Verdict v = examine(c);
    INFO(v.all());
    CHECK(v.status == 0);
  };
  const auto behind_norms = [](Ckpt& c, float scale) {
    for (const char* p : {"q_proj", "k_proj", "v_proj"})
      set_scale(c, "self_attn." + std::string(p) + ".input_scale", scale);
  };
  // An input that nobody measured, and one that massive weights of the norm make: 128 values, so at most sqrt(128) * 896.
  clean([&](Ckpt& c) { behind_norms(c, 1); });
  clean([&](Ckpt& c) {
    c[layer + "input_layernorm.weight"] = constant("BF16", {128}, 896);
    behind_norms(c, std::sqrt(128.0f) * 896 / 448);
  });
  // What follows no norm: o and down have had inputs of thousands.
  clean([&](Ckpt& c) {
    set_scale(c, "mlp.down_proj.input_scale", 40);
    set_scale(c, "self_attn.o_proj.input_scale", 40);
  });
  // Architectures with norms of outputs: what comes after attention is not before the feed-forward layer.
  clean([&](Ckpt& c) {
    c.tensors[layer + "post_feedforward_layernorm.weight"] = constant("BF16", {128}, 1);
    for (const char* p : {"gate_proj", "up_proj"}) set_scale(c, "mlp." + std::string(p) + ".input_scale", 40);
  });
  clean([&](Ckpt& c) {
    c.tensors.erase(layer + "input_layernorm.weight");
    behind_norms(c, 40);
  });
}
