// SPDX-License-Identifier: Apache-2.0
// nvq compare holds a few runs of rows, whatever the size of a tensor.
#include <sys/resource.h>

#include "app.hpp"
#include "support/catch.hpp"

using namespace test;

#if defined(__SANITIZE_ADDRESS__)
#define NVQ_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NVQ_TEST_SANITIZED 1
#endif
#endif

TEST_CASE("comparing a tensor of 256 MiB takes a fraction of that", "[app]") {
#ifdef NVQ_TEST_SANITIZED
  NVQ_SKIP("sanitizer", "a sanitizer keeps what was freed");
#else
  const TempDir dir;
  const std::int64_t rows = 16384, columns = 8192, bytes = rows * columns * 2;
  const json header = {{"model.layers.0.mlp.up_proj.weight",
                        {{"dtype", "BF16"}, {"shape", {rows, columns}}, {"data_offsets", {0, bytes}}}}};
  for (const char* name : {"a", "b"}) {
    fs::create_directories(dir / name);
    write_file(dir / name / "config.json", R"({"model_type": "llama"})");
    const fs::path file = dir / name / "model.safetensors";
    write_file(file, safetensors_bytes(header.dump(), ""));
    fs::resize_file(file, fs::file_size(file) + static_cast<std::uintmax_t>(bytes));  // sparse zeros
  }
  // One value differs, in the last row.
  std::FILE* f = std::fopen((dir / "b" / "model.safetensors").c_str(), "r+b");
  REQUIRE(f != nullptr);
  std::fseek(f, -1, SEEK_END);
  std::fputc(0x3F, f);  // BF16 0.5
  std::fclose(f);
  const Outcome done = nvq({"compare", (dir / "a").string(), (dir / "b").string(), "--threads", "2"});
  CHECK(done.status == 0);
  CHECK(done.out.find("1 compared, 1 differ") != std::string::npos);
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  INFO(usage.ru_maxrss << " KiB resident at most");
  CHECK(usage.ru_maxrss < 64 * 1024);
#endif
}
