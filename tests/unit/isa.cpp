// SPDX-License-Identifier: Apache-2.0
// Which tier of kernels is used, and who says so.

#include <cstdlib>
#include <nvq/simd/isa.hpp>
#include <string>

#include "../support/catch.hpp"

namespace {

constexpr nvq::Isa tiers[] = {nvq::Isa::scalar, nvq::Isa::neon, nvq::Isa::avx2, nvq::Isa::avx512};

nvq::Isa best() {
  nvq::Isa isa = nvq::Isa::scalar;
  for (const nvq::Isa tier : tiers)
    if (nvq::isa_available(tier)) isa = tier;
  return isa;
}

nvq::Isa with_environment(const char* value) {
#if defined(_WIN32)
  _putenv_s("NVQ_ISA", value);
#else
  setenv("NVQ_ISA", value, 1);
#endif
  return nvq::detail::isa_from_environment();
}

}  // namespace

TEST_CASE("NVQ_ISA names a tier; what is not there or is no name leaves the best", "[simd]") {
  const char* before = std::getenv("NVQ_ISA");
  const std::string saved = before == nullptr ? "" : before;
  for (const nvq::Isa tier : tiers)
    CHECK((with_environment(nvq::isa_name(tier)) == (nvq::isa_available(tier) ? tier : best())));
  for (const char* other : {"", "sse", "AVX2", "avx", "avx5120", "scalar "})
    CHECK((with_environment(other) == best()));
  with_environment(saved.c_str());
}

TEST_CASE("set_isa() takes the tiers that there are", "[simd]") {
  const nvq::Isa before = nvq::active_isa();
  CHECK(nvq::isa_available(nvq::Isa::scalar));
  for (const nvq::Isa tier : tiers) {
    REQUIRE(nvq::set_isa(nvq::Isa::scalar));
    CHECK((nvq::set_isa(tier) == nvq::isa_available(tier)));
    CHECK((nvq::active_isa() == (nvq::isa_available(tier) ? tier : nvq::Isa::scalar)));
  }
  CHECK(nvq::set_isa(before));
}
