// SPDX-License-Identifier: Apache-2.0
// How fast nvq is on this machine: ./run bench

#include <benchmark/benchmark.h>

#include <fstream>
#include <string>
#include <thread>

#include "case.hpp"

#if __has_include(<nvq/simd/isa.hpp>)
#include <nvq/simd/isa.hpp>
#endif

namespace {

std::string processor() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  return "unknown processor";
}

std::string compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#elif defined(__GNUC__)
  return "g++ " __VERSION__;
#else
  return "unknown compiler";
#endif
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::AddCustomContext("processor", processor());
  benchmark::AddCustomContext("compiler", compiler());
#if __has_include(<nvq/simd/isa.hpp>)
  benchmark::AddCustomContext("isa", nvq::isa_name(nvq::active_isa()));
#else
  benchmark::AddCustomContext("isa", "scalar");
#endif
  bench::add_memory_cases();
  bench::add_codec_cases();
  bench::add_product_cases();
  bench::add_layout_cases();
  benchmark::RunSpecifiedBenchmarks();
}
