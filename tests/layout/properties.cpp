// SPDX-License-Identifier: Apache-2.0

// What holds for every layout: a bijection, 64 bits, padding, refusals.

#include <array>

#include "every.hpp"

using namespace layout_test;
using namespace nvq::layout;
using nvq::errc;

namespace {

constexpr auto a8 = MarlinActivation::bits8;

struct Bijection {
  int accepted = 0;

  template <class L>
  void of(const char* name) {
    int shapes = 0;
    for (const std::int64_t rows : {1, 3, 7, 8, 9, 16, 64, 127, 128, 129, 192})
      for (const std::int64_t columns : {1, 2, 3, 4, 5, 8, 16, 24, 32, 64, 96, 128}) {
        const L layout({rows, columns});
        if (layout.check() != errc::ok) continue;
        ++shapes;
        INFO(name << " of " << rows << " x " << columns);
        const std::int64_t units = layout.elements() * L::units_per_element();
        REQUIRE(layout.bytes() ==
                layout.elements() * static_cast<std::int64_t>(sizeof(typename L::value_type)));
        std::vector<bool> taken(static_cast<std::size_t>(units));
        std::int64_t wrong = 0, free = units;
        const nvq::shape2d padded = layout.padded();
        for (std::int64_t r = 0; r < padded.rows(); ++r)
          for (std::int64_t c = 0; c < padded.columns(); ++c) {
            const std::int64_t at = layout.offset(r, c);
            if (at < 0 || at >= units || taken[static_cast<std::size_t>(at)]) {
              ++wrong;
              continue;
            }
            taken[static_cast<std::size_t>(at)] = true;
            --free;
            wrong += layout.position(at) != position{r, c};
          }
        CHECK(wrong == 0);
        // What is left over belongs to the other part of a ggml block.
        for (std::int64_t i = 0; i < units; ++i)
          if (!taken[static_cast<std::size_t>(i)]) wrong += layout.position(i) != position{-1, -1};
        CHECK(wrong == 0);
        if (std::string(name).substr(0, 4) != "Ggml") CHECK(free == 0);
      }
    INFO(name);
    CHECK(shapes >= 3);
    accepted += shapes;
  }
};

/// offset() and position() are inverse near every corner of a grid of 2^40 and more units.
struct Huge {
  template <class L>
  void of(const char* name) {
    INFO(name);
    const std::int64_t rows = std::int64_t{1} << 24, columns = std::int64_t{1} << 18;
    const L layout({rows, columns});
    REQUIRE(layout.check() == errc::ok);
    CHECK(layout.bytes() >= std::int64_t{1} << 41);
    std::int64_t highest = 0;
    for (const std::int64_t r : {std::int64_t{0}, rows / 2 + 77, rows - 130, rows - 1})
      for (const std::int64_t c : {std::int64_t{0}, columns / 2 + 13, columns - 1}) {
        const std::int64_t at = layout.offset(r, c);
        highest = at > highest ? at : highest;
        CHECK(layout.position(at) == position{r, c});
      }
    CHECK(highest > std::int64_t{1} << 41);
  }
};

/// A grid of distinct values survives there and back; every refusal leaves the output as it was.
struct RoundTripAndRefusals {
  template <class L>
  void of(const char* name) {
    INFO(name);
    const L layout({64, 128});
    const auto linear_layout = layout.linear();
    using T = typename L::value_type;
    using Side = typename decltype(layout.linear())::value_type;
    std::vector<Side> linear(static_cast<std::size_t>(linear_layout.elements()));
    const bool nibbles_in_bytes = L::bits() == 4 && decltype(layout.linear())::bits() == 8;
    for (std::size_t i = 0; i < linear.size(); ++i)
      linear[i] = static_cast<Side>((i * 37 + i / 251) % (nibbles_in_bytes ? 16 : 251));
    std::vector<T> out(static_cast<std::size_t>(layout.elements()), T{1});
    for (const nvq::Recode recode : {nvq::Recode::none, nvq::Recode::offset_binary}) {
      REQUIRE(nvq::to_layout(layout, linear, out, recode));
      std::vector<Side> back(linear.size(), Side{1});
      if (recode == nvq::Recode::none || L::bits() == decltype(layout.linear())::bits()) {
        REQUIRE(nvq::from_layout(layout, out, back, recode));
        CHECK(back == linear);
      }
    }

    const std::vector<T> before = out;
    std::vector<T> longer(out.size() + 1, T{7});
    const std::vector<T> longer_before = longer;
    std::vector<Side> shorter(linear.begin(), linear.end() - 1);
    CHECK(nvq::to_layout(layout, shorter, out).ec == errc::input_size);
    CHECK(nvq::to_layout(layout, linear, longer).ec == errc::output_size);
    CHECK(nvq::to_layout(layout, nvq::span<const Side>(nullptr, linear.size()), out).ec ==
          errc::null_pointer);
    CHECK(nvq::to_layout(layout, linear, nvq::span<T>(nullptr, out.size())).ec == errc::null_pointer);
    CHECK(nvq::to_layout(L({-64, 128}), linear, out).ec == errc::invalid_shape);
    CHECK(nvq::to_layout(L({64, INT64_MAX / 4}), linear, out).ec == errc::invalid_shape);
    CHECK(nvq::convert_layout(linear_layout, linear, L({128, 128}), out).ec == errc::unsupported_layout);
    CHECK(nvq::convert_layout(linear_layout, linear, L({64, 256}), out).ec == errc::unsupported_layout);
    CHECK(out == before);
    CHECK(longer == longer_before);
  }
};

struct BadShapes {
  template <class L>
  void of(const char* name) {
    INFO(name);
    for (const nvq::shape2d shape :
         {nvq::shape2d(-1, 4), nvq::shape2d(4, -1), nvq::shape2d(INT64_MAX, 0), nvq::shape2d(0, INT64_MAX),
          nvq::shape2d(INT64_MAX, INT64_MAX), nvq::shape2d(std::int64_t{1} << 31, std::int64_t{1} << 31)}) {
      const L layout(shape);
      CHECK((layout.check() == errc::invalid_shape || layout.check() == errc::unsupported_layout));
      CHECK(layout.bytes() == 0);
    }
    const L empty({0, 0});
    CHECK(empty.check() == errc::ok);
    CHECK(nvq::to_layout(empty, {}, {}));
  }
};

template <class L>
void refuses(std::int64_t rows, std::int64_t columns) {
  INFO(rows << " x " << columns);
  CHECK(L({rows, columns}).check() == errc::unsupported_layout);
  bytes out(4, 0x11);
  bytes in(4, 0x22);
  CHECK(nvq::convert_layout(Linear<>({2, 2}), in, L({rows, columns}), out).ec == errc::unsupported_layout);
  CHECK(out == bytes(4, 0x11));
}

/// Conversions are constexpr: a 2 x 3 grid in 8x4 tiles, padding 0x7F.
constexpr std::array<std::uint8_t, 32> in_tiles() {
  const std::uint8_t grid[6] = {1, 2, 3, 4, 5, 6};
  std::uint8_t tile[32] = {};
  const bool ok = bool(nvq::to_layout(Blocked8x4({2, 3}), grid, tile, std::uint8_t{0x7F}));
  std::array<std::uint8_t, 32> copy{};
  for (std::size_t i = 0; ok && i < 32; ++i) copy[i] = tile[i];
  return copy;
}
static_assert(in_tiles()[0] == 1 && in_tiles()[2] == 3 && in_tiles()[3] == 0x7F && in_tiles()[4] == 4);
static_assert(in_tiles()[6] == 6 && in_tiles()[7] == 0x7F && in_tiles()[8] == 0x7F && in_tiles()[31] == 0x7F);

}  // namespace

