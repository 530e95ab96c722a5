// SPDX-License-Identifier: Apache-2.0
// No false alarms: `nvq verify` finds nothing in checkpoints that are right.
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

TEST_CASE("a checkpoint that is not quantized has no findings", "[app][verify]") {
  const Verdict v = examine(plain_model(true));
  INFO(v.all());
  CHECK(v.status == 0);
  CHECK(v.report["format"] == "not quantized");
}
