// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ucontext.h>
#include <csetjmp>
#include <cstddef>

namespace executor {

/// A stack of its own, on which a function runs until it switches to another fiber.
class fiber {
 public:
  /// The stack that the caller is on, to come back to.
  fiber() = default;
  /// A new stack of at least `bytes` with an inaccessible page below it.
  explicit fiber(std::size_t bytes);
  ~fiber();
  fiber(const fiber&) = delete;
  fiber& operator=(const fiber&) = delete;

  /// Lets the next switch to this fiber call entry(argument) from the beginning, whatever it was doing. `entry` must
  /// not return: it ends by switching away with `for_good`.
  void start(void (*entry)(void*), void* argument);

  /// Leaves `from`, the running fiber, and continues `to`. Returns when somebody switches back.
  static void switch_to(fiber& from, fiber& to, bool for_good = false);

 private:
  static void first_function();
  void arrived();

  char* mapping_ = nullptr;
  std::size_t mapping_bytes_ = 0;
  const void* stack_ =
      nullptr;  // above the inaccessible page; of the caller's stack known to AddressSanitizer only
  std::size_t stack_bytes_ = 0;
  void* fake_stack_ = nullptr;  // AddressSanitizer's
  void (*entry_)(void*) = nullptr;
  void* argument_ = nullptr;
  bool fresh_ = false;  // started, and not yet switched to
  ucontext_t context_{};
  [[maybe_unused]] std::jmp_buf jump_{};
};

}  // namespace executor
