// SPDX-License-Identifier: Apache-2.0
// quantize and what is like it. Every call that changes a file fails once: the command says so and exits with 1,
// nothing looks whole that is not, and the same command then makes the same bytes.
#include <algorithm>

#include "faulty.hpp"
#include "support/catch.hpp"

using namespace test;

namespace {

/// Nothing of the result depends on these: a file of an earlier run, of which there was none here, is removed before
/// it is made anew; the journal, or the ranks' parts, are removed, and a journal closed, when the directory is
/// complete and has its name.
bool harmless(const Call& c) {
  return c.name == "remove" || (c.name == "close" && contains(c.path, "nvq-journal.jsonl"));
}

std::map<std::string, std::string> result_of(const fs::path& directory) {
  auto all = files_of(directory);
  for (const char* name : {"nvq-journal.jsonl", "rank-0", "rank-1"}) all.erase(name);
  return all;
}

}  // namespace

TEST_CASE("quantize: each call that fails ends the run, which is gone on with", "[faults]") {
  const TempDir dir;
  write_sharded_model(dir / "m");
  const auto command = [&](const char* out) {
    return std::vector<std::string>{
        "quantize", (dir / "m").string(), (dir / out).string(), "--batch", "200K", "--threads", "1"};
  };
  REQUIRE(nvq(command("whole")).status == 0);
  const auto expected = files_of(dir / "whole");

  Faulty faulty(dir / "q");
  REQUIRE(faulty.run(command("q"), 0, 0).status == 0);
  const int count = static_cast<int>(faulty.calls().size());
  CHECK(count > 60);
  for (const char* name :
       {"mkdir", "open", "fallocate", "pwrite", "write", "fsync", "fdatasync", "rename", "close"}) {
    INFO(name);
    CHECK(faulty.names().count(name) == 1);
  }
  fs::remove_all(dir / "q");

  int resumed = 0;
  for (int n = 1; n <= count; ++n) {
    const int error = error_of(n);
    const Outcome no = faulty.run(command("q"), n, error);
    const Call call = faulty.failed(n);
    INFO(n << ": " << call.name << ' ' << call.path << ": " << no.err);
    if (harmless(call)) {
      CHECK(no.status == 0);
      CHECK(result_of(dir / "q") == expected);
    } else {
      check_refusal(no, dir / "q", error);
      CHECK(!fs::exists(dir / "q"));
      if (fs::exists(dir / "q.partial")) {
        ++resumed;
        CHECK(contains(no.err, "the same command goes on with it"));
      }
      const Outcome again = nvq(command("q"));
      INFO(again.err);
      REQUIRE(again.status == 0);
      CHECK(files_of(dir / "q") == expected);
    }
    CHECK(!fs::exists(dir / "q.partial"));
    fs::remove_all(dir / "q");
  }
  CHECK(resumed > count / 3);
}

TEST_CASE("dequantize and convert: each call that fails ends the run, and nothing stays", "[faults]") {
  const TempDir dir;
  write_sharded_model(dir / "source");
  const auto shared = std::vector<std::string>{"quantize", shared_model().string(), (dir / "int8").string(),
                                               "--format", "int8"};
  REQUIRE(nvq(shared).status == 0);
  REQUIRE(nvq({"quantize", (dir / "source").string(), (dir / "gptq").string(), "--dialect", "gptq"}).status ==
          0);
  for (const bool converts : {false, true}) {
    const auto command = [&](const char* out) {
      std::vector<std::string> all = {converts ? "convert" : "dequantize",
                                      (dir / (converts ? "gptq" : "int8")).string(), (dir / out).string(),
                                      "--threads", "1"};
      if (converts) all.insert(all.end(), {"--to", "compressed-tensors"});
      return all;
    };
    REQUIRE(nvq(command("whole")).status == 0);
    const auto expected = files_of(dir / "whole");
    Faulty faulty(dir / "q");
    REQUIRE(faulty.run(command("q"), 0, 0).status == 0);
    const int count = static_cast<int>(faulty.calls().size());
    CHECK(count > 20);
    fs::remove_all(dir / "q");
    for (int n = 1; n <= count; n += n < 12 || n > count - 24 ? 1 : 7) {
      const int error = error_of(n);
      const Outcome no = faulty.run(command("q"), n, error);
      const Call call = faulty.failed(n);
      INFO(command("")[0] << ' ' << n << ": " << call.name << ' ' << call.path << ": " << no.err);
      if (harmless(call)) {
        CHECK(no.status == 0);
        CHECK(files_of(dir / "q") == expected);
        fs::remove_all(dir / "q");
        continue;
      }
      check_refusal(no, dir / "q", error);
      CHECK(!fs::exists(dir / "q"));
      CHECK(!fs::exists(dir / "q.partial"));
    }
    REQUIRE(nvq(command("q")).status == 0);
    CHECK(files_of(dir / "q") == expected);
    fs::remove_all(dir / "q");
    fs::remove_all(dir / "whole");
  }
}

TEST_CASE("merge: each call that fails leaves the ranks' parts, and merging again goes on", "[faults]") {
  const TempDir dir;
  write_sharded_model(dir / "m");
  const auto quantize = [&](const char* out) {
    return std::vector<std::string>{"quantize", (dir / "m").string(), (dir / out).string(), "--batch", "50K"};
  };
  REQUIRE(nvq(quantize("whole")).status == 0);
  const auto expected = files_of(dir / "whole");
  for (const char* share : {"0/2", "1/2"}) {
    auto rank = quantize("q");
    rank.insert(rank.end(), {"--shard", share});
    REQUIRE(nvq(rank).status == 0);
  }
  fs::rename(dir / "q.partial", dir / "parts");
  const auto begin = [&] {
    fs::remove_all(dir / "q");
    fs::remove_all(dir / "q.partial");
    fs::copy(dir / "parts", dir / "q.partial", fs::copy_options::recursive);
  };
  const std::vector<std::string> command = {"merge", (dir / "q").string()};
  begin();
  Faulty faulty(dir / "q");
  REQUIRE(faulty.run(command, 0, 0).status == 0);
  REQUIRE(files_of(dir / "q") == expected);
  const int count = static_cast<int>(faulty.calls().size());
  CHECK(count > 30);
  int refused = 0;
  for (int n = 1; n <= count; ++n) {
    begin();
    const int error = error_of(n);
    const Outcome no = faulty.run(command, n, error);
    const Call call = faulty.failed(n);
    INFO(n << ": " << call.name << ' ' << call.path << ": " << no.err);
    if (harmless(call)) {
      CHECK(no.status == 0);
      CHECK(result_of(dir / "q") == expected);
      continue;
    }
    ++refused;
    check_refusal(no, dir / "q", error);
    CHECK(!fs::exists(dir / "q"));
    const Outcome again = nvq(command);
    INFO(again.err);
    REQUIRE(again.status == 0);
    CHECK(files_of(dir / "q") == expected);
  }
  CHECK(refused > count / 2);
}
