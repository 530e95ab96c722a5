// SPDX-License-Identifier: Apache-2.0
// Several processes that do not talk to each other: --shard r/N, and merge.
#include "ranks.hpp"

#include <algorithm>
#include <csignal>

#include "support/catch.hpp"

using namespace test;

namespace {

std::string share(int rank, int size) { return std::to_string(rank) + '/' + std::to_string(size); }

Outcome run_rank(const fs::path& model, const fs::path& out, const std::string& rank,
                 std::vector<std::string> more = {}) {
  more.insert(more.end(), {"--shard", rank});
  return nvq(quantize_command(model, out, more));
}

/// The closing table without what differs from run to run.
std::string result(const std::string& table) { return table.substr(0, table.find("time")); }

Outcome under(const std::map<std::string, std::string>& variables,
              const std::vector<std::string>& arguments) {
  RunOptions options;
  options.environment = variables;
  return nvq(arguments, options);
}

}  // namespace

TEST_CASE("ranks and merge make the bytes of one process", "[app]") {
  const TempDir dir;
  write_sharded_model(dir / "torn");
  write_experts(dir / "experts");
  for (const std::string model : {"torn", "experts"}) {
    // A tensor scale for each group, none at all, and codes that lie across rows.
    for (const std::vector<std::string>& how :
         std::vector<std::vector<std::string>>{{},
                                               {"--dialect", "modelopt", "--preset", "all-linear"},
                                               {"--format", "mxfp4"},
                                               {"--format", "int4", "--dialect", "gptq"},
                                               {"--format", "nf4_dq"}}) {
      const fs::path whole = dir / "whole";
      const Outcome alone = nvq(quantize_command(dir / model, whole, how));
      INFO(alone.err);
      REQUIRE(alone.status == 0);
      for (const int size : {2, 3, 5}) {
        INFO(model << ", " << size << " ranks, " << (how.empty() ? "" : how.back()));
        const fs::path out = dir / "out";
        for (int rank = size - 1; rank >= 0; --rank) {  // in any order
          const Outcome one = run_rank(dir / model, out, share(rank, size), how);
          INFO(one.err);
          REQUIRE(one.status == 0);
          CHECK(contains(one.out, rank == 0 ? "all ranks are done: nvq merge" : "not there yet"));
          CHECK(!fs::exists(out));
        }
        const Outcome merged = nvq({"merge", out.string()});
        INFO(merged.err);
        REQUIRE(merged.status == 0);
        CHECK(files_of(out) == files_of(whole));
        CHECK(result(merged.out) == result(alone.out));
        CHECK(!fs::exists(dir / "out.partial"));
        fs::remove_all(out);
      }
      fs::remove_all(whole);
    }
  }
}

TEST_CASE("every rank has its share and no more", "[app]") {
  const TempDir dir;
  write_experts(dir / "m");
  std::size_t done = 0;
  for (int rank = 0; rank < 4; ++rank) {
    REQUIRE(run_rank(dir / "m", dir / "q", share(rank, 4)).status == 0);
    const std::string journal =
        read_file(dir / "q.partial" / ("rank-" + std::to_string(rank)) / "nvq-journal.jsonl");
    const auto lines = static_cast<std::size_t>(std::count(journal.begin(), journal.end(), '\n')) - 1;
    // 34 tensors of which 24 have 32 KiB: a quarter of the bytes is 6 of them and a bit, and a group more or less.
    CHECK(lines >= 5);
    CHECK(lines <= 13);
    done += lines;
  }
  CHECK(done == 34);
}

TEST_CASE("merge names the ranks that are missing, and their command", "[app]") {
  const TempDir dir;
  write_sharded_model(dir / "m");
  const std::string out = (dir / "q").string();
  const Outcome nothing = nvq({"merge", out});
  CHECK(nothing.status == 1);
  CHECK(contains(nothing.err, "q.partial"));
  REQUIRE(run_rank(dir / "m", dir / "q", "0/3", {"--keep", "*.0.*"}).status == 0);
  REQUIRE(run_rank(dir / "m", dir / "q", "2/3", {"--keep", "*.0.*"}).status == 0);
  const Outcome no = nvq({"merge", out});
  INFO(no.err);
  CHECK(no.status == 1);
  const std::string command =
      "nvq quantize " + (dir / "m").string() + ' ' + out + " --keep '*.0.*' --batch 1024 --shard 1/3";
  CHECK(contains(no.err, command));
  CHECK(!contains(no.err, "--shard 0/3"));
  CHECK(!contains(no.err, "--shard 2/3"));
  CHECK(!fs::exists(dir / "q"));
  REQUIRE(run_rank(dir / "m", dir / "q", "1/3", {"--keep", "*.0.*"}).status == 0);
  REQUIRE(nvq({"merge", out}).status == 0);
  const Outcome again = nvq({"merge", out});
  CHECK(again.status == 1);
  CHECK(contains(again.err, "it is one checkpoint already"));
}

