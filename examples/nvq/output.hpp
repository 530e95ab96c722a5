// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <nvq/io/file.hpp>
#include <string>
#include <vector>

namespace app {

/// The file in NAME.partial that tells what is done (journal.hpp).
constexpr const char* journal_name = "nvq-journal.jsonl";

/// What the names of several processes' parts begin with.
constexpr const char* part_prefix = "rank-";

/// What a failure adds when the same command can take up what it has done, which is in `partial`.
std::string goes_on(const std::filesystem::path& partial);

/// What becomes of NAME.partial that an earlier run left.
enum class Leftover {
  refuse,     ///< a Failure
  continue_,  ///< it is taken up again, if it has a journal
  take        ///< it is there, and the rest is added
};

/// A directory that appears only when it is complete. Everything is written to NAME.partial beside it, each
/// tensor file under its own .partial name, and renamed when it is on the disk. Leaving without commit()
/// removes all of it, unless keep() was called.
class OutputDirectory {
 public:
  /// A Failure when the directory exists.
  explicit OutputDirectory(const std::filesystem::path& path, Leftover leftover = Leftover::refuse);
  /// One of several processes' part of the directory, NAME.partial/`part`, which commit() is not for.
  OutputDirectory(const std::filesystem::path& path, const std::string& part);
  OutputDirectory(const OutputDirectory&) = delete;
  ~OutputDirectory();

  /// A file of `size` bytes, open for writing at any offset.
  nvq::io::file create(const std::string& name, std::int64_t size);
  /// The same with holes, which take no room on the disk.
  nvq::io::file create_sparse(const std::string& name, std::int64_t size);
  /// Whether an earlier run finished the file, and whether it began it.
  bool finished(const std::string& name) const;
  bool begun(const std::string& name, std::int64_t size) const;
  /// A file that an earlier run began.
  nvq::io::file reopen(const std::string& name);
  /// Syncs and closes a file made by create() or reopen() and gives it its name.
  void finish(const std::string& name, nvq::io::file& file);
  /// A small file in one go.
  void write_text(const std::string& name, const std::string& text);
  void copy_file(const std::filesystem::path& from);
  /// The last step. What it made visible stays.
  void commit();

  /// Leaving keeps what is there, for a later run to continue.
  void keep() { kept_ = true; }
  const std::filesystem::path& partial() const { return partial_; }
  const std::filesystem::path& path() const { return path_; }

  /// Path of a file for messages.
  std::string where(const std::string& name) const { return (path_ / name).string(); }

 private:
  void name(const std::filesystem::path& path);

  std::filesystem::path path_, partial_;
  bool committed_ = false, kept_ = false;
};

/// Copies what a model needs besides its weights, by allow-list: tokenizer, generation and chat files, custom
/// code and licences. Never other weights, and never an index.
void copy_companions(const std::filesystem::path& from, OutputDirectory& to);

}  // namespace app
