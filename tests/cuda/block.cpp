// SPDX-License-Identifier: Apache-2.0
#include "block.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace executor {

namespace {

using nvq::cuda::host_thread;
using nvq::cuda::warp_op;
using status = block_thread::status;

constexpr unsigned warp_size = 32;

/// The threads that all blocks share, for their stacks: large enough for search recipes without optimisation under
/// AddressSanitizer; pages that are not touched cost nothing.
block_thread& pooled_thread(unsigned index) {
  static thread_local std::vector<std::unique_ptr<block_thread>> pool;
  while (pool.size() <= index) pool.push_back(std::make_unique<block_thread>(256 * 1024));
  return *pool[index];
}

}  // namespace

void block_thread::barrier(code_site here) noexcept {
  if (!owner->stands(here)) return;
  state = status::at_barrier;
  at = here;
  owner->wait_for_block(*this);
}

std::uint32_t block_thread::exchange(warp_op what, std::uint32_t word, unsigned with,
                                     code_site here) noexcept {
  if (what == warp_op::barrier && !owner->stands(here)) return 0;
  state = status::at_exchange;
  at = here;
  op = what;
  value = word;
  operand = with;
  owner->wait_for_warp(*this);
  return result;
}

std::string block_thread::activity() const {
  static const char* const ops[] = {"warp_barrier", "shuffle",  "shuffle_xor", "shuffle_down",
                                    "warp_ballot",  "warp_any", "warp_all"};
  if (state == status::ended) return "ended";
  const std::string function = state == status::at_barrier ? "barrier" : ops[static_cast<unsigned>(op)];
  return "in " + function + "() at " + to_string(at);
}

block::block(const launch& launch, const schedule& schedule, std::mt19937_64& random, report& report)
    : launch_(launch), schedule_(schedule), random_(random), report_(report) {
  const std::size_t warps = launch.threads / warp_size;
  for (unsigned i = 0; i < launch.threads; ++i) {
    block_thread& thread = pooled_thread(i);
    thread.owner = this;
    thread.thread = i;
    thread.threads = launch.threads;
    thread.grid_x = launch.grid.x;
    thread.grid_y = launch.grid.y;
    threads_.push_back(&thread);
  }
  ranked_.resize(launch.threads);
  first_ranks_.resize(warps);
  waiting_lanes_.resize(warps);
}

void block::run(grid_shape index, const std::function<void(void*)>& body) {
  // Memory of its own for each block and of exactly this size, so that AddressSanitizer sees what lies beyond.
  const std::align_val_t alignment{launch_.shared_alignment};
  const auto release = [=](void* memory) { ::operator delete(memory, alignment); };
  const std::unique_ptr<void, decltype(release)> shared(::operator new(launch_.shared_bytes, alignment),
                                                        release);
  std::memset(shared.get(), 0xFF, launch_.shared_bytes);
  shared_ = shared.get();

  body_ = &body;
  waiting_ = ended_ = 0;
  std::fill(waiting_lanes_.begin(), waiting_lanes_.end(), 0u);
  for (block_thread* thread : threads_) {
    thread->block_x = index.x;
    thread->block_y = index.y;
    thread->state = status::ready;
    thread->stack.start(
        [](void* t) {
          auto& self = *static_cast<block_thread*>(t);
          self.owner->run_thread(self);
        },
        thread);
  }
  order_warps();
  host_thread::current() = ranked_[0];
  fiber::switch_to(caller_, ranked_[0]->stack);
  if (ended_ != threads_.size()) report_.error = who_waits(index);
}

bool block::stands(code_site at) {
  auto& reached = report_.barriers;
  if (std::none_of(reached.begin(), reached.end(), [=](code_site r) { return same(r, at); })) {
    reached.push_back(at);
  }
  return schedule_.without == nullptr || !same(*schedule_.without, at);
}

void block::wait_for_block(block_thread& thread) {
  const auto is_here = [&](block_thread* t) { return same(t->at, thread.at); };
  if (++waiting_ == threads_.size() && std::all_of(threads_.begin(), threads_.end(), is_here)) {
    waiting_ = 0;
    for (block_thread* t : threads_) t->state = status::ready;
    order_warps();
  }
  go_on(thread);
}

