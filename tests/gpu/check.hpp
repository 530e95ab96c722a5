// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

// A test program for a GPU, made of tests that register themselves. What a GPU gave is compared with what the host's
// scalar definition gives.

namespace gpu {

struct settings {
  bool quick = false;  ///< a small part of every test: for compute-sanitizer, and for runs without a GPU
  std::string vectors = "tests/vectors";
};
const settings& options();

/// n, or a part of it that is enough to see that a test works.
inline std::int64_t full_or(std::int64_t n, std::int64_t quick) {
  return options().quick && quick < n ? quick : n;
}

struct test {
  test(const char* group, const char* name, void (*run)());
  const char* group;
  const char* name;
  void (*run)();
};

/// The result of a comparison of `compared` items, of which `wrong` differ; `first` says how the first one does.
void expect(const std::string& what, std::int64_t compared, std::int64_t wrong, const std::string& first);
/// The same where a difference is news, not a failure.
void note(const std::string& what, std::int64_t compared, std::int64_t differ, const std::string& first);
/// What cannot be tested on this machine, and why.
void skip(const std::string& what, const std::string& why);

/// Thrown where a test cannot go on.
struct failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Runs fn(i) for all i in [0, n) on all processors. Also what encode_options::executor takes.
struct on_all_processors {
  template <class Fn>
  void operator()(std::size_t n, Fn fn) const {
    const std::size_t processors = std::thread::hardware_concurrency();
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
      for (std::size_t i; (i = next++) < n;) fn(i);
    };
    std::vector<std::thread> threads;
    for (std::size_t t = 1; t < processors && t < n; ++t) threads.emplace_back(work);
    work();
    for (std::thread& t : threads) t.join();
  }
};

}  // namespace gpu

/// NVQ_GPU_TEST(group, name) { ... }; one to a line.
#define NVQ_GPU_TEST(group, name) NVQ_GPU_TEST_AT(group, name, __LINE__)
#define NVQ_GPU_TEST_AT(group, name, line) NVQ_GPU_TEST_NAMED(group, name, line)
#define NVQ_GPU_TEST_NAMED(group, name, line)                               \
  static void gpu_test_##line();                                            \
  static const gpu::test gpu_test_at_##line(group, name, &gpu_test_##line); \
  static void gpu_test_##line()