TEST_CASE("ranks that were told different things are refused", "[app]") {
  const TempDir dir;
  write_sharded_model(dir / "m");
  fs::copy(dir / "m", dir / "copy");
  REQUIRE(run_rank(dir / "m", dir / "q", "0/2").status == 0);
  const Outcome other = run_rank(dir / "m", dir / "q", "1/2", {"--keep", "*.o_proj"});
  CHECK(other.status == 1);
  CHECK(contains(other.err, "rank-0: it was begun with another set of options"));
  const Outcome larger = nvq({"quantize", (dir / "m").string(), (dir / "q").string(), "--shard", "1/2"});
  CHECK(contains(larger.err, "another size of batches"));

  // A copy of the source is as good, one that has other bytes is not.
  const fs::path shard = dir / "copy/model-00002-of-00003.safetensors";
  const std::string bytes = read_file(shard);
  std::string changed = bytes;
  for (std::size_t i = changed.size() / 2; i < changed.size() - 256; ++i) changed[i] = 0;
  write_file(shard, changed);
  CHECK(contains(run_rank(dir / "copy", dir / "q", "1/2").err, "another content of the source"));
  write_file(shard, bytes);
  REQUIRE(run_rank(dir / "copy", dir / "q", "1/2").status == 0);

  // The source is not where it was, and then it is told where.
  fs::rename(dir / "m", dir / "moved");
  fs::remove_all(dir / "copy");
  const Outcome lost = nvq({"merge", (dir / "q").string()});
  CHECK(lost.status == 1);
  CHECK(contains(lost.err, "there is no such directory"));
  REQUIRE(nvq({"merge", (dir / "q").string(), "--model", (dir / "moved").string()}).status == 0);
  REQUIRE(nvq(quantize_command(dir / "moved", dir / "whole")).status == 0);
  CHECK(files_of(dir / "q") == files_of(dir / "whole"));
}

TEST_CASE("a run with --shard and one without do not mix", "[app]") {
  const TempDir dir;
  write_sharded_model(dir / "m");
  REQUIRE(run_rank(dir / "m", dir / "q", "0/2").status == 0);
  CHECK(contains(nvq(quantize_command(dir / "m", dir / "q")).err, "runs with --shard began it"));
  RunOptions killed;
  killed.signal = SIGKILL;
  killed.signal_when_exists = dir / "p.partial/model-00001-of-00003.safetensors";
  REQUIRE(nvq(quantize_command(dir / "m", dir / "p"), killed).status == 128 + SIGKILL);
  CHECK(contains(run_rank(dir / "m", dir / "p", "1/2").err, "a run without --shard began it"));
  CHECK(contains(nvq({"merge", (dir / "p").string()}).err, "a run without --shard began it"));
}

TEST_CASE("a rank that was killed goes on, and so does a merge", "[app]") {
  const TempDir dir;
  write_sharded_model(dir / "m");
  REQUIRE(nvq(quantize_command(dir / "m", dir / "whole", {"--recipe", "mse"})).status == 0);
  REQUIRE(run_rank(dir / "m", dir / "q", "0/2", {"--recipe", "mse"}).status == 0);
  const fs::path journal = dir / "q.partial/rank-1/nvq-journal.jsonl";
  RunOptions killed;
  killed.signal = SIGKILL;
  int status = 0;
  const auto done = [&] {
    const std::string text = read_file(journal);
    return std::count(text.begin(), text.end(), '\n') - 1;
  };
  // Until something of its share is done, and not all of it.
  const auto cut_short = [&] { return status == 128 + SIGKILL && done() > 0 && done() < 10; };
  double wait = 8;  // finds out how fast this machine and this build are
  for (int i = 0; i < 200 && !cut_short(); ++i) {
    fs::remove_all(dir / "q.partial/rank-1");
    killed.after_ms = static_cast<int>(wait);
    status =
        nvq(quantize_command(dir / "m", dir / "q", {"--recipe", "mse", "--shard", "1/2"}), killed).status;
    wait = status == 0 || done() >= 10 ? wait * 0.85 : wait * 1.1 + 1;
  }
  REQUIRE(cut_short());
  const Outcome early = nvq({"merge", (dir / "q").string()});
  CHECK(early.status == 1);
  CHECK(contains(early.err, "--shard 1/2"));
  const Outcome rest = run_rank(dir / "m", dir / "q", "1/2", {"--recipe", "mse"});
  REQUIRE(rest.status == 0);
  CHECK(contains(rest.out, "were done already"));

  // Another number of ranks finds what is there.
  const Outcome other = run_rank(dir / "m", dir / "q", "0/1000", {"--recipe", "mse"});
  CHECK(other.status == 0);

  RunOptions during;
  during.signal = SIGKILL;
  during.signal_when_exists = dir / "q.partial/model-00001-of-00003.safetensors";
  nvq({"merge", (dir / "q").string()}, during);
  if (!fs::exists(dir / "q")) REQUIRE(nvq({"merge", (dir / "q").string()}).status == 0);
  auto made = files_of(dir / "q");
  made.erase("rank-0");  // killed after the name was given
  made.erase("rank-1");
  CHECK(made == files_of(dir / "whole"));
}

