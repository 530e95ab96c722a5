// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <nvq/config.hpp>
#include <type_traits>

NVQ_BEGIN_NAMESPACE

/// A reference to the caller's way of running tasks: any callable `exec(n, fn)` that calls fn(i) once for
/// every i in [0, n), in any order and on any threads, and returns when all are done. nvq starts no threads
/// itself; the default runs the tasks in a loop. Tasks write disjoint bytes, and the result does not depend
/// on how they are run.
class executor_ref {
 public:
  executor_ref() = default;
  /// Refers to `exec`, which must outlive the call it is passed to.
  template <class Exec, class = std::enable_if_t<!std::is_same<std::decay_t<Exec>, executor_ref>::value>>
  executor_ref(Exec& exec) noexcept
      : context_(const_cast<void*>(static_cast<const void*>(__builtin_addressof(exec)))),
        run_([](void* context, std::size_t n, task t) { (*static_cast<Exec*>(context))(n, t); }) {}

  /// A temporary would be gone when tasks are run: name the executor first.
  template <class Exec, class = std::enable_if_t<!std::is_same<std::decay_t<Exec>, executor_ref>::value>>
  executor_ref(const Exec&& temporary) = delete;

  /// True when tasks run one after the other in the calling thread.
  bool serial() const noexcept { return run_ == nullptr; }

  template <class Fn>
  void operator()(std::size_t n, Fn&& fn) const {
    const task t{__builtin_addressof(fn),
                 [](void* f, std::size_t i) { (*static_cast<std::remove_reference_t<Fn>*>(f))(i); }};
    if (serial() || n < 2) {
      for (std::size_t i = 0; i < n; ++i) t(i);
    } else {
      run_(context_, n, t);
    }
  }

 private:
  struct task {
    void* fn;
    void (*call)(void* fn, std::size_t i);
    void operator()(std::size_t i) const { call(fn, i); }
  };

  void* context_ = nullptr;
  void (*run_)(void* context, std::size_t n, task t) = nullptr;
};

NVQ_END_NAMESPACE