TEST_CASE("every layout is a bijection and position() its inverse", "[layout]") {
  Bijection check;
  for_every_layout(check);
  CHECK(check.accepted > 1000);
}

TEST_CASE("offsets have 64 bits", "[layout]") {
  for_every_layout(Huge{});
  // The last scale of a grid that fills its tiles is the last byte.
  constexpr std::int64_t big = std::int64_t{1} << 32;
  static_assert(Blocked128x4({big, 4096}).offset(big - 1, 4095) == (std::int64_t{1} << 44) - 1);
  static_assert(Blocked8x4({big, 4096}).offset(big - 1, 4095) == (std::int64_t{1} << 44) - 1);
  static_assert(DeepGemmUE8M0({big, 4096}).offset(big - 1, 4095) == (std::int64_t{1} << 44) - 1);
  static_assert(Linear<>({big, 4096}).offset(big - 1, 4095) == (std::int64_t{1} << 44) - 1);
  static_assert(AwqWeights({big, 4096}).offset(big - 1, 4095) == (std::int64_t{1} << 44) - 1);
  static_assert(GptqWeights<4>({big, 4096}).offset(big - 1, 4095) == (std::int64_t{1} << 44) - 1);
  static_assert(MarlinWeights<4>({big, 4096}).offset(big - 1, 4095) == (std::int64_t{1} << 44) - 1);
}

