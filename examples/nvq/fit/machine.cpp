// SPDX-License-Identifier: Apache-2.0
#include "fit/machine.hpp"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <nvq/io/json.hpp>

#include "checkpoint.hpp"
#include "failure.hpp"
#include "table.hpp"

namespace app::fit {

namespace {

constexpr double gib = 1073741824.0, mib = 1048576.0;

/// A JSON number in [0, 1e6] at a key, in units of `unit`; `otherwise` when there is none.
double quantity(const nvq::io::json& j, const char* key, double unit, double otherwise,
                const std::string& where) {
  if (!j.contains(key)) return otherwise;
  const double x = j[key].is_number() ? j[key].get<double>() : -1.0;
  if (!(x >= 0.0 && x <= 1e6))
    throw Failure(fmt::format("{}: {} must be a number from 0 to 1e6", where, key));
  return x * unit;
}

Machine from_file(const std::string& path) {
  const auto j = unwrap(nvq::io::parse_json(read_text(path, std::int64_t{1} << 20)), path);
  if (!j.is_object()) throw Failure(path + ": it is not a JSON object");
  Machine m;
  m.name = path;
  if (j.contains("name") && j["name"].is_string()) m.name = j["name"].get<std::string>();
  m.title = m.name;
  m.usable_bytes = quantity(j, "usable_gib", gib, 0, path);
  m.reserve_bytes = quantity(j, "reserve_gb", 1e9, 0, path);
  m.bandwidth = quantity(j, "gb_per_s", 1e9, 0, path);
  m.measured = quantity(j, "measured_gb_per_s", 1e9, 0, path);
  m.flops = quantity(j, "bf16_tflops", 1e12, 0, path);
  if (j.contains("sources") && j["sources"].is_string()) m.sources = j["sources"].get<std::string>();
  if (j.contains("native") && j["native"].is_array())
    for (const auto& n : j["native"])
      if (n.is_string()) m.native.push_back(n.get<std::string>());
  if (m.usable_bytes <= 0 || m.bandwidth <= 0)
    throw Failure(path + ": usable_gib and gb_per_s must be there and more than 0");
  return m;
}

}  // namespace

const std::vector<Machine>& machines() {
  const char* datasheet =
      "bandwidth and BF16 without sparsity: NVIDIA's data sheet or architecture paper; memory: nvidia-smi";
  static const std::vector<Machine> all = {
      {"spark",
       "NVIDIA DGX Spark (GB10)",
       121.69 * gib,
       10e9,
       273e9,
       232e9,
       125e12,
       {"fp8", "mxfp4", "nvfp4"},
       "273 GB/s: NVIDIA's data sheet; 231 to 234 GB/s read: antirez/ds4#773; 121.69 GiB: MemTotal; BF16: an "
       "eighth of the sheet's 1 PFLOP, which is FP4 with 2:4 sparsity"},
      {"rtx3090", "NVIDIA GeForce RTX 3090", 24576 * mib, 0, 936e9, 0, 71e12, {}, datasheet},
      {"rtx4090", "NVIDIA GeForce RTX 4090", 24564 * mib, 0, 1008e9, 0, 165e12, {"fp8"}, datasheet},
      {"rtx5090",
       "NVIDIA GeForce RTX 5090",
       32607 * mib,
       0,
       1792e9,
       0,
       209e12,
       {"fp8", "mxfp4", "nvfp4"},
       datasheet},
      {"rtx6000pro",
       "NVIDIA RTX PRO 6000 Blackwell",
       97887 * mib,
       0,
       1792e9,
       0,
       0,
       {"fp8", "mxfp4", "nvfp4"},
       datasheet},
      {"a100", "NVIDIA A100 SXM 80 GB", 81920 * mib, 0, 2039e9, 0, 312e12, {}, datasheet},
      {"h100", "NVIDIA H100 SXM 80 GB", 81559 * mib, 0, 3350e9, 0, 989e12, {"fp8"}, datasheet},
      {"h200", "NVIDIA H200 SXM", 143771 * mib, 0, 4800e9, 0, 989e12, {"fp8"}, datasheet},
      {"b200", "NVIDIA B200 SXM", 183359 * mib, 0, 8000e9, 0, 2250e12, {"fp8", "mxfp4", "nvfp4"}, datasheet},
      {"gb200",
       "one GPU of NVIDIA GB200 NVL72",
       186e9,
       0,
       8000e9,
       0,
       2500e12,
       {"fp8", "mxfp4", "nvfp4"},
       "13.4 TB, 576 TB/s and 180 PFLOPS over 72: NVIDIA's data sheet"},
      {"m4max",
       "Apple M4 Max, 128 GB",
       96 * gib,
       0,
       546e9,
       0,
       0,
       {},
       "546 GB/s: Apple's specification; three quarters of memory: what macOS lets the GPU have by default"},
      {"m3ultra",
       "Apple M3 Ultra, 512 GB",
       384 * gib,
       0,
       819e9,
       0,
       0,
       {},
       "819 GB/s: Apple's specification; three quarters of memory: what macOS lets the GPU have by default"},
  };
  return all;
}

Machine find_machine(const std::string& name_or_file) {
  std::string known;
  for (const Machine& m : machines()) {
    if (m.name == name_or_file) return m;
    known += (known.empty() ? "" : ", ") + m.name;
  }
  std::error_code ec;
  if (std::filesystem::is_regular_file(name_or_file, ec)) return from_file(name_or_file);
  throw Failure("unknown machine '" + name_or_file + "'; known are " + known +
                ", or name a JSON file that describes one");
}

std::string machine_table() {
  const auto or_dash = [](double x, double unit) {
    return x > 0 ? fmt::format("{:.0f}", x / unit) : std::string("-");
  };
  Table table({"machine", "", ">usable GiB", ">GB/s", ">measured", ">BF16 TFLOPS", "native"});
  std::string sources;
  for (const Machine& m : machines())
    table.row({m.name, m.title, fmt::format("{:.2f}", m.usable_bytes / gib), or_dash(m.bandwidth, 1e9),
               or_dash(m.measured, 1e9), or_dash(m.flops, 1e12),
               m.native.empty() ? "-" : fmt::format("{}", fmt::join(m.native, " "))});
  for (const Machine& m : machines()) sources += m.name + ": " + m.sources + '\n';
  return table.text() + '\n' + sources;
}

}  // namespace app::fit
