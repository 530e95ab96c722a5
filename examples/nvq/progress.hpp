// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

namespace app {

/// A bar on standard error, when that is a terminal and the user wants one; nothing otherwise. Any thread may
/// advance it; it is redrawn ten times a second.
class Progress {
 public:
  Progress(std::int64_t total, bool wanted);
  Progress(const Progress&) = delete;
  ~Progress();

  void advance(std::int64_t bytes);
  /// What is being worked on.
  void label(const std::string& text);

 private:
  void draw();

  std::mutex mutex_;
  std::int64_t total_, done_ = 0;
  double begun_, drawn_ = 0;
  bool shown_;
  std::string label_;
};

/// Seconds of a steady clock.
double now();

}  // namespace app
