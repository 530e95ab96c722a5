// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "bytes.hpp"

std::vector<std::uint8_t> baseline_bytes() { return all_bytes(); }

int main() {
  nvq::set_isa(nvq::Isa::scalar);
  const std::vector<std::uint8_t> wanted = baseline_bytes();
  int wrong = 0;
  for (const nvq::Isa isa : {nvq::Isa::scalar, nvq::Isa::neon, nvq::Isa::avx2, nvq::Isa::avx512}) {
    if (!nvq::set_isa(isa)) continue;
    std::printf(" %s", nvq::isa_name(isa));
    wrong += baseline_bytes() != wanted;
    wrong += other_bytes() != wanted;
  }
  std::printf("\n");
  return wrong;
}
