// SPDX-License-Identifier: Apache-2.0
// Headers from outside: what is right is read as it is, and every lie is told with its tensor.
#include <nvq/io/safetensors.hpp>
#include <string>

#include "support/catch.hpp"

namespace {

using nvq::io::dtype;

std::string refusal(const std::string& header, std::int64_t data_bytes) {
  const auto parsed =
      nvq::io::parse_safetensors_header(header, 8 + static_cast<std::int64_t>(header.size()) + data_bytes);
  return parsed ? "" : parsed.error().message;
}

std::string length_refusal(std::uint64_t length, std::int64_t file_size) {
  unsigned char first[8];
  for (int i = 0; i < 8; ++i) first[i] = static_cast<unsigned char>(length >> (8 * i));
  const auto n = nvq::io::safetensors_header_length(first, file_size);
  return n ? "" : n.error().message;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a safetensors header is read", "[io]") {
  const std::string json =
      R"({"__metadata__":{"format":"pt"},"second":{"dtype":"BF16","shape":[2,3],"data_offsets":[4,16]},)"
      R"("first":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"empty":{"dtype":"I64","shape":[0,7],"data_offsets":[4,4]}}   )";
  const auto h = nvq::io::parse_safetensors_header(json, 8 + static_cast<std::int64_t>(json.size()) + 16);
  REQUIRE(h);
  CHECK(h->data_begin == 8 + static_cast<std::int64_t>(json.size()));
  REQUIRE(h->tensors.size() == 3);
  CHECK(h->tensors[0].name == "first");
  CHECK(h->tensors[0].shape.empty());
  CHECK(h->tensors[1].name == "empty");
  CHECK(h->tensors[1].bytes() == 0);
  CHECK(h->tensors[2].type == dtype::bf16);
  CHECK(h->tensors[2].shape == std::vector<std::int64_t>{2, 3});
  CHECK(h->tensors[2].begin == 4);
  CHECK(h->tensors[2].end == 16);
  CHECK(h->metadata == std::vector<std::pair<std::string, std::string>>{{"format", "pt"}});
  CHECK(h->find("second") == &h->tensors[2]);
  CHECK(h->find("third") == nullptr);
  CHECK(refusal("{}", 0).empty());
}

TEST_CASE("a file written by the Python package is read", "[io]") {
  const auto f = nvq::io::file::open_read(NVQ_DATA_DIR "/model.safetensors");
  REQUIRE(f);
  const auto h = nvq::io::read_safetensors_header(*f);
  REQUIRE(h);
  CHECK(h->tensors.size() == 39);
  CHECK(h->data_begin == 8 + 4160);
  const auto* head = h->find("lm_head.weight");
  REQUIRE(head != nullptr);
  CHECK(head->begin == 6427136);
  CHECK(head->end == 6558208);
}

TEST_CASE("header lengths are checked before they are used", "[io]") {
  CHECK(length_refusal(2, 10).empty());
  CHECK(contains(length_refusal(100000001, 1LL << 40), "no safetensors file"));
  CHECK(contains(length_refusal(~0ULL, 1LL << 40), "18446744073709551615"));
  CHECK(contains(length_refusal(1, 1000), "no safetensors file"));
  CHECK(contains(length_refusal(100, 50), "58 bytes shorter"));
}

TEST_CASE("headers that lie are refused, naming the tensor", "[io]") {
  struct Case {
    const char* header;
    std::int64_t data_bytes;
    const char *tensor, *reason;
  };
  const Case cases[] = {
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
       12, "'b'", "overlap"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
       8, "'b'", "overlap"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]}})",
       20, "'b'", "hole"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", 12, "'a'", "hole"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 7, "", "1 bytes shorter"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 9, "", "1 bytes after the last tensor"},
      {R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8, "'a'", "needs 12 bytes"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8, "'a'", "backwards"},
      {R"({"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}})", 8, "'a'", "unknown dtype \"F31\""},
      {R"({"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}})", 2, "'a'", "whole number of bytes"},
      {R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}})", 8, "'a'",
       "below 2^63"},
      {R"({"a":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,8]}})", 8, "'a'", "below 2^63"},
      {R"({"a":{"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,8]}})", 8, "'a'",
       "no 64-bit integer"},
      {R"({"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,8]}})", 8, "'a'",
       "beyond 2^63"},
      {R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8, "'a'", "negative"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8.0]}})", 8, "'a'", "no 64-bit integer"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}})", 8, "'a'", "two numbers"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}})", 8, "'a'", "more than two"},
      {R"({"a":{"dtype":"F32","shape":[2]}})", 8, "'a'", "no data_offsets"},
      {R"({"a":{"shape":[2],"data_offsets":[0,8]}})", 8, "'a'", "no dtype"},
      {R"({"a":{"dtype":"F32","data_offsets":[0,8]}})", 8, "'a'", "no shape"},
      {R"({"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8, "'a'",
       "dtype appears twice"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"strides":[1]}})", 8, "'a'",
       "unknown key \"strides\""},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})",
       16, "'a'", "appears twice"},
      {R"({"a":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}})", 8, "'a'", "an array"},
      {R"({"a":{"dtype":{},"shape":[2],"data_offsets":[0,8]}})", 8, "'a'", "an object"},
      {R"({"a":[]})", 0, "'a'", "an array"},
      {R"({"a":null})", 0, "'a'", "null"},
      {R"({"__metadata__":{"format":1}})", 0, "", "strings to strings"},
      {R"({"__metadata__":{},"__metadata__":{}})", 0, "", "__metadata__ appears twice"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})", 8, "", "not valid JSON"},
      {R"({} x)", 0, "", "not valid JSON"},
      {R"([])", 0, "", "'{'"},
      {"{\"\xff\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "", "not valid JSON"},
  };
  for (const Case& c : cases) {
    INFO(c.header);
    const std::string why = refusal(c.header, c.data_bytes);
    INFO(why);
    CHECK(contains(why, c.reason));
    CHECK(contains(why, c.tensor));
  }
}

TEST_CASE("a header of deep nesting or many dimensions ends early", "[io]") {
  CHECK(contains(refusal("{\"a\":" + std::string(1000000, '['), 0), "an array"));
  std::string many = R"({"a":{"dtype":"U8","shape":[1)";
  for (int i = 0; i < 40; ++i) many += ",1";
  CHECK(contains(refusal(many + R"(],"data_offsets":[0,1]}})", 1), "dimensions"));
}

TEST_CASE("every prefix of a good file is refused", "[io]") {
  const std::string json = R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})";
  for (std::size_t n = 0; n < json.size(); ++n) CHECK(!refusal(json.substr(0, n), 4).empty());
  CHECK(refusal(json, 4).empty());
}

TEST_CASE("metadata that readers disagree on is refused", "[io]") {
  CHECK(contains(refusal(R"({"__metadata__":{"format":"pt","format":"np"}})", 0),
                 "'format' appears twice in __metadata__"));
  CHECK(refusal(R"({"__metadata__":{"format":"pt","f":"pt"}})", 0).empty());
}
