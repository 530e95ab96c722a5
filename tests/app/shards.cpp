// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "app.hpp"
#include "support/catch.hpp"

using namespace test;

namespace {

/// The shared model in three shards, with the partners of fused layers torn apart.
void write_sharded(const fs::path& directory) {
  fs::create_directories(directory);
  fs::copy_file(shared_model() / "config.json", directory / "config.json");
  std::map<std::string, Tensors> shards;
  json index = {{"metadata", {{"total_size", 1}}}, {"weight_map", json::object()}};
  int n = 0;
  for (const auto& [name, t] : read_checkpoint(shared_model())) {
    const std::string file = "model-0000" + std::to_string(n++ % 3 + 1) + "-of-00003.safetensors";
    shards[file][name] = t;
    index["weight_map"][name] = file;
  }
  for (const auto& [file, tensors] : shards) write_safetensors(directory / file, tensors);
  write_file(directory / "model.safetensors.index.json", index.dump());
}

}  // namespace

TEST_CASE("a sharded model gives the same tensors as a whole one, and an index that is right", "[app]") {
  const TempDir dir;
  write_sharded(dir / "m");
  for (const std::string format : {"nvfp4", "fp8", "int4"}) {
    INFO(format);
    const auto whole = dir / (format + "-whole"), parts = dir / (format + "-parts");
    REQUIRE(nvq({"quantize", shared_model().string(), whole.string(), "--format", format}).status == 0);
    REQUIRE(nvq({"quantize", (dir / "m").string(), parts.string(), "--format", format}).status == 0);
    CHECK(read_checkpoint(whole) == read_checkpoint(parts));
    CHECK(!fs::exists(whole / "model.safetensors.index.json"));

    const json index = read_json(parts / "model.safetensors.index.json");
    std::set<std::string> files;
    std::size_t total = 0, tensors = 0;
    for (const auto& item : index["weight_map"].items()) files.insert(item.value().get<std::string>());
    CHECK(files == std::set<std::string>{"model-00001-of-00003.safetensors",
                                         "model-00002-of-00003.safetensors",
                                         "model-00003-of-00003.safetensors"});
    for (const std::string& file : files)
      for (const auto& [name, t] : read_safetensors(parts / file)) {
        CHECK(index["weight_map"][name] == file);
        total += t.bytes.size();
        ++tensors;
      }
    CHECK(index["metadata"]["total_size"] == total);
    CHECK(index["weight_map"].size() == tensors);
  }
}

TEST_CASE("decoding a sharded checkpoint gives the whole one's weights", "[app]") {
  const TempDir dir;
  write_sharded(dir / "m");
  REQUIRE(nvq({"quantize", (dir / "m").string(), (dir / "q").string()}).status == 0);
  REQUIRE(nvq({"quantize", shared_model().string(), (dir / "w").string()}).status == 0);
  REQUIRE(nvq({"dequantize", (dir / "q").string(), (dir / "qd").string()}).status == 0);
  REQUIRE(nvq({"dequantize", (dir / "w").string(), (dir / "wd").string()}).status == 0);
  CHECK(read_checkpoint(dir / "qd") == read_checkpoint(dir / "wd"));
  CHECK(read_json(dir / "qd" / "model.safetensors.index.json")["weight_map"].size() == 39);
}

TEST_CASE("shards and index that do not belong together are refused", "[app]") {
  const TempDir dir;
  write_sharded(dir / "m");
  const fs::path index_path = dir / "m" / "model.safetensors.index.json";
  const json index = read_json(index_path);
  const auto refusal = [&] {
    const Outcome no = nvq({"quantize", (dir / "m").string(), (dir / "q").string()});
    CHECK(no.status == 1);
    CHECK(!fs::exists(dir / "q"));
    CHECK(!fs::exists(dir / "q.partial"));
    return no.err;
  };

  json missing = index;
  missing["weight_map"]["model.norm.bias"] = "model-00001-of-00003.safetensors";
  write_file(index_path, missing.dump());
  CHECK(refusal().find("'model.norm.bias'") != std::string::npos);

  json extra = index;
  extra["weight_map"].erase("model.norm.weight");
  write_file(index_path, extra.dump());
  CHECK(refusal().find("'model.norm.weight' is not in model.safetensors.index.json") != std::string::npos);

  write_file(index_path, index.dump());
  fs::copy_file(shared_model() / "model.safetensors", dir / "m" / "model.safetensors");
  CHECK(refusal().find("stale") != std::string::npos);
  fs::remove(dir / "m" / "model.safetensors");

  const fs::path second = dir / "m" / "model-00002-of-00003.safetensors";
  Tensors twice = read_safetensors(second);
  const Tensors first = read_safetensors(dir / "m" / "model-00001-of-00003.safetensors");
  twice.insert(*first.begin());
  write_safetensors(second, twice);
  CHECK(refusal().find("'" + first.begin()->first + "' is also in") != std::string::npos);

  fs::remove(second);
  const std::string gone = refusal();
  CHECK(gone.find("model-00002-of-00003.safetensors") != std::string::npos);
  CHECK(gone.find("missing") != std::string::npos);
}
