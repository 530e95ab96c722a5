// SPDX-License-Identifier: Apache-2.0
#include "output.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "checkpoint.hpp"
#include "failure.hpp"
#include "layers.hpp"

namespace fs = std::filesystem;

namespace app {

namespace {

constexpr std::string_view partial_suffix = ".partial";

constexpr const char* companions[] = {"generation_config.json",
                                      "tokenizer.json",
                                      "tokenizer_config.json",
                                      "tokenizer.model",
                                      "tokenizer.model.v*",
                                      "special_tokens_map.json",
                                      "added_tokens.json",
                                      "vocab.json",
                                      "vocab.txt",
                                      "merges.txt",
                                      "*.tiktoken",
                                      "tekken.json",
                                      "spiece.model",
                                      "sentencepiece.bpe.model",
                                      "chat_template.json",
                                      "chat_template.jinja",
                                      "preprocessor_config.json",
                                      "processor_config.json",
                                      "image_processor_config.json",
                                      "video_preprocessor_config.json",
                                      "configuration_*.py",
                                      "modeling_*.py",
                                      "tokenization_*.py",
                                      "processing_*.py",
                                      "image_processing_*.py",
                                      "LICENSE*",
                                      "NOTICE*"};

/// A directory's new names are on the disk only when the directory is. False, with errno, when it may not be;
/// some file systems do not know how to.
bool sync_directory(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  const int code = ::fsync(fd) == 0 || errno == EINVAL || errno == EROFS ? 0 : errno;
  ::close(fd);
  errno = code;
  return code == 0;
}

bool has_parts(const fs::path& partial) {
  std::error_code ec;
  for (const fs::directory_entry& e : fs::directory_iterator(partial, ec))
    if (e.path().filename().string().rfind(part_prefix, 0) == 0) return true;
  return false;
}

[[noreturn]] void cannot_create(const fs::path& directory, const std::error_code& ec) {
  std::error_code ignored;
  const fs::path parent = directory.parent_path();
  throw Failure(directory.string() + ": cannot create this directory: " + ec.message() +
                (fs::exists(parent, ignored) ? "" : "; make " + parent.string() + " first"));
}

}  // namespace

std::string goes_on(const fs::path& partial) {
  return "; what is done is in " + partial.string() + ", and the same command goes on with it";
}

void OutputDirectory::name(const fs::path& path) {
  path_ = fs::absolute(path).lexically_normal();
  if (!path_.has_filename()) path_ = path_.parent_path();
  partial_ = path_;
  partial_ += partial_suffix;
  std::error_code ec;
  if (fs::exists(fs::symlink_status(path_, ec)))
    throw Failure(path_.string() + ": it exists already; choose another name or remove it");
}

OutputDirectory::OutputDirectory(const fs::path& path, Leftover leftover) {
  std::error_code ec;
  if (leftover == Leftover::take && fs::exists(path / "config.json", ec))
    throw Failure(path.string() + ": it is one checkpoint already");
  name(path);
  if (leftover == Leftover::take) {
    if (!fs::is_directory(partial_, ec))
      throw Failure(partial_.string() +
                    ": there is no such directory; `nvq quantize MODEL_DIR OUT_DIR --shard r/N` makes it");
    kept_ = true;
    return;
  }
  if (leftover == Leftover::continue_ && fs::is_directory(partial_, ec) &&
      (fs::exists(partial_ / journal_name, ec) || fs::is_empty(partial_, ec))) {
    kept_ = true;  // the other run's as well as ours
    return;
  }
  if (!fs::create_directory(partial_, ec)) {
    if (has_parts(partial_))
      throw Failure(partial_.string() +
                    ": runs with --shard began it; go on with those and `nvq merge`, or remove it");
    if (!ec || ec == std::errc::file_exists)
      throw Failure(partial_.string() +
                    ": another run is writing it or was killed while it did; remove it when none is running");
    cannot_create(partial_, ec);
  }
}

OutputDirectory::OutputDirectory(const fs::path& path, const std::string& part) {
  name(path);
  const fs::path whole = partial_;
  partial_ /= part;
  std::error_code ec;
  fs::create_directory(whole, ec);  // or another process did
  if (!ec) kept_ = !fs::create_directory(partial_, ec);
  if (ec) cannot_create(partial_, ec);
  if (fs::exists(whole / journal_name, ec))
    throw Failure(whole.string() +
                  ": a run without --shard began it; go on with that one, or remove it to start again");
}

OutputDirectory::~OutputDirectory() {
  if (committed_ || kept_) return;
  std::error_code ignored;
  fs::remove_all(partial_, ignored);
  if (partial_.parent_path() != path_.parent_path()) fs::remove(partial_.parent_path(), ignored);
}

nvq::io::file OutputDirectory::create(const std::string& name, std::int64_t size) {
  std::error_code ignored;
  fs::remove(partial_ / (name + ".partial"), ignored);  // of an earlier run
  nvq::io::file f = unwrap(nvq::io::file::create((partial_ / (name + ".partial")).string()), where(name));
  unwrap(f.reserve(size), where(name));
  return f;
}

nvq::io::file OutputDirectory::create_sparse(const std::string& name, std::int64_t size) {
  nvq::io::file f = create(name, 0);
  unwrap(f.write_at(size - 1, "", 1), where(name));
  return f;
}

bool OutputDirectory::finished(const std::string& name) const {
  std::error_code ec;
  return fs::exists(partial_ / name, ec);
}

bool OutputDirectory::begun(const std::string& name, std::int64_t size) const {
  std::error_code ec;
  return fs::file_size(partial_ / (name + ".partial"), ec) == static_cast<std::uintmax_t>(size) && !ec;
}

nvq::io::file OutputDirectory::reopen(const std::string& name) {
  return unwrap(nvq::io::file::open_write((partial_ / (name + ".partial")).string()), where(name));
}

void OutputDirectory::finish(const std::string& name, nvq::io::file& file) {
  unwrap(file.sync(), where(name));
  unwrap(file.close(), where(name));
  std::error_code ec;
  fs::rename(partial_ / (name + ".partial"), partial_ / name, ec);
  if (ec) throw Failure(where(name) + ": cannot give it its name: " + ec.message());
}

void OutputDirectory::write_text(const std::string& name, const std::string& text) {
  const auto size = static_cast<std::int64_t>(text.size());
  nvq::io::file f = create(name, size);
  unwrap(f.write_at(0, text.data(), size), where(name));
  finish(name, f);
}

void OutputDirectory::copy_file(const fs::path& from) {
  constexpr std::int64_t limit = std::int64_t{1} << 30;
  write_text(from.filename().string(), read_text(from, limit));
}

void OutputDirectory::commit() {
  if (!sync_directory(partial_))
    throw Failure(path_.string() +
                  ": cannot write its names to the disk: " + std::generic_category().message(errno));
  std::error_code ec;
  fs::rename(partial_, path_, ec);
  if (ec) throw Failure(path_.string() + ": cannot give the finished directory its name: " + ec.message());
  committed_ = true;
  // A crash may still take the name back: then NAME.partial is there, complete.
  (void)sync_directory(path_.parent_path());
}

void copy_companions(const fs::path& from, OutputDirectory& to) {
  std::vector<fs::path> files;
  std::error_code ec;
  for (const fs::directory_entry& e : fs::directory_iterator(from, ec)) {
    const std::string name = e.path().filename().string();
    if (e.is_regular_file(ec) && std::any_of(std::begin(companions), std::end(companions),
                                             [&](const char* pattern) { return glob(pattern, name); }))
      files.push_back(e.path());
  }
  std::sort(files.begin(), files.end());
  for (const fs::path& f : files) to.copy_file(f);
}

}  // namespace app
