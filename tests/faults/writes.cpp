// SPDX-License-Identifier: Apache-2.0
// Every call that changes a file fails once: the command says so and exits with 1, nothing looks whole that is
// not, and the same command then makes the same bytes.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <set>
#include <sstream>

#include "app/app.hpp"
#include "support/catch.hpp"

using namespace test;

namespace {

/// A file system in memory, where there is one: these tests wait for the disk a few thousand times otherwise.
[[maybe_unused]] const bool in_memory =
    ::access("/dev/shm", W_OK) == 0 && ::setenv("TMPDIR", "/dev/shm", 1) == 0;

struct Call {
  std::string name, path;
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// nvq with faults, and the calls it made.
class Faulty {
 public:
  explicit Faulty(fs::path under) : under_(std::move(under)) {}

  /// The n-th call on files under the prefix fails; none when n is 0.
  Outcome run(const std::vector<std::string>& arguments, int n, int error) {
    RunOptions options;
    const std::string log = (dir_ / "log").string();
    options.environment = {{"LD_PRELOAD", NVQ_INJECT},
                           {"NVQ_FAULT_UNDER", under_.string()},
                           {"NVQ_FAULT_CALL", std::to_string(n)},
                           {"NVQ_FAULT_ERRNO", std::to_string(error)},
                           {"NVQ_FAULT_LOG", log}};
    const Outcome done = nvq(arguments, options);
    calls_.clear();
    std::istringstream lines(read_file(log));
    for (Call c; lines >> c.name && std::getline(lines >> std::ws, c.path);) calls_.push_back(c);
    return done;
  }
  const std::vector<Call>& calls() const { return calls_; }

 private:
  TempDir dir_;
  fs::path under_;
  std::vector<Call> calls_;
};

std::set<std::string> names(const std::vector<Call>& calls) {
  std::set<std::string> all;
  for (const Call& c : calls) all.insert(c.name);
  return all;
}

/// All that an error of this kind must say.
void check_refusal(const Outcome& no, const fs::path& path, int error) {
  CHECK(no.status == 1);
  CHECK(no.out.empty());
  CHECK(std::count(no.err.begin(), no.err.end(), '\n') == 1);
  CHECK(contains(no.err, path.string()));
  CHECK(contains(no.err, std::strerror(error)));
}

/// Nothing of the result depends on these: a file of an earlier run, of which there was none here, is removed before
/// it is made anew; the journal is removed, and closed, when the directory is complete and has its name.
bool harmless(const Call& c) {
  return c.name == "remove" || (c.name == "close" && contains(c.path, "nvq-journal.jsonl"));
}

std::map<std::string, std::string> result_of(const fs::path& directory) {
  auto all = files_of(directory);
  all.erase("nvq-journal.jsonl");
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
    CHECK(names(faulty.calls()).count(name) == 1);
  }
  fs::remove_all(dir / "q");

  int resumed = 0;
  for (int n = 1; n <= count; ++n) {
    const int error = n % 2 == 0 ? ENOSPC : EIO;
    const Outcome no = faulty.run(command("q"), n, error);
    // The disk's thread and the others take turns: it may be another call than in the first run.
    if (faulty.calls().size() < static_cast<std::size_t>(n))
      FAIL("there were fewer calls than in the first run");
    const Call call = faulty.calls()[static_cast<std::size_t>(n) - 1];
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

TEST_CASE("dequantize: each call that fails ends the run, and nothing stays", "[faults]") {
  const TempDir dir;
  REQUIRE(nvq({"quantize", shared_model().string(), (dir / "m").string(), "--format", "int8"}).status == 0);
  const auto command = [&](const char* out) {
    return std::vector<std::string>{"dequantize", (dir / "m").string(), (dir / out).string(), "--threads",
                                    "1"};
  };
  REQUIRE(nvq(command("whole")).status == 0);
  const auto expected = files_of(dir / "whole");
  Faulty faulty(dir / "q");
  REQUIRE(faulty.run(command("q"), 0, 0).status == 0);
  const int count = static_cast<int>(faulty.calls().size());
  CHECK(count > 20);
  fs::remove_all(dir / "q");
  for (int n = 1; n <= count; n += n < 12 || n > count - 24 ? 1 : 7) {
    const int error = n % 2 == 0 ? ENOSPC : EIO;
    const Outcome no = faulty.run(command("q"), n, error);
    const Call& call = faulty.calls()[static_cast<std::size_t>(n) - 1];
    INFO(n << ": " << call.name << ' ' << call.path << ": " << no.err);
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
}
