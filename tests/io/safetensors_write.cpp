// SPDX-License-Identifier: Apache-2.0
#include <nvq/io/safetensors.hpp>
#include <string>

#include "support/catch.hpp"

using nvq::io::dtype;
using nvq::io::tensor_spec;

TEST_CASE("a planned header is the reference writer's, to the byte", "[io]") {
  // safetensors 0.8.0, safetensors.torch.save() of these tensors with metadata {"format": "pt"}: 488 header
  // bytes.
  const std::string reference =
      "{\"__metadata__\":{\"format\":\"pt\"},\"e\":{\"dtype\":\"I64\",\"shape\":[0,4],\"data_offsets\":[0,0]}"
      ","
      "\"s\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},\"i\":{\"dtype\":\"I32\",\"shape\":[2],"
      "\"data_offsets\":[4,12]},\"b.weight\":{\"dtype\":\"BF16\",\"shape\":[2,3],\"data_offsets\":[12,24]},"
      "\"h\":{\"dtype\":\"F16\",\"shape\":[3],\"data_offsets\":[24,30]},\"q\":{\"dtype\":\"F8_E4M3\","
      "\"shape\":[2,2],"
      "\"data_offsets\":[30,34]},\"n\\\"\xc3\xbc\\n\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[34,"
      "35]},"
      "\"a\":{\"dtype\":\"U8\",\"shape\":[5],\"data_offsets\":[35,40]}}";
  const auto layout = nvq::io::plan_safetensors({{"b.weight", dtype::bf16, {2, 3}},
                                                 {"a", dtype::u8, {5}},
                                                 {"s", dtype::f32, {}},
                                                 {"e", dtype::i64, {0, 4}},
                                                 {"h", dtype::f16, {3}},
                                                 {"q", dtype::f8_e4m3, {2, 2}},
                                                 {"n\"\xc3\xbc\n", dtype::i8, {1}},
                                                 {"i", dtype::i32, {2}}},
                                                {{"format", "pt"}});
  REQUIRE(layout);
  REQUIRE(reference.size() % 8 == 0);
  CHECK(layout->header == std::string("\xe8\x01\0\0\0\0\0\0", 8) + reference);
  CHECK(layout->file_size == 536);
}

TEST_CASE("what is planned reads back", "[io]") {
  const auto layout = nvq::io::plan_safetensors({{"x", dtype::f4, {3, 2}}, {"y", dtype::f64, {1}}}, {});
  REQUIRE(layout);
  CHECK(layout->header.size() % 8 == 0);
  const auto header =
      nvq::io::parse_safetensors_header(std::string_view(layout->header).substr(8), layout->file_size);
  REQUIRE(header);
  REQUIRE(header->tensors.size() == 2);
  CHECK(header->tensors[0].name == "y");
  CHECK(header->tensors[1].bytes() == 3);
  CHECK(header->metadata.empty());
}

TEST_CASE("what no file can hold is refused", "[io]") {
  const auto refusal = [](std::vector<tensor_spec> specs) {
    const auto layout = nvq::io::plan_safetensors(std::move(specs), {});
    return layout ? std::string() : layout.error().message;
  };
  CHECK(refusal({{"x", dtype::u8, {1}}, {"x", dtype::f32, {1}}}).find("'x' would be written twice") !=
        std::string::npos);
  CHECK(refusal({{"__metadata__", dtype::u8, {1}}}).find("must not be named __metadata__") !=
        std::string::npos);
  CHECK(refusal({{"x", dtype::f4, {3}}}).find("'x' of shape [3]") != std::string::npos);
  const std::int64_t half = std::int64_t{1} << 62;
  CHECK(refusal({{"x", dtype::u8, {half}}, {"y", dtype::u8, {half}}}).find("does not fit") !=
        std::string::npos);
}

TEST_CASE("a file gives its bytes and says why it cannot", "[io]") {
  const std::string path = "nvq-io-file.tmp";
  std::remove(path.c_str());
  {
    auto f = nvq::io::file::create(path);
    REQUIRE(f);
    CHECK(f->reserve(100));
    CHECK(*f->size() == 100);
    CHECK(f->write_at(90, "0123456789", 10));
    char back[4];
    CHECK(f->read_at(94, back, 4));
    CHECK(std::string(back, 4) == "4567");
    const auto past = f->read_at(98, back, 4);
    REQUIRE(!past);
    CHECK(past.error().message.find("ended while being read") != std::string::npos);
    CHECK(f->sync());
    CHECK(f->close());
  }
  const auto again = nvq::io::file::create(path);
  REQUIRE(!again);
  CHECK(again.error().message.find("File exists") != std::string::npos);
  std::remove(path.c_str());
  CHECK(!nvq::io::file::open_read(path));
}
