// SPDX-License-Identifier: Apache-2.0
// Bad input: one line that names the file and the tensor, a status that is not 0, and no output that looks
// whole.
#if defined(__linux__)
#include <sys/mount.h>
#endif

#include <algorithm>
#include <csignal>

#include "app.hpp"
#include "support/catch.hpp"

using namespace test;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Runs `nvq quantize` and checks all that every refusal must be; returns its line.
std::string refusal(const fs::path& model, const fs::path& out, const RunOptions& options = {},
                    std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"quantize", model.string(), out.string()});
  const Outcome no = nvq(more, options);
  CHECK(no.status == 1);
  CHECK(no.out.empty());
  CHECK(contains(no.err, "nvq: "));
  CHECK(std::count(no.err.begin(), no.err.end(), '\n') == 1);
  CHECK(!fs::exists(out / "config.json"));
  CHECK(!fs::exists(out.string() + ".partial"));
  return no.err;
}

const std::string good_header =
    R"({"l.q_proj.weight":{"dtype":"BF16","shape":[16,16],"data_offsets":[0,512]}})";

/// A model whose one safetensors file holds these bytes.
void model_of(const fs::path& directory, const std::string& bytes) {
  fs::create_directories(directory);
  write_file(directory / "config.json", R"({"model_type":"llama"})");
  write_file(directory / "model.safetensors", bytes);
}

}  // namespace

TEST_CASE("files that are broken are refused by name", "[app]") {
  const std::string data(512, '\x3c');
  struct Case {
    const char* what;
    std::string bytes;
    const char* reason;
  };
  const auto with = [&](const std::string& header, std::size_t bytes) {
    return safetensors_bytes(header, std::string(bytes, '\x3c'));
  };
  const std::string huge("\xff\xff\xff\xff\xff\xff\xff\x7f", 8);
  const Case cases[] = {
      {"truncated data", with(good_header, 500), "12 bytes shorter than its header says"},
      {"truncated header", safetensors_bytes(good_header, data).substr(0, 40),
       "shorter than its header says"},
      {"empty file", "", "0 bytes"},
      {"five bytes", "12345", "5 bytes"},
      {"absurd header length", huge + "{}", "no safetensors file"},
      {"not safetensors at all", "GGUF" + std::string(1000, 'x'), "no safetensors file"},
      {"offsets beyond the file",
       with(R"({"l.q_proj.weight":{"dtype":"BF16","shape":[16,16],"data_offsets":[512,1024]}})", 512),
       "'l.q_proj.weight'"},
      {"offsets that do not fit the shape",
       with(R"({"l.q_proj.weight":{"dtype":"BF16","shape":[16,16],"data_offsets":[0,256]}})", 256),
       "needs 512 bytes"},
      {"overlapping tensors",
       with(
           R"({"l.q_proj.weight":{"dtype":"BF16","shape":[16,16],"data_offsets":[0,512]},"l.k_proj.weight":{"dtype":"BF16","shape":[16,16],"data_offsets":[256,768]}})",
           768),
       "overlap"},
      {"unknown dtype",
       with(R"({"l.q_proj.weight":{"dtype":"FP16","shape":[16,16],"data_offsets":[0,512]}})", 512),
       "'l.q_proj.weight': unknown dtype \"FP16\""},
      {"a size that overflows",
       with(R"({"l.q_proj.weight":{"dtype":"BF16","shape":[4294967296,4294967296],"data_offsets":[0,512]}})",
            512),
       "'l.q_proj.weight'"},
      {"a tensor twice",
       with(
           R"({"l.q_proj.weight":{"dtype":"BF16","shape":[16,16],"data_offsets":[0,512]},"l.q_proj.weight":{"dtype":"BF16","shape":[16,16],"data_offsets":[512,1024]}})",
           1024),
       "'l.q_proj.weight' appears twice"},
      {"bad JSON", with(good_header.substr(0, good_header.size() - 1), 512), "not valid JSON"},
  };
  const TempDir dir;
  for (const Case& c : cases) {
    INFO(c.what);
    model_of(dir / "m", c.bytes);
    const std::string line = refusal(dir / "m", dir / "q");
    INFO(line);
    CHECK(contains(line, (dir / "m" / "model.safetensors").string()));
    CHECK(contains(line, c.reason));
  }
  // The same file without its fault is taken.
  model_of(dir / "m", safetensors_bytes(good_header, data));
  CHECK(nvq({"quantize", (dir / "m").string(), (dir / "q").string()}).status == 0);
}

TEST_CASE("weights that are no numbers are refused by tensor and place", "[app]") {
  const TempDir dir;
  const std::pair<std::uint16_t, const char*> bad[] = {
      {0x7FC0, "NaN"}, {0x7F80, "infinite"}, {0xFF80, "infinite"}};
  for (const std::string format : {"nvfp4", "mxfp4", "fp8", "int4_row"})
    for (const auto& [bits, word] : bad) {
      INFO(format << ' ' << word);
      Tensors t = {{"l.k_proj.weight", weights("BF16", 40, 32, 1)},
                   {"l.o_proj.weight", weights("BF16", 40, 32, 2)}};
      std::memcpy(t["l.o_proj.weight"].bytes.data() + 2 * (33 * 32 + 5), &bits, 2);
      write_model(dir / "m", t);
      const std::string line = refusal(dir / "m", dir / "q", {}, {"--format", format});
      INFO(line);
      CHECK(contains(line, "'l.o_proj.weight'"));
      CHECK(contains(line, std::string("row 33, column 5 is ") + word));
    }
}

