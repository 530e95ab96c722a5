// SPDX-License-Identifier: Apache-2.0
// Runs that are killed, interrupted or run out of space, and the same command again.
#if defined(__linux__)
#include <sys/mount.h>
#endif

#include <chrono>
#include <csignal>
#include <cstdio>
#include <random>

#include "app.hpp"
#include "support/catch.hpp"

using namespace test;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// How many runs are killed; `./run kills` does it to a larger model and more often.
constexpr int kills = 10;

/// The table without what differs from run to run.
std::string result(const std::string& table) { return table.substr(0, table.find("time")); }

std::vector<std::string> command(const TempDir& dir, const char* out, std::vector<std::string> more = {},
                                 const char* batch = "1K") {
  std::vector<std::string> all = {
      "quantize", (dir / "m").string(), (dir / out).string(), "--batch", batch, "--recipe", "mse"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace

TEST_CASE("the size of batches changes no byte", "[app]") {
  const TempDir dir;
  write_sharded_model(dir / "m");
  REQUIRE(nvq(command(dir, "a")).status == 0);
  REQUIRE(nvq(command(dir, "b", {}, "200K")).status == 0);
  CHECK(files_of(dir / "a") == files_of(dir / "b"));
}

TEST_CASE("killed at any moment, the same command goes on and makes the same bytes", "[app]") {
  const TempDir dir;
  write_sharded_model(dir / "m");
  const auto begin = std::chrono::steady_clock::now();
  const Outcome whole = nvq(command(dir, "whole"));
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
  REQUIRE(whole.status == 0);
  const auto expected = files_of(dir / "whole");
  std::mt19937 random(kills);
  int killed = 0, resumed = 0;
  for (int run = 0; run < kills; ++run) {
    INFO(run);
    RunOptions options;
    options.signal = run % 5 == 4 ? SIGTERM : SIGKILL;
    Outcome last;
    for (int attempt = 0; attempt < 40; ++attempt) {
      options.after_ms = static_cast<int>(std::generate_canonical<double, 32>(random) * took.count());
      last = nvq(command(dir, "q"), options);
      if (last.status == 0) break;
      ++killed;
      if (fs::exists(dir / "q")) {  // the name is given, nothing was left to do but to remove the journal
        fs::remove(dir / "q/nvq-journal.jsonl");
        break;
      }
      const fs::path journal = dir / "q.partial/nvq-journal.jsonl";
      if (fs::exists(journal) && contains(read_file(journal), "\"batch\"")) ++resumed;
    }
    if (!fs::exists(dir / "q")) last = nvq(command(dir, "q"));
    INFO(last.err);
    if (last.status == 0) CHECK(result(last.out) == result(whole.out));
    CHECK(files_of(dir / "q") == expected);
    CHECK(!fs::exists(dir / "q.partial"));
    fs::remove_all(dir / "q");
  }
  std::printf("%d runs, killed %d times, %d times with something done\n", kills, killed, resumed);
  std::fflush(stdout);
  CHECK(killed > 0);
  CHECK(resumed > 0);
}

TEST_CASE("a run that was cut short is continued by its own command alone", "[app]") {
  const TempDir dir;
  write_sharded_model(dir / "m");
  // Shard by shard until the first one's codes no longer fit: a full disk.
  RunOptions full;
  full.file_size_limit = 170 << 10;
  const Outcome stopped = nvq(command(dir, "q"), full);
  const fs::path partial = dir / "q.partial";
  CHECK(stopped.status == 1);
  INFO(stopped.err);
  if (!fs::exists(partial)) return;  // nothing fitted at all
  CHECK(contains(stopped.err, "the same command goes on"));

  const Outcome other = nvq(command(dir, "q", {"--keep", "*.o_proj"}));
  CHECK(other.status == 1);
  CHECK(contains(other.err, "begun with another set of options"));
  const fs::path shard = dir / "m/model-00002-of-00003.safetensors";
  const auto time = fs::last_write_time(shard);
  fs::last_write_time(shard, time + std::chrono::seconds(5));
  const Outcome changed = nvq(command(dir, "q"));
  CHECK(changed.status == 1);
  CHECK(contains(changed.err, "begun with another source"));
  CHECK(fs::exists(partial));
  fs::last_write_time(shard, time);
  REQUIRE(nvq(command(dir, "q")).status == 0);
  REQUIRE(nvq(command(dir, "whole")).status == 0);
  CHECK(files_of(dir / "q") == files_of(dir / "whole"));
}

#if defined(__linux__)
TEST_CASE("a full disk, and the same command when there is room", "[app]") {
  const TempDir dir;
  write_sharded_model(dir / "m");
  REQUIRE(nvq(command(dir, "whole")).status == 0);
  const fs::path disk = dir / "disk";
  fs::create_directories(disk);
  // Room for one of three shards of 170 KiB.
  if (::mount("nvq-test", disk.c_str(), "tmpfs", 0, "size=300k") != 0)
    NVQ_SKIP("mount", "a small file system needs root to mount");
  const Outcome full = nvq(command(dir, "disk/q"));
  const bool looks_whole = fs::exists(disk / "q"), begun = fs::exists(disk / "q.partial");
  const bool grown = ::mount("nvq-test", disk.c_str(), "tmpfs", MS_REMOUNT, "size=4m") == 0;
  const Outcome again = nvq(command(dir, "disk/q"));
  const auto files = again.status == 0 ? files_of(disk / "q") : std::map<std::string, std::string>();
  ::umount2(disk.c_str(), MNT_DETACH);
  INFO(full.err << again.err);
  CHECK(full.status == 1);
  CHECK(contains(full.err, (disk / "q").string()));
  CHECK(contains(full.err, "No space left"));
  CHECK(contains(full.err, "the same command goes on with it"));
  CHECK(!looks_whole);
  CHECK(begun);
  REQUIRE(grown);
  CHECK(again.status == 0);
  CHECK(files == files_of(dir / "whole"));
}
#endif

TEST_CASE("a journal whose last line a crash cut short", "[app]") {
  const TempDir dir;
  write_sharded_model(dir / "m");
  RunOptions options;
  options.signal = SIGKILL;
  options.signal_when_exists = dir / "q.partial/model-00001-of-00003.safetensors";
  REQUIRE(nvq(command(dir, "q"), options).status == 128 + SIGKILL);
  const fs::path journal = dir / "q.partial/nvq-journal.jsonl";
  const std::string text = read_file(journal);
  for (const std::size_t cut : {std::size_t{1}, std::size_t{20}, text.size() - 5}) {
    write_file(journal, text.substr(0, text.size() - cut));
    const fs::path copy = dir / "copy.partial";
    fs::remove_all(copy);
    fs::remove_all(dir / "copy");
    fs::copy(dir / "q.partial", copy);
    const Outcome done = nvq(command(dir, "copy"));
    INFO(done.err);
    REQUIRE(done.status == 0);
  }
  REQUIRE(nvq(command(dir, "whole")).status == 0);
  CHECK(files_of(dir / "copy") == files_of(dir / "whole"));
}

TEST_CASE("memory has a bound", "[app]") {
  const TempDir dir;
  write_sharded_model(dir / "m");
  const auto why = [&](const char* bound) { return nvq(command(dir, "q", {"--max-rss", bound})).err; };
  CHECK(contains(why("1M"), "takes at least"));
  CHECK(contains(why("many"), "no amount of memory"));
  CHECK(contains(why("0"), "no amount of memory"));
  const Outcome done = nvq(command(dir, "q", {"--max-rss", "200MiB"}));
  REQUIRE(done.status == 0);
  CHECK(contains(done.out, "MiB at most"));
}
