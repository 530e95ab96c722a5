// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "data.hpp"
#include "report.hpp"

namespace tiers {
namespace {

/// What encode() might have written, and anything else that decode() must take.
struct Quantized {
  std::size_t rows, columns;
  std::vector<std::uint8_t> codes, scales, zero_points;
};

/// Random codes; scales as given by scale(block), little endian.
template <class Scale>
Quantized make(const Format& f, std::size_t rows, std::size_t columns, Scale scale) {
  oracle::Lcg random(rows * 1000 + columns);
  Quantized q{rows, columns, {}, {}, {}};
  q.codes.resize(f.codes_bytes(rows, columns));
  for (auto& c : q.codes) c = static_cast<std::uint8_t>(random.bits());
  const std::size_t scales = f.scales_count(rows, columns);
  for (std::size_t b = 0; b < scales; ++b) {
    const std::uint32_t bits = scale(random, b);
    for (std::size_t i = 0; i < f.scale_bytes; ++i)
      q.scales.push_back(static_cast<std::uint8_t>(bits >> 8 * i));
  }
  q.zero_points.resize(f.has_zero_point ? f.blocks_count(rows, columns) : 0);
  for (auto& z : q.zero_points) z = static_cast<std::uint8_t>(random.bits());
  return q;
}

/// Bits of a scale of an ordinary magnitude.
std::uint32_t usual_scale(const Format& f, oracle::Lcg& random) {
  if (f.scale_bytes == 1) return random.bits() & 0x7Fu;
  const float x =
      std::ldexp(1.0f + static_cast<float>(random.uniform()), static_cast<int>(random.bits() % 8) - 8);
  if (f.scale_bytes == 2) return half(x).bits;
  return oracle::to_bits(x);
}

template <class T>
void compare(Report& report, const Format& f, const std::string& what, const Quantized& q, float tensor_scale,
             std::size_t stride, std::size_t offset, nvq::executor_ref executor = {}) {
  // An odd address for the codes.
  std::vector<std::uint8_t> codes(1, 0);
  codes.insert(codes.end(), q.codes.begin(), q.codes.end());
  std::vector<std::uint8_t> filled((q.rows * stride + offset + guard) * sizeof(T), guard_byte);
  std::vector<T> wanted(filled.size() / sizeof(T)), got(wanted.size());
  const auto decode = [&](std::vector<T>& out, nvq::executor_ref how) {
    std::memcpy(static_cast<void*>(out.data()), filled.data(), filled.size());
    return f.decode.get<T>()(
        codes.data() + 1, q.scales.data(), q.zero_points.data(), tensor_scale, how,
        nvq::matrix_view<T>(out.data() + offset, {q.rows, q.columns}, static_cast<std::int64_t>(stride)));
  };
  const bool ok =
      report.scalar([&] { return decode(wanted, {}); }) && report.tier([&] { return decode(got, executor); });
  const std::string name = std::string(f.name) + " to " + std::to_string(8 * sizeof(T)) + " bits, " + what;
  if (!ok) report.fail(name + ": refused");
  report.same(name, "values", wanted.data(), got.data(), filled.size());
}

/// All codes under all scales of a byte, all of two, or many of four.
template <class T>
void check_codes(Report& report, const Format& f) {
  const std::size_t wide = f.block_columns == 0 ? 256 : f.block_columns;
  const std::size_t repeat = wide < 256 ? 256 / wide : 1;  // blocks with a scale, to have all codes of 8 bits
  const std::size_t blocks = (f.scale_bytes == 1   ? 256u
                              : f.scale_bytes == 2 ? 65536u
                                                   : 2048u) *
                             (f.bits == 4 ? 1 : repeat);
  const std::size_t across = f.block_columns == 0 ? 1 : wide >= 512 ? 8 : 256;
  const std::size_t columns = across * wide;
  std::size_t rows = (blocks + across - 1) / across;
  if (f.block_rows == 0 || f.block_columns == 0) rows = 64;
  if (f.block_rows > 1) rows = f.block_rows + 2;
  if (f.scale_bytes == 1 && f.blocks_count(rows, columns) != f.scales_count(rows, columns))
    rows = 32;  // packed
  const std::uint32_t specials[] = {0u,          0x80000000u, 1u,          0x007FFFFFu,
                                    0x00800000u, 0x7F7FFFFFu, 0x7F800000u, 0xFF800000u,
                                    0x7FC00000u, 0x3F800000u, 0xBF99999Au, 0x00400000u};
  const Quantized q = make(f, rows, columns, [&](oracle::Lcg& random, std::size_t b) -> std::uint32_t {
    if (f.scale_bytes < 4) return static_cast<std::uint32_t>(f.bits == 4 ? b : b / repeat);
    return b % 3 == 0   ? specials[b / 3 % 12]
           : b % 3 == 1 ? random.bits() & 0xFF7FFFFFu
                        : usual_scale(f, random);
  });
  Quantized in_order = q;
  for (std::size_t i = 0; i < q.codes.size(); ++i)
    in_order.codes[i] = static_cast<std::uint8_t>(f.bits == 4 ? i % 8 * 34 + 16 : i);
  for (const float scale : {1.0f, 0.37f}) {
    if (quick && scale == 1.0f) continue;
    compare<T>(report, f, "all codes and scales, random", q, scale, columns, 0);
    compare<T>(report, f, "all codes and scales, in order", in_order, scale, columns + 1, 1);
  }
  if (f.scale_bytes == 2 || quick) return;
  const float inf = std::numeric_limits<float>::infinity();
  for (const float scale : {0.0f, -1.5f, 1e-38f, 1e-44f, 3e38f, inf, oracle::from_bits(0x7FC00000u)})
    compare<T>(report, f, "tensor scale " + std::to_string(scale), q, scale, columns, 0);
}

template <class T>
void check_shapes(Report& report, const Format& f) {
  const auto shape = [&](std::size_t rows, std::size_t columns, std::size_t stride, std::size_t offset,
                         nvq::executor_ref executor = {}) {
    const Quantized q =
        make(f, rows, columns, [&](oracle::Lcg& random, std::size_t) { return usual_scale(f, random); });
    compare<T>(report, f,
               std::to_string(rows) + " rows of " + std::to_string(columns) + ", stride " +
                   std::to_string(stride) + ", offset " + std::to_string(offset),
               q, 0.75f, stride, offset, executor);
  };
  for (std::size_t columns = 1; columns <= 300; columns += quick ? 13 : 1) {
    shape(1, columns, columns, columns % 16);
    shape(2 + columns % 3, columns, columns + columns % 5, columns % 7);
  }
  for (const std::size_t columns : {8192u, 8192u + 48u, 9000u}) {
    shape(3, columns, columns, 1);
    shape(3, columns, columns + 3, 0);
  }
  shape(0, 32, 32, 0);
  shape(130, 130, 131, 1);
  Threads threads;
  shape(400, 512, 512, 0, threads);
  shape(400, 500, 501, 1, threads);
}

/// Output beyond what caches hold, aligned and not, from one thread and from three.
template <class T>
void check_large(Report& report, const Format& f) {
  const std::size_t columns = 1024, rows = (std::size_t{34} << 20) / columns / sizeof(T);
  const Quantized q =
      make(f, rows, columns, [&](oracle::Lcg& random, std::size_t) { return usual_scale(f, random); });
  const auto decode = [&](T* out, nvq::executor_ref executor) {
    std::memset(static_cast<void*>(out), guard_byte, rows * columns * sizeof(T));
    return f.decode.get<T>()(q.codes.data(), q.scales.data(), q.zero_points.data(), 0.75f, executor,
                             nvq::matrix_view<T>(out, {rows, columns}));
  };
  const auto aligned = [](std::vector<T>& v) {
    return v.data() + (64 - reinterpret_cast<std::uintptr_t>(v.data()) % 64) % 64 / sizeof(T);
  };
  std::vector<T> a(rows * columns + 64), b(rows * columns + 64);
  const std::string name = std::string(f.name) + " to " + std::to_string(8 * sizeof(T)) + " bits, large";
  report.scalar([&] { return decode(aligned(a), {}); });
  Threads threads;
  report.tier([&] { return decode(aligned(b), threads); });
  report.same(name, "values", aligned(a), aligned(b), rows * columns * sizeof(T));
  report.tier([&] { return decode(aligned(b) + 1, {}); });
  report.same(name + ", unaligned", "values", aligned(a), aligned(b) + 1, rows * columns * sizeof(T));
}

template <class T>
void check_type(Report& report, const std::vector<Codec>& codecs) {
  const char* last = "";
  for (const Codec& codec : codecs) {
    const Format& f = codec.format;
    if (f.name == last) continue;
    last = f.name;
    check_codes<T>(report, f);
    check_shapes<T>(report, f);
    const std::string name = f.name;
    if (quick) continue;
    if (name == "NVFP4" || name == "MXFP6_E2M3" || name == "FP8_E4M3_Row" || name == "INT8" ||
        name == "INT4_G128_ZP")
      check_large<T>(report, f);
  }
}

}  // namespace

void check_decode(Report& report) {
  const std::vector<Codec> codecs = all_codecs();
  check_type<float>(report, codecs);
  check_type<bfloat16>(report, codecs);
  check_type<half>(report, codecs);
}

}  // namespace tiers
