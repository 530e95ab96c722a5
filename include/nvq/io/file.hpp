// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <nvq/io/expected.hpp>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

NVQ_BEGIN_NAMESPACE
namespace io {

/// An open file read and written at explicit offsets (POSIX), so that several threads can share it. Plain
/// reads and not a mapping: a file that shrinks while it is read is an error message, not a signal.
class file {
 public:
  static expected<file> open_read(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return failed("cannot open it");
    return file(fd);
  }
  /// Creates the file; refuses one that exists.
  static expected<file> create(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) return failed("cannot create it");
    return file(fd);
  }

  /// Opens a file that exists to be written on.
  static expected<file> open_write(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) return failed("cannot open it");
    return file(fd);
  }

  file() = default;
  file(file&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  file& operator=(file&& other) noexcept {
    if (this != &other) {
      if (fd_ >= 0) ::close(fd_);
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~file() {
    if (fd_ >= 0) ::close(fd_);
  }

  expected<std::int64_t> size() const {
    struct stat info {};
    if (::fstat(fd_, &info) != 0) return failed("cannot read its size");
    if (!S_ISREG(info.st_mode)) return error{"it is not a regular file"};
    return static_cast<std::int64_t>(info.st_size);
  }

  /// Reads exactly `bytes` bytes at `offset`.
  expected<void> read_at(std::int64_t offset, void* out, std::int64_t bytes) const {
    auto* to = static_cast<char*>(out);
    while (bytes > 0) {
      const ::ssize_t n = ::pread(fd_, to, static_cast<std::size_t>(bytes), static_cast<::off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failed("cannot read it");
      if (n == 0) return error{"it ended while being read; did it change meanwhile?"};
      to += n;
      offset += n;
      bytes -= n;
    }
    return {};
  }

  /// Writes exactly `bytes` bytes at `offset`.
  expected<void> write_at(std::int64_t offset, const void* data, std::int64_t bytes) const {
    const auto* from = static_cast<const char*>(data);
    while (bytes > 0) {
      const ::ssize_t n = ::pwrite(fd_, from, static_cast<std::size_t>(bytes), static_cast<::off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return failed("cannot write it");
      from += n;
      offset += n;
      bytes -= n;
    }
    return {};
  }

  /// Reserves `bytes` bytes, so that a full disk shows before the work and not after it. Where the file
  /// system cannot reserve, only the size is set.
  expected<void> reserve(std::int64_t bytes) const {
#if defined(__linux__) && defined(_GNU_SOURCE)
    if (bytes > 0) {
      int code = 0;
      do code = ::fallocate(fd_, 0, 0, static_cast<::off_t>(bytes)) == 0 ? 0 : errno;
      while (code == EINTR);
      if (code == 0) return {};
      if (code != EOPNOTSUPP && code != ENOSYS && code != EINVAL) {
        errno = code;
        return failed("cannot reserve " + std::to_string(bytes) + " bytes for it");
      }
    }
#endif
    if (::ftruncate(fd_, static_cast<::off_t>(bytes)) != 0)
      return failed("cannot give it " + std::to_string(bytes) + " bytes");
    return {};
  }

  /// Waits until the bytes are on the disk.
  expected<void> sync() const {
    if (::fsync(fd_) != 0 && errno != EINVAL && errno != EROFS) return failed("cannot write it to the disk");
    return {};
  }

  /// Tells the system that these bytes will not be read again soon, so that they need not stay in memory.
  void forget(std::int64_t offset, std::int64_t bytes) const noexcept {
    (void)::posix_fadvise(fd_, static_cast<::off_t>(offset), static_cast<::off_t>(bytes),
                          POSIX_FADV_DONTNEED);
  }

  /// Closes and reports what a late write error would otherwise hide.
  expected<void> close() {
    if (::close(std::exchange(fd_, -1)) != 0) return failed("cannot close it");
    return {};
  }

 private:
  explicit file(int fd) noexcept : fd_(fd) {}
  static error failed(const std::string& what) {
    return {what + ": " + std::generic_category().message(errno)};
  }

  int fd_ = -1;
};

}  // namespace io
NVQ_END_NAMESPACE
