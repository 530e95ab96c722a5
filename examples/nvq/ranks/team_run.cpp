// SPDX-License-Identifier: Apache-2.0
#include "ranks/team_run.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <set>
#include <thread>

#include "background.hpp"
#include "encode.hpp"
#include "failure.hpp"
#include "interrupt.hpp"
#include "job.hpp"
#include "journal.hpp"
#include "output.hpp"
#include "progress.hpp"
#include "ranks/options_text.hpp"
#include "ranks/parts.hpp"
#include "ranks/share.hpp"
#include "ranks/units.hpp"
#include "run_identity.hpp"
#include "shard_writer.hpp"

namespace fs = std::filesystem;

namespace app {

namespace {

/// A rank failed, and it or the lowest of several said why.
struct Said {};

std::string host() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "?";
}

void say(const Share& share, const std::string& what) {
  fmt::print(stderr, "nvq: rank {} of {} on {}: {}\n", share.rank, share.size, host(), what);
  std::fflush(stderr);
}

/// A step that may fail on one rank or on all: the lowest says why, and all of them leave.
template <class Step>
void together(Team& team, Step step) {
  std::string why;
  try {
    step();
  } catch (const std::exception& e) {
    why = e.what();
  }
  const int failed = team.first_failed(!why.empty());
  if (failed < 0) return;
  if (failed == team.share().rank) say(team.share(), why);
  team.first_failed(false);  // no rank leaves before it is said
  throw Said{};
}

/// Cores of this machine, divided among its ranks. Launchers tend to bind every rank to one core.
int threads_for(const Team& team, bool show) {
  const auto cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  const int fair = std::max(1, cores / team.on_this_machine());
  cpu_set_t allowed;
  const int bound = ::sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : cores;
  if (show && bound < fair)
    fmt::print(stderr,
               "nvq: this rank is bound to {} of {} cores; mpirun --bind-to none gives it its share\n", bound,
               cores);
  return std::min(bound, fair);
}

/// Groups that several units share and whose largest magnitude matters.
std::vector<int> torn_groups(const Job& job, const std::vector<Unit>& units, Encoder& encoder) {
  std::vector<std::size_t> last(job.plan.groups.size(), units.size());
  std::set<int> torn;
  for (std::size_t u = 0; u < units.size(); ++u) {
    const std::vector<Batch> all = batches(job.plan.shards[units[u].shard].work, job.memory.batch_bytes);
    for (std::size_t b = units[u].first; b < units[u].first + units[u].count; ++b)
      for (const Work& w : all[b]) {
        if (!w.quantized() || !encoder.needs_amax(w)) continue;
        std::size_t& before = last[static_cast<std::size_t>(w.group)];
        if (before != units.size() && before != u) torn.insert(w.group);
        before = u;
      }
  }
  return {torn.begin(), torn.end()};
}

class Run {
 public:
  Run(const QuantizeOptions& options, Team& team) : options_(options), team_(team), share_(team.share()) {
    if (options_.threads == 0) options_.threads = threads_for(team, share_.rank == 0);
  }

  void prepare() {
    nvq::io::json run;
    together(team_, [&] {
      job_ = std::make_unique<Job>(options_);
      run = identity_of_part(job_->source, job_->plan, job_->memory.batch_bytes);
    });
    const std::string first = team_.told(run.dump());
    together(team_, [&] {
      const nvq::io::json theirs = common_identity(nvq::io::json::parse(first)), ours = common_identity(run);
      for (const auto& [key, value] : theirs.items())
        if (ours[key] != value) throw Failure("it sees another " + key + " than rank 0");
    });
    // Rank 0 looks at what earlier runs left before any other rank goes on with it.
    nvq::io::json found = nvq::io::json::array();
    together(team_, [&] {
      if (share_.rank != 0) return;
      begin(run);
      const fs::path all = out_->partial().parent_path();
      for (const auto& batch : find_done(job_->plan, job_->memory.batch_bytes, all, parts_))
        found.push_back(batch);
    });
    together(team_, [&] {
      if (share_.rank != 0) begin(run);
    });
    const nvq::io::json done = nvq::io::json::parse(team_.told(found.dump()));
    for (const nvq::io::json& batch : done) done_.insert(batch.get<Done::value_type>());
  }

