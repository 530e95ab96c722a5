// SPDX-License-Identifier: Apache-2.0
// usage: bench [FILE]
// Prints a table of bandwidths, and writes it to FILE with tabs.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>

#include "measure.hpp"

namespace bench {

double copy_of_as_many(std::size_t bytes);
double measure_largest_copy();

namespace {

struct entry {
  const char* name;
  void (*run)();
};
std::vector<entry>& all() {
  static std::vector<entry> list;
  return list;
}

std::FILE* table = nullptr;
double largest_copy = 0;

}  // namespace

benchmark::benchmark(const char* name, void (*run)()) { all().push_back({name, run}); }

double copy_bandwidth() { return largest_copy; }

void report(const std::string& what, std::int64_t rows, std::int64_t columns, double bytes, double seconds) {
  // A copy of as many bytes says what is left of the bandwidth when there is little to move.
  static std::map<double, double> copies;
  double& copy = copies[bytes];
  if (copy == 0) copy = copy_of_as_many(static_cast<std::size_t>(bytes));
  const double rate = bytes / seconds;
  std::printf("%-34s %6lld x %-6lld %9.1f MB %10.2f us %8.0f GB/s %6.1f %% %6.1f %%\n", what.c_str(),
              static_cast<long long>(rows), static_cast<long long>(columns), bytes * 1e-6, seconds * 1e6,
              rate * 1e-9, 100 * rate / largest_copy, 100 * rate / copy);
  if (table != nullptr)
    std::fprintf(table, "%s\t%lld\t%lld\t%.0f\t%.4g\t%.1f\t%.1f\n", what.c_str(),
                 static_cast<long long>(rows), static_cast<long long>(columns), bytes, seconds * 1e6,
                 100 * rate / largest_copy, 100 * rate / copy);
  std::fflush(stdout);
}

namespace {

void run() {
  cudaDeviceProp device{};
  int clock = 0, memory_clock = 0, driver = 0, runtime = 0;
  require(cudaGetDeviceProperties(&device, 0), "cudaGetDeviceProperties");
  require(cudaDeviceGetAttribute(&clock, cudaDevAttrClockRate, 0), "cudaDeviceGetAttribute");
  require(cudaDeviceGetAttribute(&memory_clock, cudaDevAttrMemoryClockRate, 0), "cudaDeviceGetAttribute");
  require(cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
  require(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion");
  std::printf(
      "%s, %d multiprocessors, L2 %d MB; highest clocks %d MHz, memory %d MHz, not locked; CUDA %d.%d, "
      "driver for "
      "%d.%d\n",
      device.name, device.multiProcessorCount, device.l2CacheSize >> 20, clock / 1000, memory_clock / 1000,
      runtime / 1000, runtime % 1000 / 10, driver / 1000, driver % 1000 / 10);
  const double before = measure_largest_copy();
  largest_copy = before;
  std::printf("copy bandwidth %.0f GB/s, reading and writing counted\n\n", before * 1e-9);
  std::printf("%-34s %15s %12s %13s %13s %8s %8s\n", "median of cold data", "rows x columns", "moved", "time",
              "", "of copy", "of equal");
  std::sort(all().begin(), all().end(),
            [](const entry& a, const entry& b) { return std::strcmp(a.name, b.name) < 0; });
  for (const entry& e : all()) e.run();
  const double after = measure_largest_copy();
  std::printf("\ncopy bandwidth after all: %.0f GB/s, %+.1f %%\n", after * 1e-9, 100 * (after / before - 1));
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) {
    std::printf("nvq-skip(gpu): there is no CUDA device\n");
    return 0;
  }
  if (argc > 1) {
    bench::table = std::fopen(argv[1], "w");
    if (bench::table == nullptr) {
      std::fprintf(stderr, "%s cannot be written\n", argv[1]);
      return 1;
    }
    std::fprintf(bench::table,
                 "what\trows\tcolumns\tbytes\tmicroseconds\tpercent of copy\tpercent of equal copy\n");
  }
  bench::run();
  if (bench::table != nullptr) std::fclose(bench::table);
  return 0;
}
