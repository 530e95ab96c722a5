// SPDX-License-Identifier: Apache-2.0
// Regular expressions of configurations, which may be made to take forever.
#include <chrono>

#include "support/catch.hpp"
#include "verify.hpp"

using namespace test;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// What `nvq verify` says of an entry of the ignore list.
std::string said_of(const std::string& entry) {
  Ckpt c = checkpoint_of("nvfp4-pack-quantized");
  c.q()["ignore"].push_back(entry);
  const Verdict v = examine(c);
  INFO(v.all() << v.err);
  CHECK(v.status != 2);
  for (const json& f : v.report["findings"])
    if (f["subject"] == entry) return f["seen"];
  return {};
}

}  // namespace

TEST_CASE("patterns that could take forever do not", "[app][verify]") {
  const auto begin = std::chrono::steady_clock::now();
  // One way after the other there are more than 2^30 of them through "model.layers.0.self_attn.q_proj".
  CHECK(contains(said_of("re:(([a-z._0-9]*)*)*!$"), "matches no module"));
  CHECK(contains(said_of("re:(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)!$"), "matches no module"));
  CHECK(contains(said_of("model*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b"), ""));
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(60));
}

TEST_CASE("patterns that would take too much memory are told", "[app][verify]") {
  const std::string why = "not matched here: it is longer than 4096 characters";
  CHECK(contains(said_of("re:(a?){30000}"), why));
  CHECK(contains(said_of("re:((a?){100}){100}"), why));
  CHECK(contains(said_of("re:" + std::string(5000, '(') + std::string(5000, ')')), why));
  CHECK(contains(said_of("re:(?P<name>x)"), "not matched here"));
  CHECK(contains(said_of("re:["), "not matched here"));
}

TEST_CASE("patterns that occur are matched", "[app][verify]") {
  // Layers that are kept although no list has them are an error; each of these has them.
  for (const char* entry : {"re:.*layers\\.[01]\\.mlp\\.(gate|up|down)_proj$", "re:^(?!.*self_attn).*_proj$",
                            "re:model\\.layers\\.\\d{1,3}\\.mlp"}) {
    Ckpt c = checkpoint_of("nvfp4-pack-quantized");
    for (const std::string layer : {"0", "1"})
      for (const std::string leaf : {"gate", "up", "down"}) {
        const std::string module = "model.layers." + layer + ".mlp." + leaf + "_proj.";
        const std::vector<std::int64_t> packed = c[module + "weight_packed"].shape;
        for (const char* part :
             {"weight_packed", "weight_scale", "weight_global_scale", "input_global_scale"})
          c.tensors.erase(module + part);
        c.tensors[module + "weight"] = weights("BF16", packed[0], packed[1] * 2, 1);
      }
    CHECK(examine(c).status == 1);
    c.q()["ignore"].push_back(entry);
    const Verdict v = examine(c);
    INFO(entry << ": " << v.all());
    CHECK(v.status == 0);
  }
}

TEST_CASE("a target that cannot be matched ends the command", "[app]") {
  const TempDir dir;
  Ckpt c = checkpoint_of("nvfp4-pack-quantized");
  c.q()["config_groups"]["group_0"]["targets"] = {"re:(a?){30000}"};
  c.write(dir / "m");
  const Outcome no = nvq({"dequantize", (dir / "m").string(), (dir / "out").string()});
  CHECK(no.status == 1);
  CHECK(contains(no.err, "target 're:(a?){30000}' cannot be matched: it is longer than"));
}
