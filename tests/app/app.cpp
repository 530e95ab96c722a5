// SPDX-License-Identifier: Apache-2.0
#include "app.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "support/catch.hpp"

namespace test {

TempDir::TempDir() {
  std::string pattern = (fs::temp_directory_path() / "nvq-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) FAIL("cannot make a temporary directory");
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

namespace {

/// Of a process, when it has ended.
std::int64_t bytes_read(pid_t child) {
  siginfo_t info;
  if (::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) != 0) return -1;
  std::ifstream in("/proc/" + std::to_string(child) + "/io");
  std::string key;
  std::int64_t bytes = -1;
  return in >> key >> bytes && key == "rchar:" ? bytes : -1;
}

}  // namespace

Outcome nvq(const std::vector<std::string>& arguments, const RunOptions& options) {
  const TempDir streams;
  const std::string out = (streams / "out").string(), err = (streams / "err").string();
  std::vector<char*> argv;
  std::vector<std::string> text = {NVQ_APP};
  text.insert(text.end(), arguments.begin(), arguments.end());
  for (std::string& a : text) argv.push_back(a.data());
  argv.push_back(nullptr);

  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGTERM, SIG_DFL);  // Catch reports on it
    ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT, 0600), 1);
    ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT, 0600), 2);
    for (const auto& [name, value] : options.environment) ::setenv(name.c_str(), value.c_str(), 1);
    if (options.file_size_limit >= 0) {
      const rlimit limit{static_cast<rlim_t>(options.file_size_limit),
                         static_cast<rlim_t>(options.file_size_limit)};
      ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ::execv(NVQ_APP, argv.data());
    ::_exit(127);
  }
  REQUIRE(child > 0);
  int status = 0;
  if (options.signal != 0 && options.after_ms >= 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(options.after_ms));
    ::kill(child, options.signal);
  } else if (options.signal != 0) {
    while (!fs::exists(options.signal_when_exists) && ::waitpid(child, &status, WNOHANG) == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ::kill(child, options.signal);
  }
  const std::int64_t read = bytes_read(child);
  ::waitpid(child, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_file(out), read_file(err),
          read};
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

json read_json(const fs::path& path) { return json::parse(read_file(path)); }

std::string safetensors_bytes(const std::string& header, const std::string& data) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(header.size() >> (8 * i) & 0xff);
  return bytes + header + data;
}

void write_safetensors(const fs::path& path, const Tensors& tensors) {
  json header = json::object();
  std::string data;
  for (const auto& [name, t] : tensors) {
    header[name] = {{"dtype", t.dtype},
                    {"shape", t.shape},
                    {"data_offsets", {data.size(), data.size() + t.bytes.size()}}};
    data += t.bytes;
  }
  write_file(path, safetensors_bytes(header.dump(), data));
}

Tensors read_safetensors(const fs::path& path) {
  const std::string bytes = read_file(path);
  REQUIRE(bytes.size() >= 8);
  const auto length = static_cast<std::size_t>(value_at<std::uint64_t>(bytes, 0));
  const json header = json::parse(bytes.substr(8, length));
  Tensors tensors;
  for (const auto& item : header.items()) {
    if (item.key() == "__metadata__") continue;
    const auto begin = item.value()["data_offsets"][0].get<std::size_t>(),
               end = item.value()["data_offsets"][1].get<std::size_t>();
    tensors[item.key()] = {item.value()["dtype"], item.value()["shape"],
                           bytes.substr(8 + length + begin, end - begin)};
  }
  return tensors;
}

Tensors read_checkpoint(const fs::path& directory) {
  Tensors all;
  for (const auto& e : fs::directory_iterator(directory))
    if (e.path().extension() == ".safetensors") all.merge(read_safetensors(e.path()));
  return all;
}

Raw weights(const std::string& dtype, std::int64_t rows, std::int64_t columns, int seed) {
  Raw t{dtype, {rows, columns}, {}};
  std::uint32_t state = static_cast<std::uint32_t>(seed) * 2654435761u + 1u;
  for (std::int64_t i = 0; i < rows * columns; ++i) {
    state = state * 1664525u + 1013904223u;
    // Seven bits and a power of two: k / 2^10 for |k| < 128.
    const float x = static_cast<float>(static_cast<int>(state >> 24) - 128 + (state >> 31 ? 1 : 0)) / 1024.0f;
    std::uint32_t bits;
    std::memcpy(&bits, &x, 4);
    if (dtype == "F32") {
      t.bytes.append(reinterpret_cast<const char*>(&bits), 4);
    } else {
      std::uint32_t narrow = bits >> 16;
      if (dtype == "F16" && x != 0.0f)
        narrow = (bits >> 16 & 0x8000u) | (((bits >> 23 & 0xffu) - 112u) << 10) | (bits >> 13 & 0x3ffu);
      t.bytes.append(reinterpret_cast<const char*>(&narrow), 2);
    }
  }
  return t;
}

void write_model(const fs::path& directory, const Tensors& tensors, const json& config) {
  fs::create_directories(directory);
  write_file(directory / "config.json", config.dump());
  write_safetensors(directory / "model.safetensors", tensors);
}

void write_sharded_model(const fs::path& directory) {
  const char* leaves[] = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
                          "mlp.gate_proj",    "mlp.up_proj",      "mlp.down_proj"};
  std::vector<Tensors> shards(3);
  json map = json::object();
  int seed = 1;
  for (int layer = 0; layer < 4; ++layer)
    for (const char* leaf : leaves) {
      const std::string name = "model.layers." + std::to_string(layer) + '.' + leaf + ".weight";
      const std::size_t shard = static_cast<std::size_t>(seed) % 3;
      shards[shard][name] = weights("BF16", 128, 256, seed++);
      // Maxima that differ, so that a scale made from one partner alone shows.
      shards[shard][name].bytes[1] = static_cast<char>(0x3f + seed % 3);
      map[name] = "model-0000" + std::to_string(shard + 1) + "-of-00003.safetensors";
    }
  write_model(directory, {});
  fs::remove(directory / "model.safetensors");
  for (std::size_t s = 0; s < 3; ++s)
    write_safetensors(directory / ("model-0000" + std::to_string(s + 1) + "-of-00003.safetensors"),
                      shards[s]);
  write_file(directory / "model.safetensors.index.json", json({{"weight_map", map}}).dump());
  write_file(directory / "tokenizer.json", "{}");
}

std::map<std::string, std::string> files_of(const fs::path& directory) {
  std::map<std::string, std::string> all;
  for (const auto& e : fs::directory_iterator(directory))
    all[e.path().filename().string()] = e.is_directory() ? "a directory" : read_file(e.path());
  return all;
}

}  // namespace test
