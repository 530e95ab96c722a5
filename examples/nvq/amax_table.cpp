// SPDX-License-Identifier: Apache-2.0
#include "amax_table.hpp"

#include <charconv>
#include <cmath>
#include <cstring>
#include <nvq/float16.hpp>
#include <nvq/io/json.hpp>
#include <nvq/io/safetensors.hpp>

#include "checkpoint.hpp"
#include "failure.hpp"

namespace app {

namespace {

struct Ending {
  std::string_view suffix, means;
};
constexpr Ending endings[] = {
    {".input_quantizer._amax", ""},
    {".input_quantizer.amax", ""},
    {".k_bmm_quantizer._amax", ".k"},
    {".v_bmm_quantizer._amax", ".v"},
    {".input_amax", ""},
    {".k_proj.output_quantizer._amax", ".k"},
    {".v_proj.output_quantizer._amax", ".v"},
};

}  // namespace

AmaxTable::AmaxTable(const std::string& source) {
  if (source.empty()) return;
  given_ = true;
  double number = 0;
  const auto [end, ec] = std::from_chars(source.data(), source.data() + source.size(), number);
  if (ec == std::errc() && end == source.data() + source.size()) {
    if (!std::isfinite(number) || number <= 0)
      throw Failure("'" + source + "' is no largest magnitude; it must be a finite number above 0");
    everywhere_ = static_cast<float>(number);
    return;
  }
  const std::filesystem::path path(source);
  if (path.extension() == ".safetensors")
    read_safetensors(path);
  else
    read_json(path);
  if (values_.empty()) throw Failure(source + ": there is no number in it");
}

float AmaxTable::find(const std::string& name) const {
  const auto at = values_.find(name);
  return at != values_.end() ? at->second : everywhere_;
}

void AmaxTable::add(std::string name, double value, const std::string& where) {
  if (!std::isfinite(value) || value < 0)
    throw Failure(where + ": '" + name + "' is no largest magnitude; measure it again");
  for (const Ending& e : endings)
    if (name.size() > e.suffix.size() &&
        name.compare(name.size() - e.suffix.size(), e.suffix.size(), e.suffix) == 0) {
      name.resize(name.size() - e.suffix.size());
      name += e.means;
      break;
    }
  float& known = values_[name];
  known = std::max(known, static_cast<float>(value));
}

void AmaxTable::read_json(const std::filesystem::path& path) {
  constexpr std::int64_t limit = std::int64_t{256} << 20;
  const auto document = unwrap(nvq::io::parse_json<nlohmann::json>(read_text(path, limit)), path.string());
  const auto walk = [&](const auto& self, const nlohmann::json& object) -> void {
    for (const auto& [name, value] : object.items()) {
      const nlohmann::json& inner =
          value.is_array() && value.size() == 1 ? value.front() : static_cast<const nlohmann::json&>(value);
      if (inner.is_number())
        add(name, inner.template get<double>(), path.string());
      else if (inner.is_object())
        self(self, inner);
    }
  };
  if (!document.is_object()) throw Failure(path.string() + ": it is not a JSON object");
  walk(walk, document);
}

void AmaxTable::read_safetensors(const std::filesystem::path& path) {
  const auto file = unwrap(nvq::io::file::open_read(path.string()), path.string());
  const auto header = unwrap(nvq::io::read_safetensors_header(file), path.string());
  for (const nvq::io::tensor_entry& t : header.tensors) {
    const std::int64_t width = nvq::io::bits(t.type) / 8;
    using nvq::io::dtype;
    const bool wide = t.type == dtype::f32 || t.type == dtype::bf16 || t.type == dtype::f16;
    if (!wide || t.bytes() != width) continue;
    std::uint8_t bytes[4] = {};
    unwrap(file.read_at(header.data_begin + t.begin, bytes, width), path.string());
    float value = 0;
    std::uint16_t half = 0;
    std::memcpy(&half, bytes, 2);
    if (t.type == dtype::f32)
      std::memcpy(&value, bytes, 4);
    else
      value = t.type == dtype::bf16 ? nvq::to_float(nvq::bfloat16::from_bits(half))
                                    : nvq::to_float(nvq::half::from_bits(half));
    add(t.name, static_cast<double>(value), path.string());
  }
}

}  // namespace app
