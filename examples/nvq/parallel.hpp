// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "failure.hpp"
#include "interrupt.hpp"

namespace app {

/// A few threads that share the tasks of one loop at a time; the caller works too. Tasks are taken in order,
/// so what they compute must not depend on which thread runs them. The first exception ends the loop and is
/// thrown to the caller, and so does an interrupt.
class Pool {
 public:
  explicit Pool(int threads) {
    for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { serve(); });
  }
  Pool(const Pool&) = delete;
  ~Pool() {
    {
      const std::lock_guard lock(mutex_);
      leaving_ = true;
    }
    wake_.notify_all();
    for (std::thread& t : workers_) t.join();
  }

  /// Calls task(i) for every i in [0, count).
  void run(std::int64_t count, const std::function<void(std::int64_t)>& task) {
    next_ = 0;
    failed_ = false;
    error_ = nullptr;
    if (count > 1 && !workers_.empty()) {
      {
        const std::lock_guard lock(mutex_);
        task_ = &task;
        count_ = count;
        busy_ = static_cast<int>(workers_.size());
        ++round_;
      }
      wake_.notify_all();
      work(task, count);
      std::unique_lock lock(mutex_);
      done_.wait(lock, [this] { return busy_ == 0; });
    } else {
      work(task, count);
    }
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void serve() {
    std::uint64_t seen = 0;
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return leaving_ || round_ != seen; });
      if (leaving_) return;
      seen = round_;
      const auto& task = *task_;
      const std::int64_t count = count_;
      lock.unlock();
      work(task, count);
      lock.lock();
      if (--busy_ == 0) done_.notify_one();
    }
  }

  void work(const std::function<void(std::int64_t)>& task, std::int64_t count) {
    for (std::int64_t i = next_++; i < count && !failed_; i = next_++) {
      try {
        if (interrupted()) throw Failure("interrupted; nothing was written");
        task(i);
      } catch (...) {
        const std::lock_guard lock(mutex_);
        if (!error_) error_ = std::current_exception();
        failed_ = true;
      }
    }
  }

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  const std::function<void(std::int64_t)>* task_ = nullptr;
  std::int64_t count_ = 0;
  std::uint64_t round_ = 0;
  int busy_ = 0;
  bool leaving_ = false;
  std::atomic<std::int64_t> next_{0};
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;
};

/// The number asked for, or one thread per core.
inline int thread_count(int asked) {
  return asked > 0 ? asked : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

}  // namespace app
