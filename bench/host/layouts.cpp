// SPDX-License-Identifier: Apache-2.0
// Conversions of whole grids between layouts.

#include <cstdio>
#include <cstdlib>
#include <nvq/layout.hpp>

#include "case.hpp"

namespace bench {

namespace {

/// A grid of rows x columns units, both ways.
template <class L>
void add_layout(const char* name, const place& where, unsigned threads) {
  const auto convert = [&](const char* way, auto there) {
    add(std::string("convert/") + name + "/-/" + way, where, threads, [=] {
      const L layout({where.rows, where.columns});
      const auto linear = layout.linear();
      const auto a = static_cast<std::size_t>(linear.elements()),
                 b = static_cast<std::size_t>(layout.elements());
      auto* first = static_cast<std::uint8_t*>(output(0, a));
      auto* second = static_cast<std::uint8_t*>(output(1, b));
      const double read = static_cast<double>(there ? a : b), written = static_cast<double>(there ? b : a);
      return work{static_cast<double>(where.values()), read, written, [=] {
                    nvq::executor_ref executor;
                    if (threads > 1) executor = pool(threads);
                    const nvq::result done =
                        there ? nvq::convert_layout(linear, {first, a}, layout, {second, b}, executor)
                              : nvq::convert_layout(layout, {second, b}, linear, {first, a}, executor);
                    if (!done) std::abort();
                  }};
    });
  };
  convert("to", std::true_type());
  convert("from", std::false_type());
}

}  // namespace

void add_layout_cases() {
  for_each_setting([](const place& usual, unsigned threads) {
    const place where{usual.name, 4 * usual.rows, usual.columns / 4};  // Marlin's tiles are 64 rows high.
    add_layout<nvq::layout::Blocked128x4>("Blocked128x4", where, threads);
    add_layout<nvq::layout::DeepGemmUE8M0>("DeepGemmUE8M0", where, threads);
    add_layout<nvq::layout::GptqWeights<4>>("GptqWeights", where, threads);
    add_layout<nvq::layout::AwqWeights>("AwqWeights", where, threads);
    add_layout<nvq::layout::MarlinWeights<4>>("MarlinWeights", where, threads);
    add_layout<nvq::layout::GgmlCodes<nvq::layout::GgmlMXFP4>>("GgmlMXFP4", where, threads);
  });
}

}  // namespace bench
