// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <nvq/thread_pool.hpp>

#include "failure.hpp"
#include "interrupt.hpp"

namespace app {

/// nvq::thread_pool for tasks that may throw: the first exception ends the loop and is thrown to the caller,
/// and so does an interrupt. Tasks are taken in order, so what they compute must not depend on which thread
/// runs them.
class Pool {
 public:
  /// 0: one thread per core.
  explicit Pool(int threads) : threads_(static_cast<unsigned>(threads)) {}

  /// Calls task(i) for every i in [0, count).
  void run(std::int64_t count, const std::function<void(std::int64_t)>& task) {
    std::atomic<bool> failed{false};
    std::mutex mutex;
    std::exception_ptr error;
    threads_(static_cast<std::size_t>(count), [&](std::size_t i) {
      if (failed) return;
      try {
        if (interrupted()) throw Failure("interrupted");
        task(static_cast<std::int64_t>(i));
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!error) error = std::current_exception();
        failed = true;
      }
    });
    if (error) std::rethrow_exception(error);
  }

 private:
  nvq::thread_pool threads_;
};

}  // namespace app
