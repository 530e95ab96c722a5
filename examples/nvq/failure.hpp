// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nvq/io/expected.hpp>
#include <stdexcept>
#include <string>
#include <utility>

namespace app {

/// What ends a command: one line for the user, saying what is wrong, where, and what to do.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The value, or a Failure that starts with where it went wrong (usually a path).
template <class T>
T unwrap(nvq::io::expected<T> e, const std::string& where) {
  if (!e) throw Failure(where + ": " + e.error().message);
  if constexpr (!std::is_void_v<T>) return *std::move(e);
}

}  // namespace app