TEST_CASE("directories that are no model are refused", "[app]") {
  const TempDir dir;
  CHECK(contains(refusal(dir / "nothing", dir / "q"), "no such directory"));
  write_file(dir / "file", "x");
  CHECK(contains(refusal(dir / "file", dir / "q"), "not a directory"));
  fs::create_directories(dir / "empty");
  CHECK(contains(refusal(dir / "empty", dir / "q"), "no config.json"));
  write_file(dir / "empty" / "config.json", "{}");
  CHECK(contains(refusal(dir / "empty", dir / "q"), "neither model.safetensors nor"));
  write_file(dir / "empty" / "config.json", R"({"a":1,"a":2})");
  CHECK(contains(refusal(dir / "empty", dir / "q"), "\"a\" appears twice"));
  write_file(dir / "empty" / "config.json", "{,}");
  CHECK(contains(refusal(dir / "empty", dir / "q"), "not valid JSON"));
  write_file(dir / "empty" / "config.json", "[]");
  CHECK(contains(refusal(dir / "empty", dir / "q"), "not a JSON object"));
  write_file(dir / "empty" / "config.json", "{}");
  fs::create_directories(dir / "empty" / "model.safetensors");
  CHECK(contains(refusal(dir / "empty", dir / "q"), "not a regular file"));
}

TEST_CASE("models that cannot be quantized are refused", "[app]") {
  const TempDir dir;
  write_model(dir / "none", {{"wte.weight", weights("BF16", 32, 32, 1)}});
  CHECK(contains(refusal(dir / "none", dir / "q"), "no linear layer"));
  write_model(dir / "done", {{"l.q_proj.weight", weights("BF16", 32, 32, 1)}},
              {{"quantization_config", {{"quant_method", "fp8"}}}});
  CHECK(contains(refusal(dir / "done", dir / "q"), "quantized already"));
  Raw eight = weights("BF16", 32, 32, 1);
  eight.dtype = "F8_E4M3";
  eight.bytes.resize(1024);
  write_model(dir / "fp8", {{"l.q_proj.weight", eight}});
  CHECK(contains(refusal(dir / "fp8", dir / "q"), "'l.q_proj.weight' is F8_E4M3"));
}

TEST_CASE("options that make no sense are refused with what would", "[app]") {
  const TempDir dir;
  const auto no = [&](std::vector<std::string> options) {
    return refusal(shared_model(), dir / "q", {}, std::move(options));
  };
  CHECK(contains(no({"--format", "nvfp5"}), "known are nvfp4, mxfp4"));
  CHECK(contains(no({"--recipe", "best"}), "this format has transformer_engine"));
  CHECK(contains(no({"--dialect", "exl3"}), "known are compressed-tensors, modelopt, deepseek"));
  CHECK(contains(no({"--activations", "static"}), "none, dynamic and calibrated"));
  CHECK(contains(no({"--format", "fp8", "--dialect", "modelopt"}), "--activation-amax"));
  CHECK(contains(no({"--format", "int4", "--dialect", "awq"}), "int4_zp"));
  CHECK(contains(no({"--format", "nf4", "--dialect", "modelopt"}), "no engine loads"));
  CHECK(contains(no({"--format", "nvfp4", "--dialect", "deepseek"}), "fp8_block"));
  CHECK(contains(no({"--dialect", "gptq", "--kv-amax", "448"}), "no scales of a KV cache"));
  CHECK(contains(no({"--activation-amax", "-1"}), "above 0"));
  CHECK(contains(no({"--activation-amax", "missing.json"}), "missing.json"));
  CHECK(contains(no({"--preset", "best"}), "all-linear, mlp-only"));
  CHECK(contains(no({"--format", "int4", "--dialect", "modelopt"}), "compressed-tensors"));
  CHECK(contains(no({"--activations", "dynamic"}), "calibrated"));
  CHECK(nvq({"quantize"}).status == 2);
  CHECK(nvq({"quantise"}).status == 2);
  CHECK(nvq({}).status == 2);
}

TEST_CASE("an output directory that exists is left alone", "[app]") {
  const TempDir dir;
  fs::create_directories(dir / "q");
  write_file(dir / "q" / "mine", "precious");
  CHECK(contains(refusal(shared_model(), dir / "q"), "exists already"));
  CHECK(read_file(dir / "q" / "mine") == "precious");
  write_file(dir / "f", "precious");
  CHECK(contains(refusal(shared_model(), dir / "f"), "exists already"));
  CHECK(read_file(dir / "f") == "precious");
}

