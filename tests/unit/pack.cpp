// SPDX-License-Identifier: Apache-2.0
// Codes of 2 to 8 bits as a bit stream, against a packer that moves one bit at a time.

#include <nvq/detail/pack.hpp>
#include <vector>

#include "../oracle/bit_stream.hpp"
#include "../oracle/inputs.hpp"
#include "../support/catch.hpp"

namespace {

template <int Bits>
void check() {
  const std::size_t columns = 67;
  oracle::Lcg random(17);
  std::vector<std::uint8_t> codes;
  for (std::size_t i = 0; i < columns; ++i)
    codes.push_back(static_cast<std::uint8_t>(random.bits() & ((1u << Bits) - 1)));
  const std::vector<std::uint8_t> expected = oracle::pack(codes, 1, columns, Bits);

  // In pieces of every length from every column: what is outside a piece stays as it was.
  for (std::size_t first = 0; first < 20; ++first)
    for (std::size_t n = 0; first + n <= columns; ++n) {
      std::vector<std::uint8_t> before(columns, 0);
      for (std::size_t i = 0; i < columns; ++i)
        before[i] = static_cast<std::uint8_t>(~codes[i] & ((1u << Bits) - 1));
      std::vector<std::uint8_t> wanted = before;
      for (std::size_t i = first; i < first + n; ++i) wanted[i] = codes[i];
      std::vector<std::uint8_t> row = oracle::pack(before, 1, columns, Bits);
      nvq::detail::pack_codes<Bits>(codes.data() + first, static_cast<std::int64_t>(n), row.data(),
                                    static_cast<std::int64_t>(first));
      REQUIRE(row == oracle::pack(wanted, 1, columns, Bits));

      std::vector<std::uint8_t> back(n, 0xEE);
      nvq::detail::unpack_codes<Bits>(expected.data(), static_cast<std::int64_t>(first),
                                      static_cast<std::int64_t>(n), back.data());
      REQUIRE(back == std::vector<std::uint8_t>(codes.begin() + static_cast<std::ptrdiff_t>(first),
                                                codes.begin() + static_cast<std::ptrdiff_t>(first + n)));
    }
}

}  // namespace

TEST_CASE("codes are a bit stream", "[pack]") {
  check<2>();
  check<3>();
  check<4>();
  check<5>();
  check<6>();
  check<7>();
  check<8>();
}

TEST_CASE("packed codes, worked by hand", "[pack]") {
  const std::uint8_t nibbles[] = {0x1, 0x2, 0x3};
  std::uint8_t four[2] = {};
  nvq::detail::pack_codes<4>(nibbles, 3, four, 0);
  CHECK(four[0] == 0x21);
  CHECK(four[1] == 0x03);
  const std::uint8_t sixes[] = {0x3F, 0x00, 0x2A, 0x15};
  std::uint8_t six[3] = {};
  nvq::detail::pack_codes<6>(sixes, 4, six, 0);
  CHECK(six[0] == 0x3F);
  CHECK(six[1] == 0xA0);
  CHECK(six[2] == 0x56);
  const std::uint8_t threes[] = {5, 2, 7};
  std::uint8_t three[2] = {};
  nvq::detail::pack_codes<3>(threes, 3, three, 0);
  CHECK(three[0] == 0xD5);
  CHECK(three[1] == 0x01);
}
