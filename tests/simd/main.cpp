// SPDX-License-Identifier: Apache-2.0
// nvq_test_simd [TIER [PART]]: every tier of kernels gives the bytes of the scalar codec. Without TIER all that there are,
// of which there must be one. The scalar one, too, does not depend on the caller's float environment.

#include <chrono>
#include <cstdlib>
#include <nvq/formats.hpp>

#include "report.hpp"

namespace {

struct Part {
  const char* name;
  void (*check)(tiers::Report&);
};
constexpr Part parts[] = {{"amax", tiers::check_amax},
                          {"decode", tiers::check_decode},
                          {"encode", tiers::check_encode},
                          {"environment", tiers::check_environment}};

bool same(const char* a, const char* b) { return std::strcmp(a, b) == 0; }

int check(nvq::Isa tier, const char* wanted) {
  int failures = 0;
  const bool scalar = tier == nvq::Isa::scalar;
  if (!nvq::set_isa(tier) || nvq::simd::with_isa([](auto) {}) == scalar)
    return std::printf("%s is available and has no kernels\n", nvq::isa_name(tier)), 1;
  for (const Part& part : parts) {
    if (scalar ? part.check != tiers::check_environment : wanted != nullptr && !same(wanted, part.name))
      continue;
    const auto begin = std::chrono::steady_clock::now();
    tiers::Report report(tier);
    part.check(report);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    std::printf("%s, %s: %d comparisons, %d differ, %.1f s\n", nvq::isa_name(tier), part.name,
                report.comparisons(), report.failures(), seconds.count());
    failures += report.failures() + (report.comparisons() == 0);
  }
  return failures;
}

}  // namespace

int main(int argc, char** argv) {
  int failures = 0, checked = 0;
  const char* part = argc > 2 ? argv[2] : nullptr;
  for (const nvq::Isa tier : {nvq::Isa::scalar, nvq::Isa::neon, nvq::Isa::avx2, nvq::Isa::avx512}) {
    if (argc > 1 && !same(argv[1], nvq::isa_name(tier))) continue;
    if (!nvq::isa_available(tier)) {
      if (argc > 1) return std::printf("nvq-skip(isa): this processor has no %s\n", argv[1]), 0;
      continue;
    }
    failures += check(tier, part);
    checked += tier != nvq::Isa::scalar || argc > 1;
  }
  if (checked == 0) std::printf("no tier was checked\n");
  return failures != 0 || checked == 0;
}
