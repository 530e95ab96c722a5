// SPDX-License-Identifier: Apache-2.0
// Broken files: examined as far as possible. And what `nvq verify` reads, as the kernel counts it.
#include <sys/wait.h>
#include <unistd.h>

#include "support/catch.hpp"
#include "verify.hpp"

using namespace test;

namespace {

const std::string index_file = "model.safetensors.index.json";
const std::string first = "model-00001-of-00002.safetensors", second = "model-00002-of-00002.safetensors";

/// A clean sharded checkpoint, spoiled on disk.
Verdict spoiled(const std::function<void(const fs::path&)>& spoil) {
  const TempDir dir;
  checkpoint_of("modelopt-nvfp4").write(dir / "c", true);
  spoil(dir / "c");
  return examine(dir / "c");
}

void edit_index(const fs::path& c, const std::function<void(json&)>& edit) {
  json index = read_json(c / index_file);
  edit(index);
  write_file(c / index_file, index.dump());
}

/// Bytes that a process asked read() and pread() for, of everything it opened.
std::int64_t bytes_read_by(const std::vector<std::string>& arguments) {
  std::vector<std::string> text = {NVQ_APP};
  text.insert(text.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& a : text) argv.push_back(a.data());
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    if (std::freopen("/dev/null", "w", stdout) == nullptr) ::_exit(126);
    ::execv(NVQ_APP, argv.data());
    ::_exit(127);
  }
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);
  std::ifstream io("/proc/" + std::to_string(child) + "/io");
  std::string key;
  std::int64_t value = -1, read = -1;
  while (io >> key >> value)
    if (key == "rchar:") read = value;
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) <= 1);
  return read;
}

}  // namespace

TEST_CASE("an index that does not fit is found by the names that do not", "[app][verify]") {
  const std::string q = "model.layers.0.self_attn.q_proj.weight";
  Verdict v = spoiled([&](const fs::path& c) { edit_index(c, [&](json& i) { i["weight_map"].erase(q); }); });
  CHECK(v.found("V20", q));
  v = spoiled([&](const fs::path& c) { edit_index(c, [&](json& i) { i["weight_map"][q] = second; }); });
  CHECK(v.found("V20", q));
  v = spoiled([&](const fs::path& c) {
    edit_index(c, [&](json& i) { i["weight_map"]["model.gone.weight"] = first; });
  });
  CHECK(v.found("V20", "model.gone.weight"));
  v = spoiled([&](const fs::path& c) { edit_index(c, [&](json& i) { i["metadata"]["total_size"] = 1; }); });
  CHECK(v.found("V20", "metadata.total_size"));
  v = spoiled([&](const fs::path& c) { fs::remove(c / index_file); });
  CHECK(v.found("V20", index_file));
  v = spoiled([&](const fs::path& c) { write_file(c / index_file, "{"); });
  CHECK(v.found("V20", index_file));
  v = spoiled([&](const fs::path& c) { fs::remove(c / second); });
  CHECK(v.found("V20", second));
  v = spoiled([&](const fs::path& c) { fs::copy_file(c / first, c / "model-old.safetensors"); });
  CHECK(v.found("V20", q));
}

TEST_CASE("shards that are cut off or damaged are found, and the rest is examined", "[app][verify]") {
  const auto last_tensor = [](const fs::path& shard) {
    return std::prev(read_safetensors(shard).end())->first;
  };
  std::string last;
  Verdict v = spoiled([&](const fs::path& c) {
    last = last_tensor(c / second);
    fs::resize_file(c / second, fs::file_size(c / second) - 1);
  });
  CHECK(v.status == 1);
  CHECK(v.found("N-shard", second));
  CHECK(v.found("N-shard", last));
  CHECK(v.report["quantized_weights"] == 14);

  for (const std::string& bytes : {std::string("junk"), std::string(100, '\xff'),
                                   safetensors_bytes("{\"a\":", ""), safetensors_bytes("[]", "")}) {
    v = spoiled([&](const fs::path& c) { write_file(c / second, bytes); });
    CHECK(v.status == 1);
    CHECK(v.found("N-shard", second));
    CHECK(v.report["quantized_weights"].get<int>() >= 5);
  }
  // A hole and an overlap: every tensor is still there.
  for (const int shift : {-1, 1}) {
    v = spoiled([&](const fs::path& c) {
      const std::string all = read_file(c / second);
      const auto length = static_cast<std::size_t>(value_at<std::uint64_t>(all, 0));
      json header = json::parse(all.substr(8, length));
      json& offsets = std::prev(header.end()).value()["data_offsets"];
      for (json& o : offsets) o = o.get<std::int64_t>() + shift;
      write_file(c / second, safetensors_bytes(header.dump(), all.substr(8 + length) + "x"));
    });
    CHECK(v.found("N-shard", second));
    CHECK(v.report["quantized_weights"] == 14);
  }
}

