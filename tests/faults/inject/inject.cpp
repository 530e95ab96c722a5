// SPDX-License-Identifier: Apache-2.0
// Preloaded into a program, lets one of its calls that change files fail, as a disk does that is full or dying.
//   NVQ_FAULT_UNDER=PREFIX  counts calls on files whose path begins so
//   NVQ_FAULT_CALL=N        the N-th of them fails; 0: none; -1: all
//   NVQ_FAULT_ERRNO=E       with this error; 0: of a write only half is written, and other calls are well
//   NVQ_FAULT_LOG=FILE      gets a line for each: its name, a blank, the path
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>

namespace {

template <class F>
F* real(F*, const char* name) {
  return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}
#define REAL(name) (real(&::name, #name))

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

class Injector {
 public:
  Injector()
      : under_(variable("NVQ_FAULT_UNDER")),
        call_(std::atol(variable("NVQ_FAULT_CALL").c_str())),
        errno_(std::atoi(variable("NVQ_FAULT_ERRNO").c_str())),
        log_(REAL(open)(variable("NVQ_FAULT_LOG").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) {}

  /// Counts a call; whether it is the one.
  bool hits(const char* name, const std::string& path) {
    if (under_.empty() || path.compare(0, under_.size(), under_) != 0) return false;
    const std::lock_guard lock(mutex_);
    const std::string line = std::string(name) + ' ' + path + '\n';
    if (REAL(write)(log_, line.data(), line.size()) < 0) std::abort();
    ++count_;
    return (count_ == call_ || call_ < 0) && (!halves() || std::strstr(name, "write") != nullptr);
  }
  bool hits(const char* name, int fd) {
    char path[4096];
    const ::ssize_t n = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path, sizeof path);
    return n > 0 && hits(name, std::string(path, static_cast<std::size_t>(n)));
  }
  bool halves() const { return errno_ == 0; }
  int fail() const {
    errno = errno_;
    return -1;
  }

 private:
  std::mutex mutex_;
  std::string under_;
  long call_, count_ = 0;
  int errno_, log_;
};

Injector& injector() {
  static Injector* const one = new Injector;  // used until the last file is closed
  return *one;
}

bool writable(int fd) { return (::fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY; }

}  // namespace

extern "C" {

ssize_t write(int fd, const void* data, size_t bytes) {
  if (!injector().hits("write", fd)) return REAL(write)(fd, data, bytes);
  return injector().halves() ? REAL(write)(fd, data, (bytes + 1) / 2) : injector().fail();
}

ssize_t pwrite(int fd, const void* data, size_t bytes, off_t offset) {
  if (!injector().hits("pwrite", fd)) return REAL(pwrite)(fd, data, bytes, offset);
  return injector().halves() ? REAL(pwrite)(fd, data, (bytes + 1) / 2, offset) : injector().fail();
}

int fsync(int fd) { return injector().hits("fsync", fd) ? injector().fail() : REAL(fsync)(fd); }
int fdatasync(int fd) { return injector().hits("fdatasync", fd) ? injector().fail() : REAL(fdatasync)(fd); }
int ftruncate(int fd, off_t bytes) noexcept {
  return injector().hits("ftruncate", fd) ? injector().fail() : REAL(ftruncate)(fd, bytes);
}
int fallocate(int fd, int mode, off_t offset, off_t bytes) {
  return injector().hits("fallocate", fd) ? injector().fail() : REAL(fallocate)(fd, mode, offset, bytes);
}

/// Closes the file all the same, as Linux does.
int close(int fd) {
  const bool hit = writable(fd) && injector().hits("close", fd);
  const int result = REAL(close)(fd);
  return hit ? injector().fail() : result;
}

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  if ((flags & O_ACCMODE) != O_RDONLY && injector().hits("open", path)) return injector().fail();
  return REAL(open)(path, flags, mode);
}

int rename(const char* from, const char* to) noexcept {
  return injector().hits("rename", to) ? injector().fail() : REAL(rename)(from, to);
}
int mkdir(const char* path, mode_t mode) noexcept {
  return injector().hits("mkdir", path) ? injector().fail() : REAL(mkdir)(path, mode);
}
int link(const char* from, const char* to) noexcept {
  return injector().hits("link", to) ? injector().fail() : REAL(link)(from, to);
}
int unlink(const char* path) noexcept {
  return injector().hits("unlink", path) ? injector().fail() : REAL(unlink)(path);
}
int remove(const char* path) noexcept {
  return injector().hits("remove", path) ? injector().fail() : REAL(remove)(path);
}

}  // extern "C"
