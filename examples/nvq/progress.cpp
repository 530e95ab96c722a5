// SPDX-License-Identifier: Apache-2.0
#include "progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace app {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Progress::Progress(std::int64_t total, bool wanted)
    : total_(std::max<std::int64_t>(1, total)),
      begun_(now()),
      shown_(wanted && ::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (shown_) fmt::print(stderr, "\r\x1b[K");
}

void Progress::advance(std::int64_t bytes) {
  if (!shown_) return;
  const std::lock_guard lock(mutex_);
  done_ += bytes;
  draw();
}

void Progress::label(const std::string& text) {
  if (!shown_) return;
  const std::lock_guard lock(mutex_);
  label_ = text;
  draw();
}

void Progress::draw() {
  const double t = now();
  if (t - drawn_ < 0.1) return;
  drawn_ = t;
  constexpr int width = 30;
  const double share = std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_));
  const int full = static_cast<int>(share * width);
  const double rate = static_cast<double>(done_) / std::max(1e-3, t - begun_);
  const double left = rate > 0 ? static_cast<double>(total_ - done_) / rate : 0;
  fmt::print(stderr, "\r\x1b[K[{:=<{}}{:>{}}] {:3.0f} %  {:6.2f} GB/s  {:.0f} s left  {}", "", full, "",
             width - full, share * 100, rate / 1e9, left, label_.substr(0, 40));
  std::fflush(stderr);
}

}  // namespace app