void block::wait_for_warp(block_thread& thread) {
  const unsigned warp = thread.thread / warp_size;
  if (++waiting_lanes_[warp] == warp_size && exchange_words(&threads_[warp * warp_size])) {
    waiting_lanes_[warp] = 0;
    draw_lanes(first_ranks_[warp]);
    next_rank_ = std::min(next_rank_, first_ranks_[warp]);
  }
  go_on(thread);
}

bool block::exchange_words(block_thread* const* lanes) {
  const warp_op op = lanes[0]->op;
  std::uint32_t votes = 0;
  for (unsigned i = 0; i < warp_size; ++i) {
    if (lanes[i]->op != op) return false;
    if (lanes[i]->value != 0) votes |= 1u << i;
  }
  for (unsigned i = 0; i < warp_size; ++i) {
    block_thread& lane = *lanes[i];
    switch (op) {
      case warp_op::barrier:
        lane.result = 0;
        break;
      case warp_op::shuffle:
        lane.result = lanes[lane.operand % warp_size]->value;
        break;
      case warp_op::shuffle_xor:
        lane.result = lanes[(i ^ lane.operand) % warp_size]->value;
        break;
      case warp_op::shuffle_down:
        lane.result = lane.operand < warp_size - i ? lanes[i + lane.operand]->value : lane.value;
        break;
      case warp_op::ballot:
        lane.result = votes;
        break;
      case warp_op::any:
        lane.result = votes != 0;
        break;
      case warp_op::all:
        lane.result = votes == 0xFFFFFFFFu;
        break;
    }
    lane.state = status::ready;
  }
  return true;
}

void block::run_thread(block_thread& thread) {
  (*body_)(shared_);
  thread.state = status::ended;
  ++ended_;
  go_on(thread);
}

// Runs the first thread that can; the caller of run() when there is none. A running thread counts as ready.
void block::go_on(block_thread& from) {
  while (next_rank_ != ranked_.size() && ranked_[next_rank_]->state != status::ready) ++next_rank_;
  block_thread* const next = next_rank_ == ranked_.size() ? nullptr : ranked_[next_rank_];
  if (next == &from) return;
  host_thread::current() = next;
  fiber::switch_to(from.stack, next == nullptr ? caller_ : next->stack, from.state == status::ended);
}

void block::order_warps() {
  std::vector<std::size_t> warps(first_ranks_.size());
  std::iota(warps.begin(), warps.end(), std::size_t{0});
  if (schedule_.threads_in == order::reverse) std::reverse(warps.begin(), warps.end());
  if (schedule_.threads_in == order::random) std::shuffle(warps.begin(), warps.end(), random_);
  for (std::size_t rank = 0; rank < ranked_.size(); rank += warp_size) {
    const std::size_t warp = warps[rank / warp_size];
    first_ranks_[warp] = rank;
    std::copy_n(&threads_[warp * warp_size], warp_size, &ranked_[rank]);
    if (schedule_.threads_in == order::reverse) std::reverse(&ranked_[rank], &ranked_[rank] + warp_size);
    draw_lanes(rank);
  }
  next_rank_ = 0;
}

void block::draw_lanes(std::size_t first_rank) {
  block_thread** const lanes = &ranked_[first_rank];
  if (schedule_.threads_in == order::random) std::shuffle(lanes, lanes + warp_size, random_);
}

// "block (0, 1): threads 0-31 in barrier() at row.cuh:12; threads 32-63 ended"
std::string block::who_waits(grid_shape index) const {
  std::string text = "block (" + std::to_string(index.x) + ", " + std::to_string(index.y) + ")";
  const char* separator = ": ";
  for (std::size_t first = 0, end = 0; first < threads_.size(); first = end) {
    const std::string what = threads_[first]->activity();
    for (end = first + 1; end < threads_.size() && threads_[end]->activity() == what;) ++end;
    text += separator;
    text += end - first == 1 ? "thread " + std::to_string(first)
                             : "threads " + std::to_string(first) + "-" + std::to_string(end - 1);
    text += " " + what;
    separator = "; ";
  }
  return text;
}

}  // namespace executor
