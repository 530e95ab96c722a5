// SPDX-License-Identifier: Apache-2.0
// expect: nodiscard
#include <nvq/status.hpp>

nvq::result work();

int main() {
#ifdef NVQ_CORRECT
  return work() ? 0 : 1;
#else
  work();
#endif
}
