// SPDX-License-Identifier: Apache-2.0
// The same bytes in a program that flushes subnormal numbers and rounds upwards, whose settings are left as they were.

#include <nvq/metrics.hpp>

#include "data.hpp"
#include "report.hpp"

namespace tiers {
namespace {

#if defined(__x86_64__)
constexpr std::uint64_t odd_settings = 0x8040u | 0x4000u | 0x1F80u;  // FTZ, DAZ, upwards, all masked
std::uint64_t settings() {
  std::uint32_t x = 0;
  __asm__ volatile("stmxcsr %0" : "=m"(x) : : "memory");
  return x & ~0x3Fu;  // without the status flags
}
void set(std::uint64_t settings) {
  const std::uint32_t x = static_cast<std::uint32_t>(settings);
  __asm__ volatile("ldmxcsr %0" : : "m"(x) : "memory");
}
#elif defined(__aarch64__)
constexpr std::uint64_t odd_settings =
    1u << 24 | 1u << 19 | 1u << 25 | 1u << 22 | 1u << 26;  // FZ, FZ16, DN, upwards, AHP
std::uint64_t settings() {
  std::uint64_t x;
  __asm__ volatile("mrs %0, fpcr" : "=r"(x) : : "memory");
  return x;
}
void set(std::uint64_t settings) { __asm__ volatile("msr fpcr, %0" : : "r"(settings) : "memory"); }
#else
constexpr std::uint64_t odd_settings = 0;
std::uint64_t settings() { return 0; }
void set(std::uint64_t) {}
#endif

/// Two threads that are set up as the program is.
struct OddThreads {
  Report* report;
  template <class Fn>
  void operator()(std::size_t n, Fn fn) {
    std::vector<std::thread> threads;
    bool kept[2] = {};
    for (std::size_t t = 0; t < 2; ++t)
      threads.emplace_back([&, t] {
        set(odd_settings);
        for (std::size_t i = t; i < n; i += 2) fn(i);
        kept[t] = settings() == odd_settings;
      });
    for (std::thread& thread : threads) thread.join();
    if (!kept[0] || !kept[1]) report->fail("a thread's float settings");
  }
};

/// fn() among ordinary settings, then among odd ones.
template <class Fn>
void in_both(Report& report, Fn fn) {
  const std::uint64_t ordinary = settings();
  OddThreads threads{&report};
  fn(nvq::executor_ref{}, false);
  for (const nvq::executor_ref& executor : {nvq::executor_ref{}, nvq::executor_ref{threads}}) {
    set(odd_settings);
    fn(executor, true);
    const bool kept = settings() == odd_settings;
    set(ordinary);
    if (!kept) report.fail("the caller's float settings");
  }
}

void check(Report& report, const Codec& codec, const Data& set) {
  const Format& f = codec.format;
  const std::size_t rows = set.values.size() / set.columns;
  const nvq::matrix_view<const float> in(set.values.data(), {rows, set.columns});
  const std::string what = codec.name + " with odd float settings, " + set.name;
  Encoded wanted;
  std::vector<float> wanted_values;
  in_both(report, [&](nvq::executor_ref executor, bool odd) {
    const Encoded e = codec.encode.f32(in, -1.0f, executor);
    std::vector<float> values(set.values.size());
    f.decode.f32(e.codes.data() + guard, e.scales.data() + guard * f.scale_bytes,
                 e.zero_points.data() + guard, 1e-3f, executor,
                 nvq::matrix_view<float>(values.data(), {rows, set.columns}));
    if (!odd) {
      wanted = e;
      wanted_values = values;
    } else {
      report.same(what, "codes", wanted.codes.data(), e.codes.data(), e.codes.size());
      report.same(what, "scales", wanted.scales.data(), e.scales.data(), e.scales.size());
      report.same(what, "zero points", wanted.zero_points.data(), e.zero_points.data(), e.zero_points.size());
      report.same(what, "values", wanted_values.data(), values.data(), values.size() * sizeof(float));
    }
  });
}

void check_amax(Report& report, const Data& set) {
  float wanted = 0.0f;
  in_both(report, [&](nvq::executor_ref executor, bool odd) {
    const float got = nvq::amax(set.values, nvq::NaN::ignore, executor);
    const float shared = nvq::shared_amax(std::vector<float>{1e-42f}, set.values);
    if (!odd) wanted = got;
    report.same(set.name + " with odd float settings", "amax", &wanted, &got, sizeof got);
    report.same(set.name + " with odd float settings", "shared amax", &wanted, &shared, sizeof shared);
  });
}

/// Sums and figures of errors: rounded to nearest, subnormal numbers and all.
void check_measure(Report& report, const Data& set) {
  const std::size_t rows = set.values.size() / set.columns;
  const nvq::matrix_view<const float> in(set.values.data(), {rows, set.columns});
  const auto tiles = nvq::quantize<nvq::MXFP4>(in);
  const auto whole = nvq::quantize<nvq::INT8>(in);
  const std::vector<float> decoded = nvq::dequantize<float>(tiles);
  nvq::error_sums wanted[3];
  in_both(report, [&](nvq::executor_ref executor, bool odd) {
    const nvq::error_sums got[] = {nvq::measure(set.values, decoded, executor),
                                   nvq::measure(in, tiles, executor), nvq::measure(in, whole, executor)};
    for (int i = 0; i < 3; ++i) {
      if (!odd) wanted[i] = got[i];
      const double a[] = {wanted[i].signal,  wanted[i].noise,         wanted[i].decoded,
                          wanted[i].product, wanted[i].max_rel_error, wanted[i].rel_floor};
      const double b[] = {got[i].signal,  got[i].noise,         got[i].decoded,
                          got[i].product, got[i].max_rel_error, got[i].rel_floor};
      report.same(set.name + " with odd float settings", "sums of errors", a, b, sizeof a);
      report.same(set.name + " with odd float settings", "values flushed", &wanted[i].flushed,
                  &got[i].flushed, sizeof got[i].flushed);
    }
  });
}

/// A negative amax is one that is not known, be it ever so small.
void check_negative_amax(Report& report, const Data& set) {
  const nvq::matrix_view<const float> in(set.values.data(), {set.values.size() / set.columns, set.columns});
  const auto wanted = nvq::quantize<nvq::NVFP4>(in);
  nvq::encode_options options;
  options.amax = -nvq::float_from_bits(1);
  in_both(report, [&](nvq::executor_ref, bool) {
    const auto got = nvq::quantize<nvq::NVFP4>(in, options);
    const float a = wanted.tensor_scale(), b = got.tensor_scale();
    report.same(set.name + ", amax -2^-149", "tensor scale", &a, &b, sizeof a);
    std::vector<std::uint8_t> codes(wanted.codes().size()), scales(wanted.scales().size());
    const nvq::result refused = nvq::encode<nvq::NVFP4>(in, codes, scales, options.amax);
    if (refused.ec != nvq::errc::invalid_amax) report.fail(set.name + ", amax -2^-149: not refused");
  });
}

}  // namespace

void check_environment(Report& report) {
  nvq::set_isa(report.tier());
  for (const Data& set : data_sets(quick ? 8 : 160)) {
    if (set.name != "normal" && set.name.find("subnormal") != 0 && set.name != "1e-30") continue;
    check_amax(report, set);
    check_measure(report, set);
    check_negative_amax(report, set);
    Data few = set;
    few.values.resize(4 * set.columns);
    for (const Codec& codec : all_codecs()) check(report, codec, codec.searches ? few : set);
  }
}

}  // namespace tiers
