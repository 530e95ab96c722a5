// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <nvq/io/file.hpp>
#include <nvq/io/json.hpp>

#include "failure.hpp"
#include "table.hpp"
#include "vectors/grid.hpp"
#include "vectors/sha256.hpp"
#include "vectors/write.hpp"

namespace app::vectors {

namespace fs = std::filesystem;

namespace {

using nvq::io::json;

std::string read_all(const fs::path& path) {
  const nvq::io::file f = unwrap(nvq::io::file::open_read(path.string()), path.string());
  const std::int64_t size = unwrap(f.size(), path.string());
  std::string bytes(static_cast<std::size_t>(size), '\0');
  unwrap(f.read_at(0, bytes.data(), size), path.string());
  return bytes;
}

/// A set as it was written.
class Reference {
 public:
  explicit Reference(fs::path path) : path_(std::move(path)) {
    about_ = json::parse(read_all(path_), nullptr, false);
    if (!about_.is_object() || !about_.contains("files") || !about_.contains("code_values"))
      throw Failure(path_.string() + ": is no description that `nvq vectors` wrote");
  }
  const json& operator[](const char* key) const { return about_.at(key); }
  const json& of(const std::string& part) const { return about_.at("files").at(part); }
  bool has(const std::string& part) const { return about_.at("files").contains(part); }
  /// The bytes of a part, as they were when they were described.
  std::string read(const std::string& part) const {
    const fs::path file = path_.parent_path() / of(part).at("file").get<std::string>();
    std::string bytes = read_all(file);
    if (sha256(bytes) != of(part).at("sha256").get<std::string>())
      throw Failure(
          fmt::format("{}: is not the file that {} describes: its SHA-256 is another; write it again",
                      file.string(), path_.string()));
    return bytes;
  }

 private:
  fs::path path_;
  json about_;
};

template <class T>
T at(const std::string& bytes, std::int64_t i) {
  T value;
  std::memcpy(&value, bytes.data() + static_cast<std::size_t>(i) * sizeof(T), sizeof(T));
  return value;
}

std::string float_text(float x) { return fmt::format("{:a} ({:.9g})", x, x); }

/// What one comparison found.
struct Difference {
  std::int64_t count = 0, total = 0, first = -1;  ///< index of a value or a block
  std::string expected, mine;

  void add(std::int64_t i, std::string a, std::string b) {
    if (count++ != 0) return;
    first = i;
    expected = std::move(a);
    mine = std::move(b);
  }
};

class Check {
 public:
  Check(const Reference& r, const CheckOptions& o)
      : r_(r), mine_path_(o.mine.string()), mine_(read_all(o.mine)) {
    part_ = o.part.empty() ? r["compare"].get<std::string>() : o.part;
    if (!r.has(part_)) throw Failure(fmt::format("--part {}: {} has none", part_, o.against.string()));
    columns_ = r["shape"].at(1).get<std::int64_t>();
    theirs_ = r.read(part_);
  }

  int run() {
    Difference d;
    if (part_ == "codes")
      codes(d);
    else if (part_ == "decoded")
      decoded(d);
    else
      bytes(d);
    if (d.count == 0) {
      fmt::print("all {} {} are equal\n", with_commas(d.total),
                 part_ == "decoded" ? "decoded values" : part_);
      return 0;
    }
    fmt::print("{} of {} {} differ; the first:\n{}", with_commas(d.count), with_commas(d.total),
               part_ == "decoded" ? "decoded values" : part_, place(d));
    return 1;
  }

 private:
  void expect_size(std::size_t bytes, const std::string& or_else = "") const {
    if (mine_.size() == bytes) return;
    throw Failure(fmt::format("{}: has {} bytes; {} of {} x {} values are {} bytes{}", mine_path_,
                              with_commas(static_cast<std::int64_t>(mine_.size())), part_,
                              r_["shape"].at(0).get<std::int64_t>(), columns_,
                              with_commas(static_cast<std::int64_t>(bytes)), or_else));
  }

  std::string code_text(unsigned code) const {
    const json& value = r_["code_values"].at(code);
    return value.is_null() ? fmt::format("0x{:02x} (NaN)", code)
                           : fmt::format("0x{:02x} ({:g})", code, value.get<double>());
  }

