// SPDX-License-Identifier: Apache-2.0
// usage: gpu-tests [--list] [--quick] [--vectors FOLDER] [--results FILE] [GROUP ...]
#include <cuda_runtime.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "check.hpp"

namespace gpu {
namespace {

settings chosen;
std::FILE* results = nullptr;
std::string current;
int passed = 0, failed = 0, noted = 0, skipped = 0;

std::vector<test>& all() {
  static std::vector<test> tests;
  return tests;
}

void tell(const char* verdict, const std::string& what, std::int64_t compared, std::int64_t wrong,
          const std::string& text) {
  if (results != nullptr)
    std::fprintf(results, "%s\t%s\t%s\t%lld\t%lld\t%s\n", verdict, current.c_str(), what.c_str(),
                 static_cast<long long>(compared), static_cast<long long>(wrong), text.c_str());
  if (std::strcmp(verdict, "ok") == 0) return;
  std::printf("  %s %s: %s", verdict, current.c_str(), what.c_str());
  if (compared != 0)
    std::printf(": %lld of %lld differ", static_cast<long long>(wrong), static_cast<long long>(compared));
  std::printf("%s%s\n", text.empty() ? "" : "; ", text.c_str());
}

}  // namespace

const settings& options() { return chosen; }

test::test(const char* in_group, const char* its_name, void (*its_run)())
    : group(in_group), name(its_name), run(its_run) {
  all().push_back(*this);
}

void expect(const std::string& what, std::int64_t compared, std::int64_t wrong, const std::string& first) {
  const bool ok = wrong == 0 && compared > 0;  // comparing nothing proves nothing
  ++(ok ? passed : failed);
  tell(ok ? "ok" : "FAILED", what, compared, wrong, compared > 0 ? first : "nothing was compared");
}

void note(const std::string& what, std::int64_t compared, std::int64_t differ, const std::string& first) {
  ++noted;
  tell("note", what, compared, differ, first);
}

void skip(const std::string& what, const std::string& why) {
  ++skipped;
  tell("skipped", what, 0, 0, why);
}

namespace {

bool run_one(const test& t) {
  const auto start = std::chrono::steady_clock::now();
  current = std::string(t.group) + " " + t.name;
  bool device_works = true;
  try {
    t.run();
  } catch (const failure& f) {
    ++failed;
    tell("FAILED", f.what(), 0, 0, "");
    device_works = cudaDeviceSynchronize() == cudaSuccess;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  if (took.count() > 5) std::printf("  %s took %.1f s\n", current.c_str(), took.count());
  std::fflush(stdout);
  return device_works;
}

int run(const std::vector<std::string>& groups) {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::printf("nvq-skip(gpu): there is no CUDA device\n");
    return 0;
  }
  cudaDeviceProp device{};
  int driver = 0;
  cudaGetDeviceProperties(&device, 0);
  cudaDriverGetVersion(&driver);
  std::printf("%s, compute capability %d.%d, driver for CUDA %d.%d\n", device.name, device.major,
              device.minor, driver / 1000, driver % 1000 / 10);
  for (const test& t : all()) {
    if (!groups.empty() && std::find(groups.begin(), groups.end(), t.group) == groups.end()) continue;
    if (!run_one(t)) {
      std::printf("the device stopped working; the other tests were not run\n");
      break;
    }
  }
  std::printf("%d comparisons equal, %d failed, %d noted, %d skipped\n", passed, failed, noted, skipped);
  return failed == 0 && passed > 0 ? 0 : 1;
}

}  // namespace
}  // namespace gpu

int main(int argc, char** argv) {
  using namespace gpu;
  std::vector<std::string> groups;
  std::stable_sort(all().begin(), all().end(),
                   [](const test& a, const test& b) { return std::strcmp(a.group, b.group) < 0; });
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--list") {
      for (const test& t : all()) std::printf("%s\t%s\n", t.group, t.name);
      return 0;
    }
    if (argument == "--quick") {
      chosen.quick = true;
    } else if (argument == "--vectors" && i + 1 < argc) {
      chosen.vectors = argv[++i];
    } else if (argument == "--results" && i + 1 < argc) {
      results = std::fopen(argv[++i], "w");
      if (results == nullptr) {
        std::fprintf(stderr, "%s cannot be written\n", argv[i]);
        return 2;
      }
    } else {
      const auto has_name = [&](const test& t) { return argument == t.group; };
      if (std::none_of(all().begin(), all().end(), has_name)) {
        std::fprintf(stderr, "there is no group of tests \"%s\"; --list names them\n", argument.c_str());
        return 2;
      }
      groups.push_back(argument);
    }
  }
  const int status = run(groups);
  if (results != nullptr) std::fclose(results);
  return status;
}
