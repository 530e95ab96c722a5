// SPDX-License-Identifier: Apache-2.0
// nvq verify --fix: a call that fails leaves all files as they were, and the same command then repairs them.
#include "app/verify.hpp"
#include "faulty.hpp"
#include "support/catch.hpp"

using namespace test;

namespace {

const std::string attn = "model.layers.1.self_attn.";

/// Two shards, in want of every repair: a scale of zero and one that is missing, tensor scales apart by a power of
/// two with room for it, no hf_quant_config.json, and a list and an index that miss something.
Ckpt spoiled() {
  Ckpt c = checkpoint_of("modelopt-nvfp4");
  c.tensors.erase("model.layers.0.mlp.up_proj.input_scale");
  c[attn + "q_proj.input_scale"] = scalar(0);
  for (const char* p : {"q_proj", "k_proj", "v_proj"})
    c[attn + p + ".weight_scale"] = random_bytes("F8_E4M3", {128, 8}, 3, 0x40, 0x77);
  const float own = value_at<float>(c[attn + "k_proj.weight_scale_2"].bytes, 0);
  c[attn + "k_proj.weight_scale_2"] = scalar(own / 8);
  c.q()["ignore"] = json::array({"lm_head", "model.layers.7.mlp.gate"});
  c.hf_quant_config["quantization"]["exclude_modules"] = c.q()["ignore"];
  c.hf_quant_config["quantization"].erase("kv_cache_quant_algo");
  return c;
}

void write_spoiled(const fs::path& directory) {
  spoiled().write(directory, true);
  const fs::path index = directory / "model.safetensors.index.json";
  json j = read_json(index);
  j["metadata"]["total_size"] = 1;
  j["weight_map"].erase("lm_head.weight");
  write_file(index, j.dump());
}

/// The file system has no links: renaming does as well.
bool harmless(const Call& c) { return c.name == "link"; }

}  // namespace

TEST_CASE("verify --fix: each call that fails leaves the checkpoint as it was", "[faults]") {
  const TempDir dir;
  write_spoiled(dir / "spoiled");
  const auto before = files_of(dir / "spoiled");
  const auto begin = [&] {
    fs::remove_all(dir / "c");
    fs::copy(dir / "spoiled", dir / "c", fs::copy_options::recursive);
  };
  Faulty faulty(dir / "c");
  for (const std::string action : {"input-scale=0.5", "shared-scales", "ignore", "config", "index"}) {
    const std::vector<std::string> command = {"verify", (dir / "c").string(), "--fix", action};
    begin();
    const Outcome done = faulty.run(command, 0, 0);
    INFO(action << ": " << done.out << done.err);
    REQUIRE(contains(done.out, "fixed "));
    REQUIRE(!contains(done.out, "not fixed "));
    const auto expected = files_of(dir / "c");
    for (const auto& [name, bytes] : before)
      CHECK((expected.at(name) == bytes || expected.at(name + ".orig") == bytes));
    const int count = static_cast<int>(faulty.calls().size());
    CHECK(count >= 6);
    for (const char* name : {"open", "pwrite", "fsync", "close", "link", "rename"}) {
      INFO(name);
      CHECK(faulty.names().count(name) == 1);
    }
    for (int n = 1; n <= count; ++n) {
      begin();
      const int error = error_of(n);
      const Outcome no = faulty.run(command, n, error);
      const Call call = faulty.failed(n);
      INFO(n << ": " << call.name << ' ' << call.path << ": " << no.err);
      if (harmless(call)) {
        CHECK(no.status == done.status);
      } else {
        check_refusal(no, dir / "c", error, 2);
        CHECK(files_of(dir / "c") == before);
        CHECK(nvq(command).status == done.status);
      }
      CHECK(files_of(dir / "c") == expected);
    }
  }
}

TEST_CASE("verify --fix says which repairs were done before one that failed", "[faults]") {
  const TempDir dir;
  write_spoiled(dir / "c");
  Faulty faulty(dir / "c" / "model.safetensors.index.json");
  const Outcome no = faulty.run({"verify", (dir / "c").string(), "--fix", "ignore,index"}, 1, error_of(1));
  check_refusal(no, dir / "c", error_of(1), 2);
  CHECK(contains(no.err, "done before: ignore: "));
  CHECK(fs::exists(dir / "c" / "config.json.orig"));

  write_file(dir / "c" / "model.safetensors.index.json.partial", "");
  const Outcome twice = nvq({"verify", (dir / "c").string(), "--fix", "index"});
  CHECK(twice.status == 2);
  CHECK(contains(twice.err, "another repair is writing it or was killed"));
  CHECK(fs::exists(dir / "c" / "model.safetensors.index.json.partial"));
}
