// SPDX-License-Identifier: Apache-2.0
#include "faulty.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "support/catch.hpp"

namespace test {

namespace {

/// A file system in memory, where there is one: these tests wait for the disk a few thousand times otherwise.
[[maybe_unused]] const bool in_memory =
    ::access("/dev/shm", W_OK) == 0 && ::setenv("TMPDIR", "/dev/shm", 1) == 0;

}  // namespace

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Outcome Faulty::run(const std::vector<std::string>& arguments, int n, int error) {
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

std::set<std::string> Faulty::names() const {
  std::set<std::string> all;
  for (const Call& c : calls_) all.insert(c.name);
  return all;
}

const Call& Faulty::failed(int n) const {
  // The disk's thread and the others take turns: it may be another call than in the first run.
  if (calls_.size() < static_cast<std::size_t>(n)) FAIL("there were fewer calls than in the first run");
  return calls_[static_cast<std::size_t>(n) - 1];
}

int error_of(int n) { return n % 2 == 0 ? ENOSPC : EIO; }

void check_refusal(const Outcome& no, const fs::path& path, int error, int status) {
  CHECK(no.status == status);
  CHECK(no.out.empty());
  CHECK(std::count(no.err.begin(), no.err.end(), '\n') == 1);
  CHECK(contains(no.err, path.string()));
  CHECK(contains(no.err, std::strerror(error)));
}

}  // namespace test
