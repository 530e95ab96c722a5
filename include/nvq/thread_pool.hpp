// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <nvq/config.hpp>
#include <thread>
#include <type_traits>
#include <vector>

// Threads for programs that have none of their own. No other header of nvq includes this one; link with the
// system's threads (-pthread).

NVQ_BEGIN_NAMESPACE

/// An executor: threads that wait between calls and take the tasks of one call at a time. The caller works,
/// too, and a call allocates nothing.
///
///   nvq::thread_pool pool;
///   options.executor = pool;
class thread_pool {
 public:
  /// `threads` counts the caller; 0 is one per core. Where the system gives fewer, the pool has fewer.
  explicit thread_pool(unsigned threads = 0) {
    if (threads == 0) threads = std::thread::hardware_concurrency();
    if (threads < 2) return;
    workers_.reserve(threads - 1);
    while (workers_.size() < threads - 1 && start()) {
    }
  }
  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;
  /// No call may be under way.
  ~thread_pool() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      leaving_ = true;
    }
    wake_.notify_all();
    for (std::thread& t : workers_) t.join();
  }

  /// Threads that share the tasks of a call, the caller among them.
  unsigned threads() const noexcept { return static_cast<unsigned>(workers_.size()) + 1; }

  /// Calls fn(i) once for every i in [0, n) and returns when all calls have. Each thread takes the next task
  /// as it becomes free. A call from within a task, or while another thread's call is under way, runs its
  /// tasks in the calling thread. Tasks must not throw: an exception that leaves one ends the program.
  template <class Fn>
  void operator()(std::size_t n, Fn&& fn) noexcept {
    using callable = std::remove_reference_t<Fn>;
    if (n < 2 || workers_.empty() || taken_.exchange(true, std::memory_order_acquire)) {
      for (std::size_t i = 0; i < n; ++i) fn(i);
      return;
    }
    loop tasks{n, const_cast<void*>(static_cast<const void*>(std::addressof(fn))),
               [](void* f, std::size_t i) { (*static_cast<callable*>(f))(i); }};
    run(tasks);
    taken_.store(false, std::memory_order_release);
  }

 private:
  /// One call. Its counter has a cache line of its own: every thread writes it.
  struct loop {
    std::size_t n;
    void* fn;
    void (*call)(void* fn, std::size_t i);
    alignas(64) std::atomic<std::size_t> next{0};

    loop(std::size_t count, void* f, void (*c)(void*, std::size_t)) noexcept : n(count), fn(f), call(c) {}
    void work() noexcept {
      for (std::size_t i = next.fetch_add(1, std::memory_order_relaxed); i < n;
           i = next.fetch_add(1, std::memory_order_relaxed))
        call(fn, i);
    }
  };

  bool start() noexcept {
#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
    try {
      workers_.emplace_back([this] { serve(); });
    } catch (...) {
      return false;
    }
#else
    workers_.emplace_back([this] { serve(); });
#endif
    return true;
  }

  void run(loop& tasks) noexcept {
    const std::size_t others = tasks.n - 1 < workers_.size() ? tasks.n - 1 : workers_.size();
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      current_ = &tasks;
      ++round_;
    }
    for (std::size_t i = 0; i < others; ++i) wake_.notify_one();
    tasks.work();
    // Who has not come by now finds nothing to do and is not waited for.
    std::unique_lock<std::mutex> lock(mutex_);
    current_ = nullptr;
    done_.wait(lock, [this] { return working_ == 0; });
  }

  void serve() noexcept {
    std::uint64_t seen = 0;
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return leaving_ || (current_ != nullptr && round_ != seen); });
      if (leaving_) return;
      seen = round_;
      loop& tasks = *current_;
      ++working_;
      lock.unlock();
      tasks.work();
      lock.lock();
      if (--working_ == 0) done_.notify_one();
    }
  }

  std::vector<std::thread> workers_;
  std::atomic<bool> taken_{false};
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  loop* current_ = nullptr;
  std::uint64_t round_ = 0;
  std::size_t working_ = 0;
  bool leaving_ = false;
};

NVQ_END_NAMESPACE
