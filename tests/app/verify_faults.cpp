// SPDX-License-Identifier: Apache-2.0
// Every fault, put into a clean checkpoint, is found by the name of its rule and its tensor.
#include "verify_faults.hpp"

#include <set>

using namespace test;

namespace {

Faults all_faults() {
  Faults all = tensor_faults();
  for (Fault& f : config_faults()) all.push_back(std::move(f));
  return all;
}

}  // namespace

TEST_CASE("every fault in tensors and configuration is found by name", "[app][verify]") {
  for (const Fault& f : all_faults()) {
    Ckpt c = checkpoint_of(f.dialect, f.experts);
    f.spoil(c);
    const Verdict v = examine(c, f.options);
    INFO("expected " << f.rule << ' ' << f.subject << " in " << f.dialect << "; found:\n" << v.all());
    CHECK(v.status == 1);
    CHECK(v.found(f.rule, f.subject));
  }
}

TEST_CASE("a fault has no others in its wake", "[app][verify]") {
  // One finding for one fault, unless the fault really breaks two rules.
  const std::set<std::string> alone = {"V1", "V3", "V4", "V5", "V7", "V14", "V15", "V18", "V23", "N-dead"};
  for (const Fault& f : all_faults()) {
    if (alone.count(f.rule) == 0) continue;
    Ckpt c = checkpoint_of(f.dialect, f.experts);
    f.spoil(c);
    const Verdict v = examine(c, f.options);
    std::set<std::string> rules;
    for (const json& finding : v.report["findings"]) rules.insert(finding["rule"].get<std::string>());
    INFO(f.rule << ' ' << f.subject << " in " << f.dialect << ":\n" << v.all());
    if (f.rule ==
        "V18") {  // what cannot be parsed leaves layers without a scheme, and a cache without scales
      rules.erase("V9");
      rules.erase("V17");
    }
    CHECK(rules == std::set<std::string>{f.rule});
  }
}

TEST_CASE("every rule in the documentation has a fault that it finds", "[app][verify]") {
  // These are in verify_files.cpp, verify_source.cpp and verify_awq.cpp.
  std::set<std::string> rules = {"V20",       "V22",       "N-shard",  "N-files",
                                 "N-nibbles", "N-swizzle", "N-source", "N-order"};
  for (const Fault& f : all_faults()) rules.insert(f.rule);
  std::set<std::string> documented;
  std::ifstream page(fs::path(NVQ_DATA_DIR) / ".." / ".." / "docs" / "verify.md");
  for (std::string line; std::getline(page, line);)
    if (line.rfind("| V", 0) == 0 || line.rfind("| N-", 0) == 0)
      documented.insert(line.substr(2, line.find(' ', 2) - 2));
  CHECK(documented.size() == 36);
  CHECK(documented == rules);
}