TEST_CASE("what a report needs is asked for before the work", "[app]") {
  const TempDir dir;
  const std::string lost = (dir / "no/report.html").string(), unclear = (dir / "report.pdf").string();
  CHECK(contains(refusal(shared_model(), dir / "q", {}, {"--report", lost}), "there is no directory"));
  CHECK(contains(refusal(shared_model(), dir / "q", {}, {"--report", unclear}), "name it FILE.html"));
  CHECK(
      contains(refusal(shared_model(), dir / "q", {}, {"--report", dir.path().string() + "/."}), "name it"));
}

TEST_CASE("words and numbers that make no command are named", "[app]") {
  const auto wrong = [](const std::vector<std::string>& arguments, const char* why) {
    const Outcome o = nvq(arguments);
    INFO(o.err);
    CHECK(o.status == 2);
    CHECK(contains(o.err + o.out, why));
  };
  wrong({"quantise", "a", "b"}, "there is no command 'quantise'");
  wrong({}, "A subcommand is required");
  wrong({"quantize", "a", "b", "--threads", "-1"}, "'-1' is no number from 0 on");
  wrong({"quantize", "a", "b", "--threads", "two"}, "'two' is no number from 0 on");
  wrong({"compare", "a", "b", "--min-db", "0"}, "'0' is no number above 0");
  wrong({"compare", "a", "b", "--min-db", "nan"}, "'nan' is no number above 0");
}

TEST_CASE("a link whose file is gone is told", "[app]") {
  const TempDir dir;
  fs::create_directories(dir / "m");
  fs::copy_file(shared_model() / "config.json", dir / "m/config.json");
  fs::create_directories(dir / "round");
  fs::create_symlink("config.json", dir / "round/config.json");
  CHECK(contains(refusal(dir / "round", dir / "q"), "config.json: cannot look for it: Too many levels"));
  fs::create_symlink("../blobs/0123", dir / "m/model.safetensors");
  CHECK(contains(refusal(dir / "m", dir / "q"),
                 "model.safetensors: it is a link to ../blobs/0123, which is not there"));
}

TEST_CASE("a directory that cannot be written is told", "[app]") {
  const TempDir dir;
  const std::string nowhere = refusal(shared_model(), dir / "no/such/place");
  CHECK(contains(nowhere, "cannot create this directory"));
  CHECK(contains(nowhere, "make " + (dir / "no/such").string() + " first"));
  CHECK(contains(refusal(shared_model(), "/proc/nvq-out"), "cannot create this directory"));
}

TEST_CASE("a file that may not grow is told, and nothing stays", "[app]") {
  const TempDir dir;
  RunOptions options;
  options.file_size_limit = 1000000;
  const std::string line = refusal(shared_model(), dir / "q", options);
  CHECK(contains(line, "model.safetensors"));
  CHECK(contains(line, "File too large"));
  CHECK(!fs::exists(dir / "q"));
}

#if defined(__linux__)
TEST_CASE("a full disk is told, and nothing stays", "[app]") {
  const TempDir dir;
  const fs::path disk = dir / "disk";
  fs::create_directories(disk);
  if (::mount("nvq-test", disk.c_str(), "tmpfs", 0, "size=1m") != 0)
    NVQ_SKIP("mount", "a small file system needs root to mount");
  const std::string line = refusal(shared_model(), disk / "q");
  const bool empty = fs::is_empty(disk);
  ::umount2(disk.c_str(), MNT_DETACH);
  CHECK(contains(line, "model.safetensors"));
  CHECK(contains(line, "No space left"));
  CHECK(empty);
}
#endif

TEST_CASE("a run that is interrupted cleans up, one that is killed does not look whole", "[app]") {
  const TempDir dir;
  const std::vector<std::string> slow = {
      "quantize", shared_model().string(), (dir / "q").string(), "--recipe", "mse", "--threads", "1"};
  RunOptions options;
  options.signal_when_exists = dir / "q.partial/model.safetensors.partial";
  options.signal = SIGTERM;
  const Outcome stopped = nvq(slow, options);
  CHECK(stopped.status == 1);
  CHECK(contains(stopped.err, "interrupted"));
  CHECK(fs::is_empty(dir.path()));

  options.signal = SIGKILL;
  CHECK(nvq(slow, options).status == 128 + SIGKILL);
  CHECK(!fs::exists(dir / "q"));
  CHECK(!fs::exists(dir / "q.partial/config.json"));
  CHECK(!fs::exists(dir / "q.partial/model.safetensors"));
  CHECK(nvq(slow).status == 0);
  CHECK(!fs::exists(dir / "q.partial"));
  CHECK(!fs::exists(dir / "q/nvq-journal.jsonl"));

  // What is there without a journal is another's.
  fs::create_directory(dir / "x.partial");
  write_file(dir / "x.partial/model.safetensors", "x");
  const Outcome foreign = nvq({"quantize", shared_model().string(), (dir / "x").string()});
  CHECK(foreign.status == 1);
  CHECK(contains(foreign.err, "x.partial: another run is writing it or was killed"));
  CHECK(fs::exists(dir / "x.partial/model.safetensors"));
}