  void work() {
    std::vector<Unit> small = small_units(job_->plan, job_->memory.batch_bytes);
    const auto is_done = [&](const Unit& u) { return missing_of(u, done_).empty(); };
    small.erase(std::remove_if(small.begin(), small.end(), is_done), small.end());
    const std::vector<Unit> units = units_to_hand_out(small, share_.size);
    std::int64_t total = 0;
    for (const Unit& u : units) total += u.bytes;

    Pool pool(job_->memory.threads);
    Encoder encoder(job_->source, job_->plan, pool);
    const std::vector<int> torn = torn_groups(*job_, units, encoder);
    std::vector<float> amaxes = encoder.amaxes(torn, share_.rank, share_.size);
    team_.maximum(amaxes);
    encoder.know(torn, amaxes);

    progress_ = std::make_unique<Progress>(total, share_.rank == 0 && !options_.quiet);
    Background disk;
    ShardWriter writer(*job_, encoder, *out_, *journal_, disk, *progress_);
    team_.hand_out(static_cast<std::int64_t>(units.size()),
                   [this](std::int64_t bytes) { progress_->advance(bytes); });
    std::int64_t done = 0;
    for (std::int64_t n; (n = team_.next(done)) >= 0;) {
      const Unit& unit = units[static_cast<std::size_t>(n)];
      writer.write(job_->plan.shards[unit.shard], missing_of(unit, done_));
      done = unit.bytes;
    }
    progress_->label("writing to the disk");
    disk.wait();
    progress_->label("waiting for other ranks");
    team_.all_handed_out();
    journal_.reset();
    out_.reset();
    progress_.reset();
  }

  QuantizeResult finish() {
    QuantizeResult r;
    together(team_, [] {});  // all journals are closed
    together(team_, [&] {
      if (share_.rank != 0) return;
      wait_for_files();
      QuantizeOptions merged;
      MergeOptions how;
      how.out = options_.out;
      r = merge(how, merged);
    });
    return r;
  }

  std::string hint() const {
    return done_.empty() && (!journal_ || journal_->empty()) ? ""
                                                             : goes_on(options_.out.string() + ".partial");
  }

 private:
  void begin(const nvq::io::json& run) {
    out_ = std::make_unique<OutputDirectory>(options_.out, part_name(share_.rank));
    parts_ = find_parts(out_->partial().parent_path());
    check_parts(parts_, run);
    journal_ = std::make_unique<Journal>(out_->partial(), run,
                                         nvq::io::json{{"options", options_to_json(options_)}});
  }

  /// What other machines wrote may be seen late on a file system that keeps names in a cache.
  void wait_for_files() const {
    const fs::path all = OutputDirectory(options_.out, Leftover::take).partial();
    std::size_t count = 0;
    for (const OutputShard& shard : job_->plan.shards)
      count += batches(shard.work, job_->memory.batch_bytes).size();
    for (int i = 0; i < 60; ++i) {
      if (find_done(job_->plan, job_->memory.batch_bytes, all, find_parts(all)).size() == count) return;
      std::this_thread::sleep_for(std::chrono::seconds(1));
    }
  }

  QuantizeOptions options_;
  Team& team_;
  Share share_;
  std::unique_ptr<Job> job_;
  std::unique_ptr<OutputDirectory> out_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Progress> progress_;
  std::vector<Part> parts_;
  Done done_;  ///< by earlier runs
};

}  // namespace

bool quantize_in_team(const QuantizeOptions& options, Team& team, const std::vector<fs::path>& reports) {
  Run run(options, team);
  const double started = now();
  try {
    together(team, [&] {
      if (team.share().rank == 0) check_reports(reports);
    });
    run.prepare();
    run.work();
    QuantizeResult r = run.finish();
    if (team.share().rank != 0) return true;
    r.seconds = now() - started;
    r.parts = 0;  // the time is that of all of it
    if (!options.quiet) fmt::print("{}", summary(r));
    report_quantized(options, reports);
  } catch (const Said&) {
    return false;
  } catch (const std::exception& e) {
    // An interrupt reaches all of them; and when one abandons the run, the launcher interrupts the others.
    if (!interrupted() || team.share().rank == 0) say(team.share(), e.what() + run.hint());
    team.abandon();
  }
  return true;
}

}  // namespace app
