// SPDX-License-Identifier: Apache-2.0
// What `nvq plan` reads out of a config.json: sizes that are multiplied with each other.
#include <cmath>
#include <string_view>

#include "failure.hpp"
#include "fit/architecture.hpp"
#include "fit/shapes.hpp"
#include "fuzz.hpp"

namespace {

void check_caches(const app::fit::Architecture& a) {
  fuzz::require(static_cast<std::int64_t>(a.caches.size()) == a.layers, "every layer has a cache");
  for (const app::fit::LayerCache& c : a.caches)
    fuzz::require(c.values >= 0 && c.window >= 0 && c.state_bytes >= 0, "caches have a size");
  fuzz::require(a.state_bytes() >= 0, "states have a size");
  for (const std::int64_t context : {std::int64_t{1}, std::int64_t{1} << 30}) {
    const double bytes = a.cache_bytes(context, 0.5625);
    fuzz::require(std::isfinite(bytes) && bytes >= 0, "a cache has a size");
    fuzz::require(a.bytes_per_token(0.5625) >= 0, "a token has a size");
  }
}

void check_tensors(const nvq::io::json& config, const app::fit::Architecture& a) {
  // Others are refused or right in the same way, and take a second each.
  if (a.layers * std::max<std::int64_t>(1, a.experts) > 64) return;
  std::int64_t at = 0;
  for (const app::Tensor& t : app::fit::tensors_of(config, a, "config.json")) {
    const auto bytes = nvq::io::byte_count(t.type, t.shape);
    fuzz::require(bytes && *bytes == t.bytes && t.offset == at, "tensors follow each other");
    at += t.bytes;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto config = nvq::io::parse_json({reinterpret_cast<const char*>(data), size});
  if (!config || !config->is_object()) return 0;
  try {
    const app::fit::Architecture a = app::fit::read_architecture(*config, "config.json");
    check_caches(a);
    check_tensors(*config, a);
  } catch (const app::Failure& f) {
    fuzz::require(f.what()[0] != '\0', "a refusal says why");
  }
  return 0;
}
