// SPDX-License-Identifier: Apache-2.0
// mpirun -n N nvq quantize ...: ranks that take work as they finish.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <future>
#include <thread>

#include "ranks.hpp"
#include "support/catch.hpp"

using namespace test;

namespace {

/// Empty when mpirun can be tested.
std::string why_not() {
  static const std::string version = nvq({"--version"}).out;
  if (contains(version, "without MPI")) return "nvq is built without MPI";
  if (!contains(version, "Open MPI")) return "nvq is built with an MPI that is not Open MPI";
  return fs::exists(NVQ_MPIRUN) ? "" : "there is no mpirun";
}

/// Every rank leaves its process id in a file of the directory.
Outcome mpirun(const TempDir& dir, int ranks, const std::vector<std::string>& arguments) {
  const fs::path out = dir / "stdout", err = dir / "stderr";
  // Sanitizers blame nvq for what Open MPI does not free, containers often forbid one process to read another's
  // memory, and no other machine is asked for anything.
  std::string line =
      "ASAN_OPTIONS=detect_leaks=0 OMPI_MCA_btl_vader_single_copy_mechanism=none "
      "OMPI_MCA_plm_rsh_agent=false ";
  line += std::string(NVQ_MPIRUN) + " --oversubscribe --bind-to none " +
          (::geteuid() == 0 ? "--allow-run-as-root " : "") + "-n " + std::to_string(ranks);
  line +=
      " sh -c 'echo $$ >" + (dir / "pid.").string() + "$OMPI_COMM_WORLD_RANK; exec " NVQ_APP " \"$@\"' nvq";
  for (const std::string& a : arguments) line += " '" + a + '\'';
  line += " >" + out.string() + " 2>" + err.string() + " </dev/null";
  const int status = std::system(line.c_str());
  // After a kill mpirun may be gone before all of its ranks are.
  for (int rank = 0; rank < ranks; ++rank) {
    const std::string pid = read_file(dir / ("pid." + std::to_string(rank)));
    for (int i = 0; i < 1000 && !pid.empty() && ::kill(std::stoi(pid), 0) == 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_file(out), read_file(err)};
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++n;
  return n;
}

std::string result(const std::string& table) { return table.substr(0, table.find("time")); }

}  // namespace

#define NEEDS_MPI \
  if (!why_not().empty()) NVQ_SKIP("mpi", why_not().c_str())

TEST_CASE("ranks of mpirun make the bytes of one process", "[app]") {
  NEEDS_MPI;
  const TempDir dir;
  write_sharded_model(dir / "torn");
  write_experts(dir / "experts");
  for (const std::string model : {"torn", "experts"}) {
    const Outcome alone = nvq(quantize_command(dir / model, dir / "whole"));
    REQUIRE(alone.status == 0);
    for (const int ranks : {1, 2, 3, 4}) {
      INFO(model << ", " << ranks);
      const Outcome o = mpirun(dir, ranks, quantize_command(dir / model, dir / "q"));
      INFO(o.err);
      REQUIRE(o.status == 0);
      CHECK(files_of(dir / "q") == files_of(dir / "whole"));
      CHECK(result(o.out) == result(alone.out));
      CHECK(!fs::exists(dir / "q.partial"));
      fs::remove_all(dir / "q");
    }
    fs::remove_all(dir / "whole");
  }
}

TEST_CASE("a killed rank of mpirun ends all, and the same command goes on", "[app]") {
  NEEDS_MPI;
  const TempDir dir;
  write_sharded_model(dir / "m");
  const auto command = quantize_command(dir / "m", dir / "q", {"--recipe", "mse"});
  REQUIRE(nvq(quantize_command(dir / "m", dir / "whole", {"--recipe", "mse"})).status == 0);
  const fs::path journal = dir / "q.partial/rank-1/nvq-journal.jsonl";
  const auto batches_done = [&] {
    std::size_t n = 0;
    for (const char* rank : {"rank-0", "rank-1", "rank-2"})
      n += count(read_file(dir / "q.partial" / rank / "nvq-journal.jsonl"), "\"batch\"");
    return n;
  };
  bool killed = false;  // with some of 28 weights done
  for (int attempt = 0; attempt < 40 && !killed; ++attempt) {
    fs::remove_all(dir / "q");
    fs::remove_all(dir / "q.partial");
    auto run = std::async(std::launch::async, [&] { return mpirun(dir, 3, command); });
    while (run.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready)
      if (fs::exists(journal) && contains(read_file(journal), "\"batch\"")) {
        ::kill(std::stoi(read_file(dir / "pid.1")), SIGKILL);
        break;
      }
    killed = run.get().status != 0 && batches_done() < 28;
  }
  REQUIRE(killed);
  CHECK(!fs::exists(dir / "q"));
  REQUIRE(fs::exists(journal));

  const auto go_on = [&](int ranks) {
    const Outcome o = mpirun(dir, ranks, command);
    INFO(o.err);
    REQUIRE(o.status == 0);
  };
  SECTION("with as many ranks") { go_on(3); }
  SECTION("with others") { go_on(2); }
  SECTION("without mpirun") {
    const Outcome early = nvq({"merge", (dir / "q").string()});
    CHECK(early.status == 1);
    CHECK(contains(early.err, "the same mpirun command goes on"));
    for (const char* rank : {"0/2", "1/2"}) {
      auto one = command;
      one.insert(one.end(), {"--shard", rank});
      REQUIRE(nvq(one).status == 0);
    }
    REQUIRE(nvq({"merge", (dir / "q").string()}).status == 0);
  }
  CHECK(files_of(dir / "q") == files_of(dir / "whole"));
  CHECK(!fs::exists(dir / "q.partial"));
}

TEST_CASE("a rank of mpirun that fails says why, once", "[app]") {
  NEEDS_MPI;
  const TempDir dir;
  write_experts(dir / "m");
  const Outcome wrong = mpirun(dir, 3, quantize_command(dir / "m", dir / "q", {"--format", "nope"}));
  CHECK(wrong.status == 1);
  CHECK(count(wrong.err, "unknown format 'nope'") == 1);
  CHECK(!fs::exists(dir / "q.partial"));

  Tensors tensors = read_safetensors(dir / "m/model.safetensors");
  Raw& bad = tensors.at("model.layers.1.self_attn.o_proj.weight");
  bad.bytes[10] = '\x81';  // NaN
  bad.bytes[11] = '\x7f';
  write_safetensors(dir / "m/model.safetensors", tensors);
  const Outcome nan = mpirun(dir, 3, quantize_command(dir / "m", dir / "q"));
  CHECK(nan.status == 1);
  INFO(nan.err);
  CHECK(count(nan.err, "'model.layers.1.self_attn.o_proj.weight': the weight at row 0, column 5 is NaN") ==
        1);
  CHECK(!fs::exists(dir / "q"));
}

TEST_CASE("mpirun starts an nvq without MPI", "[app]") {
  if (!contains(nvq({"--version"}).out, "without MPI")) NVQ_SKIP("mpi", "nvq is built with MPI");
  const TempDir dir;
  write_sharded_model(dir / "m");
  RunOptions options;
  options.environment = {{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "4"}};
  const Outcome o = nvq(quantize_command(dir / "m", dir / "q"), options);
  CHECK(o.status == 1);
  CHECK(contains(o.err, "mpirun started 4 of this command, but this nvq is built without MPI"));
}