TEST_CASE("which share a launcher's variables mean", "[app]") {
  const TempDir dir;
  write_sharded_model(dir / "m");
  const auto command = quantize_command(dir / "m", dir / "q", {"--shard", "auto"});
  using Variables = std::map<std::string, std::string>;
  const auto rank_of = [&](const Variables& variables) {
    const Outcome o = under(variables, command);
    INFO(o.err);
    REQUIRE(o.status == 0);
    return o.out.substr(0, o.out.find('\n'));
  };
  const auto expected = [](int rank, int size) {
    return "rank        " + std::to_string(rank) + " of " + std::to_string(size) + ", counted from 0";
  };
  CHECK(rank_of({{"SLURM_PROCID", "1"}, {"SLURM_STEP_NUM_TASKS", "4"}, {"SLURM_NTASKS", "8"}}) ==
        expected(1, 4));
  CHECK(rank_of({{"OMPI_COMM_WORLD_RANK", "2"}, {"OMPI_COMM_WORLD_SIZE", "3"}}) == expected(2, 3));
  CHECK(rank_of({{"PMI_RANK", "0"}, {"PMI_SIZE", "2"}}) == expected(0, 2));
  CHECK(rank_of({{"RANK", "6"}, {"WORLD_SIZE", "7"}}) == expected(6, 7));
  // mpirun inside SLURM: its daemons are what srun started.
  CHECK(rank_of({{"SLURM_PROCID", "0"},
                 {"SLURM_STEP_NUM_TASKS", "2"},
                 {"OMPI_COMM_WORLD_RANK", "3"},
                 {"OMPI_COMM_WORLD_SIZE", "4"}}) == expected(3, 4));

  const auto why = [&](const Variables& variables, const std::vector<std::string>& more) {
    const Outcome o = under(variables, quantize_command(dir / "m", dir / "p", more));
    CHECK(o.status == 1);
    CHECK(!fs::exists(dir / "p.partial"));
    return o.err;
  };
  CHECK(contains(why({}, {"--shard", "auto"}), "names no rank"));
  // A batch script is one process, however many tasks its job has.
  CHECK(contains(
      why({{"SLURM_JOB_ID", "7"}, {"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}}, {"--shard", "auto"}),
      "srun"));
  CHECK(contains(why({{"RANK", "4"}, {"WORLD_SIZE", "4"}}, {"--shard", "auto"}), "RANK=4"));
  CHECK(contains(why({{"RANK", "x"}, {"WORLD_SIZE", "4"}}, {"--shard", "auto"}), "RANK=x"));
  for (const char* shard : {"3", "1/", "/2", "a/b", "0/0", "1/2/3", "1.5/2"})
    CHECK(contains(why({}, {"--shard", shard}), "it is r/N"));
  CHECK(contains(why({}, {"--shard", "4/4"}), "ranks count from 0"));
  CHECK(contains(why({}, {"--shard", "0/2", "--report", (dir / "r.html").string()}), "nvq merge"));

  // Nothing is shared that nobody asked to share.
  const auto plain = quantize_command(dir / "m", dir / "whole");
  CHECK(contains(why({{"RANK", "0"}, {"WORLD_SIZE", "4"}}, {}), "torchrun started 4 of this command"));
  CHECK(contains(why({{"SLURM_PROCID", "0"}, {"SLURM_STEP_NUM_TASKS", "4"}}, {}),
                 "srun started 4 of this command"));
  CHECK(under({{"SLURM_JOB_ID", "7"}, {"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}}, plain).status == 0);
  CHECK(fs::exists(dir / "whole/model.safetensors.index.json"));
  fs::remove_all(dir / "whole");
  CHECK(under({{"RANK", "0"}, {"WORLD_SIZE", "4"}},
              quantize_command(dir / "m", dir / "whole", {"--shard", "0/1"}))
            .status == 0);
  CHECK(fs::exists(dir / "whole/model.safetensors.index.json"));
}
