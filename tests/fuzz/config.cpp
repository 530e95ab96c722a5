// SPDX-License-Identifier: Apache-2.0
// quantization_config and hf_quant_config.json: the JSON, and what is read out of it.
#include <nvq/io/dialect_json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz.hpp"

namespace {

using nvq::io::json;
using nvq::io::quantization;

int depth_of(const json& value) {
  int deepest = 0;
  if (value.is_structured())
    for (const json& inner : value) deepest = std::max(deepest, depth_of(inner));
  return value.is_structured() ? deepest + 1 : 0;
}

/// compressed-tensors says of a scheme for all linear layers that it targets "Linear".
std::vector<std::string> targets_of(const nvq::io::scheme_use& use) {
  return use.targets == std::vector<std::string>{"Linear"} ? std::vector<std::string>{} : use.targets;
}

bool same(const quantization& a, const quantization& b) {
  if (a.owner != b.owner || a.ignore != b.ignore || a.fp8_kv_cache != b.fp8_kv_cache ||
      a.uses.size() != b.uses.size())
    return false;
  for (std::size_t i = 0; i < a.uses.size(); ++i)
    if (a.uses[i].scheme != b.uses[i].scheme || targets_of(a.uses[i]) != targets_of(b.uses[i])) return false;
  return true;
}

/// A text of our own making must say the same again.
void check_read_back(const quantization& q, const json& written) {
  const auto document = nvq::io::parse_json(nvq::io::dump_json(written));
  fuzz::require(static_cast<bool>(document), "a configuration that was written is JSON");
  const auto back = nvq::io::parse_quantization_config(*document);
  fuzz::require(static_cast<bool>(back), "a configuration that was written can be read");
  fuzz::require(same(q, *back), "a configuration comes back");
}

void check_quantization(const json& config) {
  const auto q = nvq::io::parse_quantization_config(config);
  if (!q) {
    fuzz::require(!q.error().message.empty(), "a refusal says why");
    return;
  }
  fuzz::require(!q->uses.empty(), "a quantization has a scheme");
  for (const nvq::io::scheme_use& use : q->uses) {
    fuzz::require(use.scheme.owner == q->owner, "schemes are of the configuration's dialect");
    fuzz::require(nvq::io::column_multiple(use.scheme) >= 1, "schemes have a group");
    for (const std::string& target : use.targets)
      fuzz::require(q->find(target) != nullptr, "every target finds a scheme");
    // Others write what this library would not: it has to be read, and is never written.
    if (!nvq::io::check(use.scheme)) return;
  }
  check_read_back(*q, nvq::io::quantization_config(*q));
  if (const auto second = nvq::io::second_config(*q); second.file != nullptr)
    check_read_back(*q, second.content);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto document = nvq::io::parse_json({reinterpret_cast<const char*>(data), size});
  if (!document) {
    fuzz::require(!document.error().message.empty(), "a refusal says why");
    return 0;
  }
  fuzz::require(depth_of(*document) <= nvq::io::max_json_depth(), "nesting is bounded");
  const auto again = nvq::io::parse_json(nvq::io::dump_json(*document));
  fuzz::require(again && *again == *document, "a document comes back");
  check_quantization(*document);
  if (document->is_object() && document->contains("quantization_config"))
    check_quantization((*document)["quantization_config"]);
  return 0;
}
