// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace app::fit {

/// A machine that generates text, as far as a plan depends on it.
struct Machine {
  std::string name, title;
  double usable_bytes = 0;          ///< that one device's programs can have
  double reserve_bytes = 0;         ///< of those, for the operating system where memory is shared with it
  double bandwidth = 0;             ///< of its memory by specification, bytes/s
  double measured = 0;              ///< that reading was measured to reach; 0 when not known
  double flops = 0;                 ///< dense, in BF16; 0 when not known
  std::vector<std::string> native;  ///< elements its matrix units multiply: "fp8", "mxfp4", "nvfp4"
  std::string sources;
};

const std::vector<Machine>& machines();

/// The machine of that name, or the one that a JSON file describes:
///   {"name": "...", "usable_gib": 121.69, "reserve_gb": 10, "gb_per_s": 273, "measured_gb_per_s": 232,
///    "bf16_tflops": 125, "native": ["fp8", "nvfp4"], "sources": "..."}
/// of which usable_gib and gb_per_s must be there. A Failure lists the names known.
Machine find_machine(const std::string& name_or_file);

/// All of them, with their sources.
std::string machine_table();

}  // namespace app::fit
