// SPDX-License-Identifier: Apache-2.0
#include "report/record.hpp"
#include "text_file.hpp"

namespace app::report {

void write_json(const Report& report, const std::filesystem::path& path) {
  write_text_file(path, nvq::io::dump_json(report_json(report)));
}

void write_html(const Report& report, const std::filesystem::path& path) {
  write_text_file(path, report_html(report));
}

}  // namespace app::report