TEST_CASE("conversions round trip, and a refusal writes nothing", "[layout]") {
  for_every_layout(RoundTripAndRefusals{});
}

TEST_CASE("impossible shapes are refused without overflow, empty ones are fine", "[layout]") {
  for_every_layout(BadShapes{});
  CHECK(Blocked128x4({1, std::int64_t{1} << 57}).check() ==
        errc::invalid_shape);  // fits, but not when padded
}

TEST_CASE("shapes a layout does not take are refused", "[layout]") {
  refuses<GptqWeights<4>>(8, 12);
  refuses<GptqWeights<8>>(8, 6);
  refuses<GptqZeros<4>>(12, 1);
  refuses<GptqZeros<8>>(6, 1);
  refuses<AwqWeights>(12, 8);
  refuses<AwqZeros>(4, 1);
  refuses<MarlinWeights<4>>(32, 16);
  refuses<MarlinWeights<4>>(64, 8);
  refuses<MarlinWeights<8, a8>>(64, 16);
  refuses<MarlinScales<std::uint8_t>>(96, 2);
  refuses<MarlinZeros<4>>(32, 1);
  refuses<GgmlCodes<GgmlMXFP4>>(1, 48);
  refuses<GgmlCodes<GgmlNVFP4>>(1, 32);
  refuses<GgmlScales<GgmlNVFP4>>(1, 6);
  CHECK(Linear<>({4, 4}, {4, 3}).check() == errc::unsupported_layout);
}

TEST_CASE("padding is written with what was asked, and only padding", "[layout]") {
  const bytes scales(5 * 3, 0x55);
  for (const std::uint8_t pad : {std::uint8_t{0}, std::uint8_t{0x7F}}) {
    const auto padding_of = [&](const auto& layout) {
      bytes out(static_cast<std::size_t>(layout.bytes()), 0xEE);
      REQUIRE(nvq::to_layout(layout, scales, out, pad));
      std::size_t pads = 0, values = 0;
      for (const std::uint8_t b : out) {
        pads += b == pad;
        values += b == 0x55;
      }
      CHECK(values == 15);
      return pads;
    };
    CHECK(padding_of(Linear<>({5, 3}, {16, 4})) == 64 - 15);
    CHECK(padding_of(Blocked128x4({5, 3})) == 512 - 15);
    CHECK(padding_of(Blocked8x4({5, 3})) == 32 - 15);
    CHECK(padding_of(DeepGemmUE8M0({5, 3})) == 32 - 15);
  }
}

TEST_CASE("padding of a source is never read", "[layout]") {
  const nvq::shape2d shape(5, 3);
  bytes zeros(512, 0x00), ones(512, 0xFF);
  const Blocked128x4 layout(shape);
  for (std::int64_t r = 0; r < 5; ++r)
    for (std::int64_t c = 0; c < 3; ++c) {
      const auto at = static_cast<std::size_t>(layout.offset(r, c));
      zeros[at] = ones[at] = static_cast<std::uint8_t>(r * 3 + c + 1);
    }
  bytes a(15), b(15);
  REQUIRE(nvq::from_layout(layout, zeros, a));
  REQUIRE(nvq::from_layout(layout, ones, b));
  CHECK(a == b);
  CHECK(a.front() == 1);
  CHECK(a.back() == 15);
}

TEST_CASE("offset_binary flips the top bit of a code and no other", "[layout]") {
  const bytes codes = {0x80, 0xF7};  // 0, -8, 7, -1 as two's complement nibbles
  bytes out(2);
  REQUIRE(nvq::convert_layout(LinearCodes<4>({1, 4}), codes, LinearCodes<4>({1, 4}), out, std::uint8_t{0},
                              nvq::Recode::offset_binary));
  CHECK(out == bytes{0x08, 0x7F});  // 8, 0, 15, 7
  const bytes wide = {0x80, 0x00, 0x7F};
  out.resize(3);
  REQUIRE(nvq::convert_layout(LinearCodes<8>({1, 3}), wide, LinearCodes<8>({1, 3}), out, std::uint8_t{0},
                              nvq::Recode::offset_binary));
  CHECK(out == bytes{0x00, 0x80, 0xFF});
}