TEST_CASE("files that loaders pick up by mistake are found", "[app][verify]") {
  Verdict v = spoiled([](const fs::path& c) { fs::copy_file(c / first, c / "consolidated.safetensors"); });
  CHECK(v.found("N-files", "consolidated.safetensors"));
  v = spoiled([](const fs::path& c) { write_file(c / "pytorch_model.bin", "x"); });
  CHECK(v.found("N-files", "pytorch_model.bin"));
  v = spoiled([](const fs::path& c) { write_file(c / "model-00003.safetensors.partial", "x"); });
  CHECK(v.found("N-files", "model-00003.safetensors.partial"));
}

TEST_CASE("configurations that cannot be read are found", "[app][verify]") {
  for (const std::string text : {"", "{,}", "[]", R"({"a":1,"a":2})"}) {
    const Verdict v = spoiled([&](const fs::path& c) { write_file(c / "config.json", text); });
    CHECK(v.status == 1);
    CHECK(v.found("N-config", "config.json"));
  }
  const Verdict v = spoiled([&](const fs::path& c) { fs::remove(c / "config.json"); });
  CHECK(v.found("N-config", "config.json"));
  CHECK(spoiled([&](const fs::path& c) {
          write_file(c / "hf_quant_config.json", "{");
        }).found("N-config", "hf_quant_config.json"));
}

TEST_CASE("what cannot be examined at all has status 2", "[app][verify]") {
  const TempDir dir;
  Outcome no = nvq({"verify", (dir / "nothing").string()});
  CHECK(no.status == 2);
  CHECK(no.err.find("not a directory") != std::string::npos);
  fs::create_directories(dir / "empty");
  CHECK(nvq({"verify", (dir / "empty").string()}).status == 2);
  checkpoint_of("awq").write(dir / "c");
  CHECK(nvq({"verify", (dir / "c").string(), "--target", "ollama"}).status == 2);
  CHECK(nvq({"verify", (dir / "c").string(), "--tp", "0"}).status == 2);
  CHECK(nvq({"verify", (dir / "c").string(), "--json", (dir / "no/such").string()}).status == 2);
  CHECK(nvq({"verify"}).status == 2);
  CHECK(nvq({"verify", (dir / "c").string()}).status == 0);
}

TEST_CASE("the text has errors first, counts, and what to do", "[app][verify]") {
  const TempDir dir;
  Ckpt c = checkpoint_of("modelopt-nvfp4");
  for (const std::string& module : linear_layers(plain_model())) c.tensors.erase(module + ".input_scale");
  c.hf_quant_config = nullptr;
  c.write(dir / "c");
  const Outcome done = nvq({"verify", (dir / "c").string(), "--json", (dir / "v.json").string()});
  CHECK(done.status == 1);
  const auto at = [&](const char* text) {
    INFO(text);
    const auto found = done.out.find(text);
    CHECK(found != std::string::npos);
    return found;
  };
  CHECK(at("error V1: activation scales missing or unusable (14 findings)") < at("warning N-mirror"));
  CHECK(at("... and 10 more") < at("consequence: vLLM runs W4A4"));
  at("--fix input-scale=1.0");
  at("14 errors, 1 warning; read ");
  CHECK(read_json(dir / "v.json")["findings"].size() == 15);
}

TEST_CASE("without a source no codes are read", "[app][verify]") {
#if !defined(__linux__)
  NVQ_SKIP("procfs", "the kernel's count of bytes read is in /proc on Linux");
#else
  // Codes of 4 MiB, 64 KiB of scales; the same layers once with small codes, for what starting costs.
  const auto io_of = [](std::int64_t width) {
    const TempDir dir;
    Ckpt c = plain_model();
    c.q() = checkpoint_of("pack-quantized").q();
    for (auto& group : c.q()["config_groups"]) group["weights"]["group_size"] = width / 16;
    for (const std::string& m : linear_layers(plain_model())) {
      c.tensors.erase(m + ".weight");
      c.tensors[m + ".weight_packed"] = {
          "I32", {128, width / 8}, std::string(static_cast<std::size_t>(64 * width), '\x11')};
      c.tensors[m + ".weight_scale"] = constant("BF16", {128, 16}, 0.01f);
      Raw shape{"I64", {2}, std::string(16, '\0')};
      const std::int64_t rows = 128;
      std::memcpy(shape.bytes.data(), &rows, 8);
      std::memcpy(shape.bytes.data() + 8, &width, 8);
      c.tensors[m + ".weight_shape"] = shape;
    }
    c.write(dir / "c");
    const Verdict v = examine(dir / "c");
    INFO(v.all());
    CHECK(v.status == 0);
    CHECK(v.report["bytes_read"]["codes"] == 0);
    return bytes_read_by({"verify", (dir / "c").string()});
  };
  const std::int64_t small = io_of(256), large = io_of(8192);
  if (small < 0) NVQ_SKIP("procfs", "/proc/PID/io cannot be read here");
  CHECK(small > 14 * 128 * 32);                // at least the scales
  CHECK(std::abs(large - small) < 16 * 1024);  // 14 weights, each half a MiB larger
#endif
}
