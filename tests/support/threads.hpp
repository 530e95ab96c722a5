// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <thread>
#include <vector>

/// An executor: tasks on three threads, the later ones first.
struct Threads {
  template <class Fn>
  void operator()(std::size_t n, Fn fn) {
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < 3; ++t)
      threads.emplace_back([=] {
        for (std::size_t i = n; i-- > 0;)
          if (i % 3 == t) fn(i);
      });
    for (std::thread& thread : threads) thread.join();
  }
};
