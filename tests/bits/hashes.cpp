// SPDX-License-Identifier: Apache-2.0
// Prints one line of hashes for every format and recipe: codes, scales with zero points, decoded values.
// Every compiler, optimisation level and processor must print hashes.txt. Inputs are made with integer
// arithmetic only.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <nvq/nvq.hpp>
#include <tuple>
#include <type_traits>
#include <vector>

namespace {

class Fnv {
 public:
  void add(std::uint32_t word) {
    for (int i = 0; i < 4; ++i) hash_ = (hash_ ^ (word >> (8 * i) & 0xFFu)) * 0x100000001B3u;
  }
  // NaNs are alike: processors differ in the sign and payload of the ones they make.
  void add(float x) { add(x != x ? 0x7FC00000u : nvq::float_bits(x)); }
  template <class T>
  void add(const std::vector<T>& values) {
    for (const T& x : values)
      if constexpr (std::is_same<T, float>::value)
        add(x);
      else
        add(static_cast<std::uint32_t>(x));
  }
  unsigned long long value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xCBF29CE484222325u;
};

constexpr std::size_t rows = 41, columns = 331;  // no multiple of any block

std::uint32_t mix(std::uint32_t x) {
  x = (x ^ x >> 16) * 0x7FEB352Du;
  x = (x ^ x >> 15) * 0x846CA68Bu;
  return x ^ x >> 16;
}

// Magnitudes as weights have them, with rows of every order of magnitude, of few distinct values (ties), of
// zeros with one outlier, and of values that are not finite.
std::vector<float> make_input(bool finite) {
  std::vector<float> values(rows * columns);
  for (std::uint32_t i = 0; i < values.size(); ++i) {
    const std::uint32_t row = i / columns, column = i % columns, random = mix(i + 1);
    const std::uint32_t sign = random & 0x80000000u, mantissa = random & 0x007FFFFFu;
    std::uint32_t exponent = 119 + mix(random) % 8;  // 2^-8 ... 1/2
    if (row % 8 == 3) exponent = 1 + random % 253;
    if (row % 8 == 4) exponent = 20 + row;
    std::uint32_t bits = sign | exponent << 23 | mantissa;
    if (row % 8 == 5) bits = sign | exponent << 23 | (mantissa & 0x00700000u);
    if (row % 8 == 6) bits = column % 47 == 13 ? bits : sign;
    if (row % 8 == 7 && column % 29 == 3) bits = sign | (mantissa & 0xFFu);
    if (!finite && row % 8 == 2 && column % 101 == 7)
      bits = column % 2 != 0 ? 0x7FC00000u : sign | 0x7F800000u;
    values[i] = nvq::float_from_bits(bits);
  }
  return values;
}

template <class F, class R>
void print(const char* kind, const std::vector<float>& input, R recipe,
           const nvq::encode_options& options = {}) {
  const auto q = nvq::quantize<F>(input, {rows, columns}, recipe, options);
  Fnv codes, scales, decoded;
  codes.add(q.codes());
  scales.add(q.scales());
  scales.add(q.zero_points());
  scales.add(q.tensor_scale());
  decoded.add(nvq::dequantize<float>(q));
  std::printf("%-22s %-22s %-10s %016llx %016llx %016llx\n", nvq::format_name<F>, R::name(), kind,
              codes.value(), scales.value(), decoded.value());
}

template <class F, class R>
void print_recipe(F, R recipe) {
  if constexpr (nvq::supports_v<R, F>) {
    print<F>("finite", make_input(true), recipe);
    print<F>("any", make_input(false), recipe);
  }
}

template <class F, class... R>
void print_format(F format, std::tuple<R...>) {
  (print_recipe(format, R{}), ...);
  nvq::encode_options options;
  options.stochastic = true;
  options.seed = 42;
  print<F>("stochastic", make_input(true), nvq::default_recipe<F>{}, options);
}

template <class... F>
void print_all(std::tuple<F...>) {
  (print_format(F{}, nvq::AllRecipes{}), ...);
}

}  // namespace

int main() { print_all(nvq::AllFormats{}); }
