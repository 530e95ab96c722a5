// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <csignal>

namespace app {

namespace detail {
inline volatile std::sig_atomic_t interrupt_flag = 0;
}

/// Lets SIGINT and SIGTERM end a command between two tasks, so that it cleans up behind itself. Writing
/// beyond a file-size limit becomes an error of that write and not a signal.
inline void watch_interrupts() {
  const auto note = [](int) { detail::interrupt_flag = 1; };
  std::signal(SIGINT, note);
  std::signal(SIGTERM, note);
  std::signal(SIGXFSZ, SIG_IGN);
}

inline bool interrupted() { return detail::interrupt_flag != 0; }

}  // namespace app
