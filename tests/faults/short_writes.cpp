// SPDX-License-Identifier: Apache-2.0
// A write may store less than it was given, and say so: what is left is written by the next.
#include <algorithm>

#include "faulty.hpp"
#include "support/catch.hpp"

using namespace test;

namespace {

std::ptrdiff_t writes(const std::vector<Call>& calls) {
  return std::count_if(calls.begin(), calls.end(),
                       [](const Call& c) { return c.name == "write" || c.name == "pwrite"; });
}

/// Runs a command that makes `out` both ways, beginning anew each time.
template <class Begin>
void check_short(const std::vector<std::string>& command, const fs::path& out, Begin begin) {
  INFO(command[0]);
  Faulty faulty(out);
  begin();
  REQUIRE(faulty.run(command, 0, 0).status < 2);
  const std::ptrdiff_t whole = writes(faulty.calls());
  const auto expected = files_of(out);
  begin();
  const Outcome done = faulty.run_short(command);
  INFO(done.err);
  CHECK(done.status < 2);
  CHECK(files_of(out) == expected);
  // Each was cut down to its last byte.
  CHECK(writes(faulty.calls()) > 4 * whole);
}

}  // namespace

TEST_CASE("writes that stop half way are gone on with", "[faults]") {
  const TempDir dir;
  write_sharded_model(dir / "m");
  const fs::path out = dir / "q";
  const auto anew = [&] { fs::remove_all(out); };
  const std::vector<std::string> quantize = {"quantize", (dir / "m").string(), out.string(), "--dialect",
                                             "modelopt"};
  check_short(quantize, out, anew);
  fs::rename(out, dir / "n");
  check_short({"dequantize", (dir / "n").string(), out.string()}, out, anew);
  check_short({"convert", (dir / "n").string(), out.string(), "--to", "compressed-tensors"}, out, anew);

  check_short({"verify", out.string(), "--fix", "index"}, out, [&] {
    anew();
    fs::copy(dir / "n", out, fs::copy_options::recursive);
    json index = read_json(out / "model.safetensors.index.json");
    index["weight_map"].erase(index["weight_map"].begin());
    write_file(out / "model.safetensors.index.json", index.dump());
  });

  anew();
  for (const char* share : {"0/2", "1/2"}) {
    auto rank = quantize;
    rank.insert(rank.end(), {"--shard", share});
    REQUIRE(nvq(rank).status == 0);
  }
  fs::rename(dir / "q.partial", dir / "parts");
  check_short({"merge", out.string()}, out, [&] {
    anew();
    fs::copy(dir / "parts", dir / "q.partial", fs::copy_options::recursive);
  });
}
