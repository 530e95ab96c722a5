// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "support/catch.hpp"
#include "verify.hpp"

// What the tests of nvq convert share.

namespace test {

inline Outcome convert(const fs::path& from, const fs::path& to, const std::string& dialect,
                       std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"convert", from.string(), to.string(), "--to", dialect});
  return nvq(more);
}

/// Converting this checkpoint fails with an error that has all these parts, and leaves nothing behind.
inline void expect_refusal(const Ckpt& c, const std::string& to, const std::vector<std::string>& parts) {
  const TempDir dir;
  c.write(dir / "a");
  const Outcome no = convert(dir / "a", dir / "b", to);
  INFO(to << ": " << no.err);
  CHECK(no.status == 1);
  for (const std::string& part : parts) {
    INFO(part);
    CHECK(no.err.find(part) != std::string::npos);
  }
  CHECK(!fs::exists(dir / "b"));
  CHECK(!fs::exists(dir / "b.partial"));
}

}  // namespace test
