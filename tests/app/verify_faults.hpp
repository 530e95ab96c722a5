// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <limits>

#include "support/catch.hpp"
#include "verify.hpp"

// Faults to be put into clean checkpoints, and how.

namespace test {

inline constexpr float nan = std::numeric_limits<float>::quiet_NaN(),
                       inf = std::numeric_limits<float>::infinity();

inline const std::string attn = "model.layers.1.self_attn.", mlp = "model.layers.0.mlp.",
                         expert = "model.layers.1.mlp.experts.2.";

struct Fault {
  std::string rule, subject, dialect;
  bool experts;
  std::function<void(Ckpt&)> spoil;
  std::vector<std::string> options = {};
};

inline void drop(Ckpt& c, const std::string& name) {
  INFO(name);
  REQUIRE(c.tensors.erase(name) == 1);
}

inline void set_float(Ckpt& c, const std::string& name, float value) {
  std::memcpy(c[name].bytes.data(), &value, 4);
}

inline void reshape(Ckpt& c, const std::string& name, std::vector<std::int64_t> shape) {
  Raw& t = c[name];
  std::int64_t before = 1, after = 1;
  for (const std::int64_t d : t.shape) before *= d;
  for (const std::int64_t d : shape) after *= d;
  t.bytes.resize(t.bytes.size() * static_cast<std::size_t>(after) / static_cast<std::size_t>(before), '\x44');
  t.shape = std::move(shape);
}

/// Both lists of a ModelOpt checkpoint.
inline void exclude(Ckpt& c, const json& entries) {
  c.q()["ignore"] = entries;
  c.hf_quant_config["quantization"]["exclude_modules"] = entries;
}

inline void fill(Raw& t, std::uint8_t byte) { t.bytes.assign(t.bytes.size(), static_cast<char>(byte)); }

inline void plain_again(Ckpt& c, const std::string& module, std::int64_t rows, std::int64_t columns) {
  for (auto it = c.tensors.begin(); it != c.tensors.end();)
    it = it->first.rfind(module + '.', 0) == 0 ? c.tensors.erase(it) : std::next(it);
  c.tensors[module + ".weight"] = weights("BF16", rows, columns, 1);
}

struct Faults : std::vector<Fault> {
  void add(std::string rule, std::string subject, std::string dialect, bool experts,
           std::function<void(Ckpt&)> spoil, std::vector<std::string> options = {}) {
    push_back({std::move(rule), std::move(subject), std::move(dialect), experts, std::move(spoil),
               std::move(options)});
  }
};
Faults tensor_faults();  ///< V1 to V7, V14, V15, V24
Faults config_faults();  ///< the others

}  // namespace test
