// SPDX-License-Identifier: Apache-2.0
// Packed weights times one vector, and times a small batch. The bytes are those of the packed weights: beside "read" is how
// near a product is to only reading them.

#include <cstdlib>
#include <memory>
#include <nvq/formats.hpp>
#include <nvq/gemv.hpp>
#include <vector>

#include "case.hpp"

namespace bench {
namespace {

nvq::executor_ref executor(unsigned threads) {
  return threads == 1 ? nvq::executor_ref() : nvq::executor_ref(pool(threads));
}

template <class F, bool Int8>
void add_product(const char* what, std::int64_t batch, const place& where, unsigned threads) {
  const std::string name = std::string(what) + '/' + nvq::format_name<F> + '/' + (Int8 ? "int8" : "f32") +
                           "/batch " + std::to_string(batch);
  add(name, where, threads, [=] {
    const auto in = input<float>(where.values());
    const auto w = std::make_shared<const nvq::quantized<F>>(
        nvq::quantize<F>(nvq::matrix_view<const float>(in.data(), {where.rows, where.columns})));
    const auto y = std::make_shared<std::vector<float>>(static_cast<std::size_t>(batch * where.rows));
    const double packed = static_cast<double>(w->codes().size() + w->zero_points().size() +
                                              w->scales().size() * sizeof(typename F::scale_type));
    const nvq::matrix_view<const float> x(in.data(), {batch, where.columns});
    return work{static_cast<double>(where.values()), packed, 4.0 * static_cast<double>(y->size()), [=] {
                  const nvq::matrix_view<float> out(y->data(), {batch, where.rows});
                  nvq::result done;
                  if constexpr (Int8)
                    done = nvq::gemm_int8(*w, x, out, executor(threads));
                  else
                    done = nvq::gemm(*w, x, out, executor(threads));
                  if (!done) std::abort();
                }};
  });
}

template <class F>
void add_float(const place& where, unsigned threads) {
  add_product<F, false>("gemv", 1, where, threads);
}
template <class F>
void add_both(const place& where, unsigned threads) {
  add_float<F>(where, threads);
  add_product<F, true>("gemv", 1, where, threads);
}

}  // namespace

void add_product_cases() {
  for_each_setting([](const place& where, unsigned threads) {
    add_both<nvq::NVFP4>(where, threads);
    add_both<nvq::MXFP4>(where, threads);
    add_both<nvq::INT4_G128>(where, threads);
    add_both<nvq::INT4_G128_ZP>(where, threads);
    add_both<nvq::INT8_Row>(where, threads);
    add_float<nvq::NF4>(where, threads);
    add_float<nvq::FP8_E4M3_Row>(where, threads);
    add_float<nvq::MXFP8_E4M3>(where, threads);
    add_float<nvq::MXFP6_E2M3>(where, threads);
    add_product<nvq::INT4_G128, false>("gemm", 8, where, threads);
    add_product<nvq::INT4_G128, true>("gemm", 8, where, threads);
  });
}

}  // namespace bench