  /// Packed as the reference, or a byte for each.
  void codes(Difference& d) const {
    const int bits = r_.of("codes").at("bits").get<int>();
    const std::int64_t rows = r_["shape"].at(0).get<std::int64_t>();
    d.total = rows * columns_;
    const bool loose = bits < 8 && static_cast<std::int64_t>(mine_.size()) == d.total;
    if (!loose)
      expect_size(theirs_.size(),
                  bits < 8 ? fmt::format(", or {} with a code a byte", with_commas(d.total)) : "");
    const auto* a = reinterpret_cast<const std::uint8_t*>(theirs_.data());
    const auto* b = reinterpret_cast<const std::uint8_t*>(mine_.data());
    for (std::int64_t i = 0; i < d.total; ++i) {
      const std::int64_t row = i / columns_, column = i % columns_;
      const unsigned x = code_at(a, row, column, columns_, bits),
                     y = loose ? b[i] : code_at(b, row, column, columns_, bits);
      if (x == y) continue;
      d.add(i, "code " + code_text(x),
            y < r_["code_values"].size() ? "code " + code_text(y) : fmt::format("{}", y));
    }
  }

  void decoded(Difference& d) const {
    expect_size(theirs_.size());
    d.total = static_cast<std::int64_t>(theirs_.size() / 4);
    for (std::int64_t i = 0; i < d.total; ++i) {
      const float x = at<float>(theirs_, i), y = at<float>(mine_, i);
      if (std::memcmp(&x, &y, 4) != 0 && !(std::isnan(x) && std::isnan(y)))
        d.add(i, float_text(x), float_text(y));
    }
  }

  std::string scale_text(const std::string& from, const std::string& part, std::int64_t i) const {
    if (r_.of(part).at("dtype") == "F32") return float_text(at<float>(from, i));
    return fmt::format("0x{:02x}", at<std::uint8_t>(from, i));
  }

  void bytes(Difference& d) const {
    expect_size(theirs_.size());
    const std::size_t width = r_.of(part_).at("dtype") == "F32" ? 4 : 1;
    d.total = static_cast<std::int64_t>(theirs_.size() / width);
    for (std::int64_t i = 0; i < d.total; ++i)
      if (std::memcmp(theirs_.data() + static_cast<std::size_t>(i) * width,
                      mine_.data() + static_cast<std::size_t>(i) * width, width) != 0)
        d.add(i, scale_text(theirs_, part_, i), scale_text(mine_, part_, i));
  }

  /// Where the first difference is, and what went in.
  std::string place(const Difference& d) const {
    const std::int64_t high = r_["block"].at(0).get<std::int64_t>(),
                       wide = r_["block"].at(1).get<std::int64_t>(),
                       across = r_.of("scales").at("shape").at(1).get<std::int64_t>();
    const bool of_value = part_ == "codes" || part_ == "decoded";
    std::int64_t block = d.first;
    std::string text;
    if (of_value) {
      const std::int64_t row = d.first / columns_, column = d.first % columns_;
      block = row / high * across + column / wide;
      text = fmt::format("  block {}, lane {} (row {}, column {})\n", block,
                         row % high * wide + column % wide, row, column);
      if (r_.has("input"))
        text += fmt::format("  input     {}\n", float_text(at<float>(r_.read("input"), d.first)));
      else
        text += fmt::format("  code      {}\n", code_here(row, column));
    } else {
      text = fmt::format("  block {} (row {}, column {} of the scales)\n", block, block / across,
                         block % across);
    }
    if (part_ != "scales")
      text += fmt::format("  scale     {}\n", scale_text(r_.read("scales"), "scales", block));
    return text + fmt::format("  expected  {}\n  yours     {}\n", d.expected, d.mine);
  }

  std::string code_here(std::int64_t row, std::int64_t column) const {
    const std::string codes = r_.read("codes");
    return code_text(code_at(reinterpret_cast<const std::uint8_t*>(codes.data()), row, column, columns_,
                             r_.of("codes").at("bits").get<int>()));
  }

  const Reference& r_;
  std::string mine_path_, mine_, theirs_, part_;
  std::int64_t columns_ = 0;
};

}  // namespace

int check_codes(const CheckOptions& o) {
  try {
    const Reference reference(o.against);
    return Check(reference, o).run();
  } catch (const json::exception&) {
    throw Failure(o.against.string() + ": is no description that `nvq vectors` wrote; write it again");
  }
}

}  // namespace app::vectors
