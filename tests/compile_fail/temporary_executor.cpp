// SPDX-License-Identifier: Apache-2.0
// expect: temporary) = delete
#include <nvq/executor.hpp>

void work(nvq::executor_ref executor);

struct Threads {
  template <class Task>
  void operator()(std::size_t n, Task task) const {
    for (std::size_t i = 0; i < n; ++i) task(i);
  }
};

int main() {
#ifdef NVQ_CORRECT
  const Threads threads;
  work(threads);
#else
  work(Threads{});
#endif
}
