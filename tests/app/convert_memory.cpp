// SPDX-License-Identifier: Apache-2.0
// nvq convert holds buffers of what it copies, and parts of weights where their words are packed another way.
#include "support/catch.hpp"
#include "verify.hpp"

using namespace test;

#if defined(__SANITIZE_ADDRESS__)
#define NVQ_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NVQ_TEST_SANITIZED 1
#endif
#endif

namespace {

/// A model of one file of these tensors, all zeros but what `bytes` has.
[[maybe_unused]] void write_sparse(const fs::path& directory, const Tensors& tensors, const json& config) {
  fs::create_directories(directory);
  write_file(directory / "config.json", config.dump());
  json header = json::object();
  std::int64_t at = 0;
  std::vector<std::pair<std::int64_t, std::string>> known;
  for (const auto& [name, t] : tensors) {
    std::int64_t bytes = t.dtype == "I32" ? 4 : t.dtype == "F16" ? 2 : t.dtype == "F32" ? 4 : 1;
    for (const std::int64_t n : t.shape) bytes *= n;
    header[name] = {{"dtype", t.dtype}, {"shape", t.shape}, {"data_offsets", {at, at + bytes}}};
    known.emplace_back(at, t.bytes);
    at += bytes;
  }
  const fs::path file = directory / "model.safetensors";
  write_file(file, safetensors_bytes(header.dump(), ""));
  const auto begin = static_cast<std::int64_t>(fs::file_size(file));
  fs::resize_file(file, static_cast<std::uintmax_t>(begin + at));
  std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
  for (const auto& [offset, bytes] : known)
    out.seekp(begin + offset).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// "memory      12 MiB at most" of a run.
[[maybe_unused]] long mebibytes(const Outcome& done) {
  INFO(done.err << done.out);
  REQUIRE(done.status == 0);
  const auto at = done.out.find("memory");
  REQUIRE(at != std::string::npos);
  return std::stol(done.out.substr(at + 6));
}

const std::string module = "model.layers.0.mlp.up_proj";

}  // namespace

TEST_CASE("converting tensors of 256 MiB takes a fraction of that", "[app][convert]") {
#ifdef NVQ_TEST_SANITIZED
  NVQ_SKIP("sanitizer", "a sanitizer keeps what was freed");
#else
  const TempDir dir;
  const std::int64_t rows = 16384, columns = 32768;
  write_sparse(dir / "a",
               {{module + ".weight", {"U8", {rows, columns / 2}, {}}},
                {module + ".weight_scale", {"F8_E4M3", {rows, columns / 16}, {}}},
                {module + ".weight_scale_2", scalar(0.001f)}},
               {{"model_type", "llama"},
                {"quantization_config",
                 {{"quant_method", "modelopt"}, {"quant_algo", "W4A16_NVFP4"}, {"ignore", json::array()}}}});
  CHECK(mebibytes(nvq({"convert", (dir / "a").string(), (dir / "b").string(), "--to", "compressed-tensors",
                       "--threads", "2"})) < 64);
#endif
}

TEST_CASE("converting packed words keeps to --max-rss", "[app][convert]") {
#ifdef NVQ_TEST_SANITIZED
  NVQ_SKIP("sanitizer", "a sanitizer keeps what was freed");
#else
  const TempDir dir;
  const std::int64_t rows = 8192, columns = 8192;  // 32 MiB of codes each
  Tensors t;
  for (const char* layer : {"0", "1", "2", "3"}) {
    const std::string m = std::string("model.layers.") + layer + ".mlp.up_proj";
    t[m + ".qweight"] = {"I32", {columns, rows / 8}, {}};
    t[m + ".qzeros"] = {"I32", {columns / 128, rows / 8}, {}};
    t[m + ".scales"] = {"F16", {columns / 128, rows}, {}};
  }
  write_sparse(dir / "a", t,
               {{"model_type", "llama"},
                {"quantization_config",
                 {{"quant_method", "awq"},
                  {"bits", 4},
                  {"group_size", 128},
                  {"zero_point", true},
                  {"version", "gemm"}}}});
  CHECK(mebibytes(nvq({"convert", (dir / "a").string(), (dir / "b").string(), "--to", "compressed-tensors",
                       "--threads", "4", "--max-rss", "300M"})) < 300);
  const Outcome no =
      nvq({"convert", (dir / "a").string(), (dir / "c").string(), "--to", "gptq", "--max-rss", "100M"});
  CHECK(no.status == 1);
  CHECK(no.err.find("--max-rss: this model takes at least 153 MiB") != std::string::npos);
  CHECK(!fs::exists(dir / "c.partial"));
#endif
}
