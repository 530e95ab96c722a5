// SPDX-License-Identifier: Apache-2.0
// How much of a checkpoint `nvq verify` reads.
#include "app.hpp"
#include "support/catch.hpp"

using namespace test;

TEST_CASE("without a source, headers and scales are all that verify reads", "[app][verify]") {
  const TempDir dir;
  Tensors t;
  for (const char* leaf : {"q_proj", "k_proj", "v_proj", "o_proj"})
    t["model.layers.0.self_attn." + std::string(leaf) + ".weight"] = weights("BF16", 1024, 2048, 1);
  write_model(dir / "m", t);
  const fs::path out = dir / "q";
  REQUIRE(nvq({"quantize", (dir / "m").string(), out.string(), "--format", "fp8_row"}).status == 0);
  const Outcome alone = nvq({"verify", out.string()});
  if (alone.bytes_read < 0) NVQ_SKIP("proc", "the system does not tell what a process read");
  INFO(alone.out << alone.err);
  CHECK(alone.status != 2);
  // Codes are 8 MiB, scales 8 KiB.
  CHECK(alone.bytes_read < (1 << 20));
  CHECK(nvq({"verify", out.string(), "--source", (dir / "m").string()}).bytes_read > (8 << 20));
}
