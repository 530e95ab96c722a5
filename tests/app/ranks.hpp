// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app.hpp"

// What the tests of several processes share.

namespace test {

bool contains(const std::string& text, const std::string& part);

/// One file with the experts of a Mixtral, whose w1 and w3 share a scale, and a few layers of attention.
void write_experts(const fs::path& directory);

/// `nvq quantize MODEL OUT` with batches of one tensor each.
std::vector<std::string> quantize_command(const fs::path& model, const fs::path& out,
                                          const std::vector<std::string>& more = {});

}  // namespace test
