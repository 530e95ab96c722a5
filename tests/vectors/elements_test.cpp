// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <nvq/element.hpp>
#include <nvq/float16.hpp>
#include <string>

#include "support/catch.hpp"
#include "support/vectors.hpp"

using namespace nvq_test;

namespace {

bool same_value(float a, float b) {
  return (std::isnan(a) && std::isnan(b)) || nvq::float_bits(a) == nvq::float_bits(b);
}

template <class E>
void check_decode(const Vectors& owner, const std::string& name) {
  const auto values = owner.tensor<float>(name + ".decode");
  REQUIRE(values.size() == std::size_t{1} << E::bits);
  for (std::size_t c = 0; c < values.size(); ++c) {
    INFO(name << " code " << c);
    CHECK(same_value(E::decode(static_cast<std::uint8_t>(c)), values[c]));
  }
}

/// All 65536 bfloat16 and all 65536 binary16 inputs. NaN: the owner keeps its sign, or has no rule where the
/// element has no NaN.
template <class E, class Skip>
void check_encode(const Vectors& owner, const std::string& name, Skip skip) {
  for (const bool bf16 : {true, false}) {
    const auto codes = owner.tensor<std::uint8_t>(name + (bf16 ? ".from_bf16" : ".from_f16"));
    REQUIRE(codes.size() == 65536);
    std::size_t different = 0, compared = 0;
    for (std::size_t bits = 0; bits < codes.size(); ++bits) {
      const auto b = static_cast<std::uint16_t>(bits);
      const float x =
          bf16 ? nvq::to_float(nvq::bfloat16::from_bits(b)) : nvq::to_float(nvq::half::from_bits(b));
      if (skip(x)) continue;
      ++compared;
      const std::uint8_t ours = E::encode(x, nvq::Rounding::nearest_even, nvq::Overflow::special);
      if (std::isnan(E::decode(codes[bits])) ? std::isnan(E::decode(ours)) : ours == codes[bits]) continue;
      INFO(name << (bf16 ? " bf16 " : " f16 ") << bits << " x " << x << ": " << int{ours} << ", owner "
                << int{codes[bits]});
      if (++different < 4) CHECK(ours == codes[bits]);
    }
    CHECK(different == 0);
    CHECK(compared > 30000);
  }
}

bool is_nan(float x) { return std::isnan(x); }
bool nothing(float) { return false; }

}  // namespace

TEST_CASE("Elements decode as ml_dtypes", "[vectors][elements]") {
  const Vectors owner("elements_ml_dtypes.safetensors");
  check_decode<nvq::E2M1>(owner, "float4_e2m1fn");
  check_decode<nvq::E2M3>(owner, "float6_e2m3fn");
  check_decode<nvq::E3M2>(owner, "float6_e3m2fn");
  check_decode<nvq::E4M3>(owner, "float8_e4m3fn");
  check_decode<nvq::E5M2>(owner, "float8_e5m2");
  check_decode<nvq::E4M3FNUZ>(owner, "float8_e4m3fnuz");
  check_decode<nvq::E5M2FNUZ>(owner, "float8_e5m2fnuz");
  check_decode<nvq::E8M0>(owner, "float8_e8m0fnu");
  check_decode<nvq::Int4>(owner, "int4");
  check_decode<nvq::UInt4>(owner, "uint4");
}

TEST_CASE("Elements encode as ml_dtypes, without saturation", "[vectors][elements]") {
  const Vectors owner("elements_ml_dtypes.safetensors");
  check_encode<nvq::E2M1>(owner, "float4_e2m1fn", is_nan);
  check_encode<nvq::E2M3>(owner, "float6_e2m3fn", is_nan);
  check_encode<nvq::E3M2>(owner, "float6_e3m2fn", is_nan);
  check_encode<nvq::E4M3>(owner, "float8_e4m3fn", nothing);
  check_encode<nvq::E5M2>(owner, "float8_e5m2", nothing);
  check_encode<nvq::E4M3FNUZ>(owner, "float8_e4m3fnuz", nothing);
  check_encode<nvq::E5M2FNUZ>(owner, "float8_e5m2fnuz", nothing);
}

TEST_CASE("E8M0 encodes as ml_dtypes between powers of two", "[vectors][elements]") {
  // ml_dtypes sends ties up, everything between 2^-127 and 2^-126 to 2^-126, and zero and negative values to
  // NaN; CUDA, and so nvq, ignores the sign and has ties to even.
  const auto skip = [](float x) {
    return !(x >= std::ldexp(1.0f, -126)) || (nvq::float_bits(x) & 0x7FFFFFu) == 0x400000u;
  };
  check_encode<nvq::E8M0>(Vectors("elements_ml_dtypes.safetensors"), "float8_e8m0fnu",
                          [&](float x) { return skip(x); });
}

TEST_CASE("half and bfloat16 convert as numpy and ml_dtypes", "[vectors][elements]") {
  const Vectors owner("elements_float16.safetensors");
  const auto f16 = owner.tensor<float>("f16_to_f32");
  REQUIRE(f16.size() == 65536);
  for (std::size_t b = 0; b < f16.size(); ++b)
    CHECK(same_value(nvq::to_float(nvq::half::from_bits(static_cast<std::uint16_t>(b))), f16[b]));
  const auto f32 = owner.tensor<float>("f32");
  const auto to_f16 = owner.tensor<std::uint16_t>("f32_to_f16"),
             to_bf16 = owner.tensor<std::uint16_t>("f32_to_bf16");
  for (std::size_t i = 0; i < f32.size(); ++i) {
    INFO(f32[i]);
    if (std::isnan(f32[i])) {
      CHECK(std::isnan(nvq::to_float(nvq::half(f32[i]))));
      CHECK(std::isnan(nvq::to_float(nvq::bfloat16(f32[i]))));
    } else {
      CHECK(nvq::half(f32[i]).bits == to_f16[i]);
      CHECK(nvq::bfloat16(f32[i]).bits == to_bf16[i]);
    }
  }
}
