// SPDX-License-Identifier: Apache-2.0
#include "convert/scheme.hpp"

#include <string>

namespace app {

namespace {

using nvq::io::activation_kind;
using nvq::io::dialect;
using nvq::io::part;
using nvq::io::weight_kind;
using nvq::io::weight_scheme;

bool int4_dialect(dialect d) { return d == dialect::gptq || d == dialect::gptq_v2 || d == dialect::awq; }

/// Why the dialect has no words for the scheme, which check() has refused.
std::string why_not(const weight_scheme& t, const std::string& otherwise) {
  if (t.owner == dialect::modelopt && t.kind == weight_kind::fp8_tensor)
    return "modelopt's FP8 has a calibrated input_scale per layer, and there is none here";
  weight_scheme usual = t;
  usual.activations = nvq::io::usual_activations(t.owner, t.kind);
  if (t.owner == dialect::gpt_oss || int4_dialect(t.owner)) usual.activations = activation_kind::none;
  if (usual.activations == t.activations || !nvq::io::check(usual)) return otherwise;
  const char* wanted = usual.activations == activation_kind::dynamic ? "dynamic" : "none";
  return std::string("the dialect ") + nvq::io::name(t.owner) + " has this format with activations '" +
         wanted + "' only" +
         (t.activations == activation_kind::calibrated
              ? ""
              : std::string("; where the engine may do that, say --activations ") + wanted);
}

}  // namespace

nvq::io::expected<weight_scheme> converted_scheme(const weight_scheme& from, dialect to) {
  if (from.owner == dialect::gpt_oss)
    return nvq::io::error{
        "no engine reads the experts of GPT-OSS in another dialect: where each is a module, transformers "
        "leaves "
        "them at random values and vLLM passes over them"};
  weight_scheme t = from;
  t.owner = to;
  if (to == dialect::awq) t.zero_points = t.kind == weight_kind::int4_group;
  // Model Optimizer's name says weight-only, but engines run it as they do the other dialects': activations
  // in groups of 128, quantized as they go.
  if (t.kind == weight_kind::fp8_block) {
    if (to == dialect::modelopt) t.activations = activation_kind::none;
    if (from.owner == dialect::modelopt) t.activations = activation_kind::dynamic;
  }
  if (auto ok = nvq::io::check(t); !ok) return nvq::io::error{why_not(t, ok.error().message)};
  return t;
}

bool same_numbers(const weight_scheme& a, const weight_scheme& b) {
  return a.kind == b.kind && a.group == b.group;
}

Content content_of(part what) {
  switch (what) {
    case part::codes:
    case part::offset_codes:
    case part::gptq_codes:
    case part::awq_codes:
    case part::high_first_codes:
      return Content::codes;
    case part::block_scales:
    case part::group_major_scales:
      return Content::scales;
    case part::zero_points:
    case part::gptq_zeros:
    case part::awq_zeros:
      return Content::zeros;
    case part::multiplier:
    case part::divisor:
      return Content::tensor_scale;
    case part::input_multiplier:
    case part::input_divisor:
      return Content::input_scale;
    case part::group_index:
      return Content::index;
    default:
      return Content::other;
  }
}

std::vector<nvq::io::stored_part> carried_parts(const weight_scheme& s, std::int64_t rows,
                                                std::int64_t columns, nvq::io::dtype wide) {
  std::vector<nvq::io::stored_part> all = nvq::io::parts(s, rows, columns, wide);
  for (nvq::io::stored_part& p : all)
    if (p.what == part::group_major_scales) p.type = wide;
  return all;
}

}  // namespace app
