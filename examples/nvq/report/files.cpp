// SPDX-License-Identifier: Apache-2.0
#include <fstream>

#include "failure.hpp"
#include "report/record.hpp"

namespace app::report {

namespace {

void write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  out.close();
  if (!out) throw Failure(path.string() + ": it cannot be written");
}

}  // namespace

void write_json(const Report& report, const std::filesystem::path& path) {
  write_text(path, nvq::io::dump_json(report_json(report)));
}

void write_html(const Report& report, const std::filesystem::path& path) {
  write_text(path, report_html(report));
}

}  // namespace app::report
