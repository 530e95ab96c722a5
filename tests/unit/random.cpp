// SPDX-License-Identifier: Apache-2.0
#include <nvq/random.hpp>

#include "../support/catch.hpp"

// The known answers of Random123 1.14 (D. E. Shaw Research), tests/kat_vectors: "philox4x32 10".
TEST_CASE("Philox4x32-10 gives Random123's known answers", "[random]") {
  const struct {
    std::uint32_t counter[4], key[2], answer[4];
  } vectors[] = {
      {{0x00000000, 0x00000000, 0x00000000, 0x00000000},
       {0x00000000, 0x00000000},
       {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
       {0xffffffff, 0xffffffff},
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  const auto join = [](std::uint32_t low, std::uint32_t high) {
    return static_cast<std::uint64_t>(high) << 32 | low;
  };
  for (const auto& v : vectors) {
    const nvq::Philox philox(join(v.key[0], v.key[1]), join(v.counter[0], v.counter[1]),
                             join(v.counter[2], v.counter[3]));
    for (int i = 0; i < 4; ++i) CHECK(philox.word[i] == v.answer[i]);
  }
}

TEST_CASE("element i takes word i % 4 of counter i / 4", "[random]") {
  CHECK(nvq::random_bits(0, 0) == 0x6627e8d5u);
  CHECK(nvq::random_bits(0, 1) == 0xe169c58du);
  CHECK(nvq::random_bits(0, 2) == 0xbc57ac4cu);
  CHECK(nvq::random_bits(0, 3) == 0x9b00dbd8u);
  const std::uint64_t seed = 0x0123456789ABCDEFu, far = std::uint64_t{5} << 40;
  CHECK(nvq::random_bits(seed, far + 6) == nvq::Philox(seed, far / 4 + 1).word[2]);
  CHECK(nvq::random_bits(seed, 4) != nvq::random_bits(seed, 0));
  CHECK(nvq::random_bits(seed, 0) != nvq::random_bits(seed + 1, 0));
}
