// SPDX-License-Identifier: Apache-2.0
#undef _FORTIFY_SOURCE  // its longjmp() refuses to go to another stack
#include "fiber.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NVQ_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define NVQ_ASAN 1
#endif
#if defined(NVQ_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace executor {

namespace {
thread_local fiber* left = nullptr;     // by the switch that is under way
thread_local fiber* reached = nullptr;  // by it
}  // namespace

fiber::fiber(std::size_t bytes) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  stack_bytes_ = (bytes + page - 1) / page * page;
  mapping_bytes_ = stack_bytes_ + page;
  void* memory = mmap(nullptr, mapping_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED || mprotect(memory, page, PROT_NONE) != 0) std::abort();
  mapping_ = static_cast<char*>(memory);
  stack_ = mapping_ + page;
}

fiber::~fiber() {
  if (mapping_ != nullptr) munmap(mapping_, mapping_bytes_);
}

void fiber::start(void (*entry)(void*), void* argument) {
  entry_ = entry;
  argument_ = argument;
  fresh_ = true;
  fake_stack_ = nullptr;
#if defined(NVQ_ASAN)
  __asan_unpoison_memory_region(stack_, stack_bytes_);  // of frames that were abandoned
#endif
}

void fiber::first_function() {
  reached->arrived();
  reached->entry_(reached->argument_);
  std::abort();
}

void fiber::arrived() {
#if defined(NVQ_ASAN)
  __sanitizer_finish_switch_fiber(fake_stack_, &left->stack_, &left->stack_bytes_);
#endif
}

void fiber::switch_to(fiber& from, fiber& to, bool for_good) {
  left = &from;
  reached = &to;
  const bool fresh = to.fresh_;
  to.fresh_ = false;
  if (fresh) {
    getcontext(&to.context_);
    to.context_.uc_stack.ss_sp = const_cast<void*>(to.stack_);
    to.context_.uc_stack.ss_size = to.stack_bytes_;
    makecontext(&to.context_, first_function, 0);
    to.context_.uc_stack =
        {};  // nobody reads it from here on but AddressSanitizer, to forget what it knows of the stack
  }
#if defined(NVQ_ASAN)
  __sanitizer_start_switch_fiber(for_good ? nullptr : &from.fake_stack_, to.stack_, to.stack_bytes_);
  swapcontext(&from.context_, &to.context_);
#else
  // Once a fiber runs, jumps save the two system calls for the signal mask that a swapcontext() makes.
  static_cast<void>(for_good);
  if (_setjmp(from.jump_) == 0) {
    if (fresh) setcontext(&to.context_);
    _longjmp(to.jump_, 1);
  }
#endif
  from.arrived();
}

}  // namespace executor
