// SPDX-License-Identifier: Apache-2.0
#include "journal.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "checkpoint.hpp"
#include "failure.hpp"
#include "output.hpp"

namespace fs = std::filesystem;

namespace app {

namespace {

nvq::io::json line_of(const std::string& shard, std::size_t batch, const std::vector<Quality>& qualities) {
  nvq::io::json list = nvq::io::json::array();
  for (const Quality& q : qualities)
    list.push_back({q.name, q.values, q.errors.count, q.errors.signal, q.errors.noise});
  return {{"shard", shard}, {"batch", batch}, {"weights", std::move(list)}};
}

std::vector<Quality> qualities_of(const nvq::io::json& line) {
  std::vector<Quality> all;
  for (const nvq::io::json& w : line.at("weights")) {
    Quality q{w.at(0).get<std::string>(), w.at(1).get<std::int64_t>(), {}};
    q.errors.count = w.at(2).get<std::int64_t>();
    q.errors.signal = w.at(3).get<double>();
    q.errors.noise = w.at(4).get<double>();
    all.push_back(std::move(q));
  }
  return all;
}

std::string system_message() { return std::generic_category().message(errno); }

}  // namespace

JournalText parse_journal(const std::string& text) {
  JournalText all;
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = all.whole = end + 1) {
    nvq::io::json line = nvq::io::json::parse(text.substr(begin, end - begin), nullptr, false);
    if (begin == 0) {
      all.run = std::move(line);
      continue;
    }
    if (!line.is_object()) break;
    all.done[{line.at("shard").get<std::string>(), line.at("batch").get<std::size_t>()}] = qualities_of(line);
  }
  return all;
}

void check_same_run(const nvq::io::json& begun, const nvq::io::json& run, const std::string& where) {
  for (const auto& [key, value] : run.items())
    if (!begun.is_object() || !begun.contains(key) || begun[key] != value)
      throw Failure(where + ": it was begun with another " + key +
                    "; give the same command as then, or remove this directory to start again");
}

Journal::Journal(const fs::path& directory, const nvq::io::json& run, const nvq::io::json& about)
    : path_(directory / journal_name) {
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd_ < 0) throw Failure(path_.string() + ": cannot open it: " + system_message());
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    ::close(fd_);
    throw Failure(directory.string() +
                  ": another run is writing it; wait for that one, or choose another name");
  }
  try {
    JournalText text = parse_journal(read_text(path_, std::int64_t{1} << 30));
    if (text.whole != 0) check_same_run(text.run, run, directory.string());
    // What a crash left of the last line must not run into the next.
    if (::ftruncate(fd_, static_cast<::off_t>(text.whole)) != 0)
      throw Failure(path_.string() + ": cannot go on with it: " + system_message());
    if (text.whole == 0) {
      nvq::io::json first = run;
      if (about.is_object()) first.update(about);
      append(first);
    }
    done_ = std::move(text.done);
  } catch (...) {
    ::close(fd_);
    throw;
  }
}

Journal::~Journal() { ::close(fd_); }

void Journal::append(const nvq::io::json& line) {
  const std::string text = line.dump() + '\n';
  std::size_t at = 0;
  while (at < text.size()) {
    const ::ssize_t n = ::write(fd_, text.data() + at, text.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw Failure(path_.string() + ": cannot write it: " + system_message());
    at += static_cast<std::size_t>(n);
  }
  if (::fdatasync(fd_) != 0 && errno != EINVAL && errno != EROFS)
    throw Failure(path_.string() + ": cannot write it to the disk: " + system_message());
}

const std::vector<Quality>* Journal::find(const std::string& shard, std::size_t batch) const {
  const std::lock_guard lock(mutex_);
  const auto at = done_.find({shard, batch});
  return at == done_.end() ? nullptr : &at->second;
}

bool Journal::empty() const {
  const std::lock_guard lock(mutex_);
  return done_.empty();
}

void Journal::add(const std::string& shard, std::size_t batch, const std::vector<Quality>& qualities) {
  const std::lock_guard lock(mutex_);
  append(line_of(shard, batch, qualities));
  done_[{shard, batch}] = qualities;
}

void Journal::remove(const fs::path& directory) {
  std::error_code ignored;
  fs::remove(directory / journal_name, ignored);
}

}  // namespace app
