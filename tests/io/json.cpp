// SPDX-License-Identifier: Apache-2.0
#include <ctime>
#include <nvq/io/dialect_json.hpp>
#include <nvq/io/index.hpp>
#include <nvq/io/json.hpp>
#include <string>

#include "support/catch.hpp"

namespace {

std::string json_refusal(const std::string& text) {
  const auto d = nvq::io::parse_json(text);
  return d ? "" : d.error().message;
}
std::string index_refusal(const std::string& text) {
  const auto i = nvq::io::parse_index(text);
  return i ? "" : i.error().message;
}
bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a configuration keeps its order and its numbers", "[io]") {
  const auto d = nvq::io::parse_json(R"({"z":1e-05,"a":[1,2.5,null],"m":12345678901234567890})");
  REQUIRE(d);
  CHECK(d->dump() == R"({"z":1e-05,"a":[1,2.5,null],"m":12345678901234567890})");
  CHECK(nvq::io::dump_json({{"b", 1}, {"a", 2}}) == "{\n  \"b\": 1,\n  \"a\": 2\n}\n");
}

TEST_CASE("JSON that readers disagree on is refused", "[io]") {
  CHECK(json_refusal(R"({"a":{"b":1},"c":{"b":2}})").empty());
  CHECK(contains(json_refusal(R"({"a":1,"a":1})"), "\"a\" appears twice"));
  CHECK(contains(json_refusal(R"({"o":{"a":1,"b":2,"a":1}})"), "\"a\" appears twice"));
  CHECK(contains(json_refusal("{\n  \"a\": 1,\n  \"b\": tru\n}"), "not valid JSON: line 3, column 11"));
  CHECK(contains(json_refusal("{"), "line 1, column 2"));
  CHECK(contains(json_refusal(""), "not valid JSON: line 1, column 1"));
  CHECK(contains(json_refusal("{} {}"), "not valid JSON"));
  CHECK(contains(json_refusal("{\"a\":\"\xff\"}"), "not valid JSON"));
  CHECK(contains(json_refusal(std::string(100, '[') + std::string(100, ']')), "nests deeper"));
  CHECK(json_refusal(std::string(64, '[') + std::string(64, ']')).empty());
  CHECK(contains(json_refusal(std::string(65, '[') + std::string(65, ']')), "nests deeper"));
}

TEST_CASE("all kinds of values are read and written", "[io]") {
  const std::string text =
      R"({"b":{"y":[],"x":{}},"a":[null,true,false,-1,18446744073709551615,-0.5,"\u0000\"",[[1],{"k":2}]]})";
  const auto ordered = nvq::io::parse_json(text);
  REQUIRE(ordered);
  CHECK(ordered->dump() == text);
  const auto sorted = nvq::io::parse_json<nlohmann::json>(text);
  REQUIRE(sorted);
  CHECK(sorted->dump() == nlohmann::json::parse(text).dump());
  for (const char* lone : {"1", "\"a\"", "null", " [ ] "}) CHECK(nvq::io::parse_json(lone));
}

namespace {

/// Processor time that a configuration of so many layers takes to be written and read; the least of a few times.
double time_of_layers(int layers) {
  nvq::io::quantization q;
  q.owner = nvq::io::dialect::modelopt;
  q.uses.resize(2);
  q.uses[0].scheme = {q.owner, nvq::io::weight_kind::fp8_channel, 0, false,
                      nvq::io::activation_kind::dynamic};
  q.uses[1].scheme = {q.owner, nvq::io::weight_kind::nvfp4, 0, false, nvq::io::activation_kind::none};
  for (int i = 0; i < layers; ++i) q.uses[i % 2 == 0 ? 0 : 1].targets.push_back("layer." + std::to_string(i));
  double least = 0;
  for (int round = 0; round < 3; ++round) {
    const std::clock_t begin = std::clock();
    const auto document = nvq::io::parse_json(nvq::io::dump_json(nvq::io::quantization_config(q)));
    REQUIRE(document);
    const auto back = nvq::io::parse_quantization_config(*document);
    REQUIRE(back);
    const auto time = static_cast<double>(std::clock() - begin);
    if (round == 0 || time < least) least = time;
    REQUIRE(back->uses.size() == 2);
    CHECK(back->uses[1].targets == q.uses[1].targets);
  }
  return least;
}

}  // namespace

TEST_CASE("eight times the keys take about eight times as long", "[io]") {
  // 64 times where every key is looked for among those before it.
  const double few = time_of_layers(5000), many = time_of_layers(40000);
  CHECK(many < 24 * few);
}

TEST_CASE("an index is read", "[io]") {
  const auto i = nvq::io::parse_index(
      R"({"metadata":{"total_size":7},"weight_map":{"b":"2.safetensors","a":"1.safetensors","c":"2.safetensors"}})");
  REQUIRE(i);
  CHECK(i->weight_map.at("c") == "2.safetensors");
  CHECK(i->shards() == std::vector<std::string>{"1.safetensors", "2.safetensors"});
}

TEST_CASE("an index does not choose directories", "[io]") {
  for (const char* file : {"../x.safetensors", "/etc/passwd", "a/b", "", ".hidden", "a\\\\b", "a\\u0000b"}) {
    INFO(file);
    CHECK(contains(index_refusal(std::string(R"({"weight_map":{"t":")") + file + "\"}}"),
                   "no plain file name"));
  }
  CHECK(contains(index_refusal(R"({"weight_map":{"t":1}})"), "'t' is not a string"));
  CHECK(contains(index_refusal(R"({"weight_map":{}})"), "empty"));
  CHECK(contains(index_refusal(R"({"weight_map":[]})"), "no weight_map"));
  CHECK(contains(index_refusal(R"([])"), "no weight_map"));
  CHECK(contains(index_refusal(R"({"weight_map":{"t":"a","t":"b"}})"), "appears twice"));
}

TEST_CASE("an index is written as it is read", "[io]") {
  nvq::io::shard_index i;
  i.total_size = 12;
  i.weight_map = {{"y", "1.safetensors"}, {"x\"", "2.safetensors"}};
  const std::string text = nvq::io::index_text(i);
  CHECK(text ==
        "{\n  \"metadata\": {\"total_size\": 12},\n  \"weight_map\": {\n    \"x\\\"\": \"2.safetensors\",\n"
        "    \"y\": \"1.safetensors\"\n  }\n}\n");
  const auto back = nvq::io::parse_index(text);
  REQUIRE(back);
  CHECK(back->weight_map == i.weight_map);
}
