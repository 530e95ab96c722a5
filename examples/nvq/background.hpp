// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace app {

/// One thread that does jobs in order beside the work: waiting for the disk. After a job that throws the
/// others are dropped, and add() and wait() throw its exception.
class Background {
 public:
  Background() : thread_([this] { serve(); }) {}
  Background(const Background&) = delete;
  /// Drops the jobs that have not begun.
  ~Background() {
    {
      const std::lock_guard lock(mutex_);
      jobs_.clear();
      leaving_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  void add(std::function<void()> job) {
    {
      const std::lock_guard lock(mutex_);
      if (error_) std::rethrow_exception(error_);
      jobs_.push_back(std::move(job));
    }
    changed_.notify_all();
  }

  /// Returns when all jobs are done, or one has failed.
  void settle() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return jobs_.empty() && !busy_; });
  }

  /// Returns when all jobs are done.
  void wait() {
    settle();
    const std::lock_guard lock(mutex_);
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return leaving_ || !jobs_.empty(); });
      if (leaving_) return;
      std::function<void()> job = std::move(jobs_.front());
      jobs_.pop_front();
      busy_ = true;
      lock.unlock();
      std::exception_ptr error;
      try {
        job();
        job = nullptr;
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      busy_ = false;
      if (error) {
        error_ = error;
        jobs_.clear();
      }
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  std::exception_ptr error_;
  bool busy_ = false, leaving_ = false;
  std::thread thread_;
};

}  // namespace app
