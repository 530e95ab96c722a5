// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "executor.hpp"
#include "fiber.hpp"

#include <memory>
#include <nvq/cuda/host_thread.hpp>
#include <random>

namespace executor {

class block;

/// One thread of a block: what it waits for, and the stack it waits on.
class block_thread final : public nvq::cuda::host_thread {
 public:
  enum class status : unsigned char { ready, at_barrier, at_exchange, ended };

  explicit block_thread(std::size_t stack_bytes) : stack(stack_bytes) {}
  void barrier(code_site at) noexcept override;
  std::uint32_t exchange(nvq::cuda::warp_op op, std::uint32_t value, unsigned operand,
                         code_site at) noexcept override;
  std::string activity() const;

  block* owner = nullptr;
  fiber stack;
  status state = status::ready;
  code_site at{};
  nvq::cuda::warp_op op{};
  std::uint32_t value = 0, result = 0;
  unsigned operand = 0;
};

/// Runs the threads of one block after another under a schedule.
class block {
 public:
  block(const launch& launch, const schedule& schedule, std::mt19937_64& random, report& report);
  void run(grid_shape index, const std::function<void(void*)>& body);

  /// Whether the schedule leaves this barrier in place; notes that it was reached.
  bool stands(code_site at);
  void wait_for_block(block_thread& thread);
  void wait_for_warp(block_thread& thread);

 private:
  void run_thread(block_thread& thread);
  void order_warps();
  void draw_lanes(std::size_t first_rank);
  bool exchange_words(block_thread* const* lanes);
  void go_on(block_thread& from);
  std::string who_waits(grid_shape index) const;

  const launch& launch_;
  const schedule& schedule_;
  std::mt19937_64& random_;
  report& report_;
  const std::function<void(void*)>* body_ = nullptr;
  void* shared_ = nullptr;

  fiber caller_;
  std::vector<block_thread*> threads_;
  std::vector<block_thread*> ranked_;     // who goes first; the lanes of a warp follow each other
  std::vector<std::size_t> first_ranks_;  // of each warp
  std::size_t next_rank_ = 0;             // no thread before it is ready
  std::vector<unsigned> waiting_lanes_;   // of each warp
  std::size_t waiting_ = 0, ended_ = 0;   // threads at a barrier; that have ended
};

}  // namespace executor
