// SPDX-License-Identifier: Apache-2.0
#include "text_file.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "failure.hpp"

namespace fs = std::filesystem;

namespace app {

namespace {

fs::path directory_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

bool is_special(const fs::path& path) {
  std::error_code ec;
  const fs::file_status there = fs::status(path, ec);
  return fs::exists(there) && !fs::is_regular_file(there);
}

[[noreturn]] void fail(const fs::path& path, int code) {
  throw Failure(path.string() + ": it cannot be written: " + std::generic_category().message(code));
}

void write(const fs::path& path, const std::string& text) {
  std::FILE* f = std::fopen(path.c_str(), "wb");
  if (f == nullptr) fail(path, errno);
  int code = std::fwrite(text.data(), 1, text.size(), f) == text.size() ? 0 : errno;
  if (std::fclose(f) != 0 && code == 0) code = errno;
  if (code != 0) fail(path, code);
}

}  // namespace

void check_writable(const fs::path& path) {
  std::error_code ec;
  if (fs::is_directory(path, ec)) throw Failure(path.string() + ": it is a directory; name a file in it");
  if (is_special(path)) return;
  const fs::path directory = directory_of(path);
  if (!fs::is_directory(directory, ec))
    throw Failure(path.string() + ": it cannot be written: there is no directory " + directory.string() +
                  "; make it first, or name another file");
  if (::access(directory.c_str(), W_OK) != 0) fail(path, errno);
}

void write_text_file(const fs::path& path, const std::string& text) {
  if (is_special(path)) return write(path, text);
  fs::path partial = path;
  partial += ".partial";
  std::error_code ec;
  try {
    write(partial, text);
    fs::rename(partial, path, ec);
    if (ec) fail(path, ec.value());
  } catch (const Failure&) {
    fs::remove(partial, ec);
    throw;
  }
}

}  // namespace app
