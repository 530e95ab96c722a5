// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <mpi.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "failure.hpp"
#include "interrupt.hpp"
#include "ranks/team.hpp"

namespace app {

namespace {

constexpr int ask_tag = 1, answer_tag = 2;

void nap() { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }

/// MPI's own waiting takes a whole core, which another rank may need.
void wait(MPI_Request& request) {
  for (int done = 0;;) {
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done != 0) return;
    if (interrupted()) throw Failure("interrupted");
    nap();
  }
}

/// Errors of MPI's end the program with its own message, as is its default. Two messages go to and fro for
/// every piece of work: a counter in a window of rank 0's would be less to write, but on most networks it
/// moves only when rank 0 calls MPI, which it would do between two pieces of work.
class MpiTeam final : public Team {
 public:
  MpiTeam() {
    int provided = 0;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &share_.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &share_.size);
    MPI_Comm machine = MPI_COMM_NULL;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine);
    MPI_Comm_size(machine, &on_this_machine_);
    MPI_Comm_free(&machine);
    serialized_ = provided >= MPI_THREAD_SERIALIZED;
  }
  MpiTeam(const MpiTeam&) = delete;
  ~MpiTeam() override {
    stop_server();
    MPI_Finalize();
  }

  bool serialized() const { return serialized_; }
  Share share() const override { return share_; }
  int on_this_machine() const override { return on_this_machine_; }

  std::string told(const std::string& text) override {
    auto size = static_cast<std::int64_t>(text.size());
    broadcast(&size, 1, MPI_INT64_T);
    std::string all = share_.rank == 0 ? text : std::string(static_cast<std::size_t>(size), '\0');
    broadcast(all.data(), static_cast<int>(size), MPI_CHAR);
    return all;
  }

  void maximum(std::vector<float>& values) override {
    reduce(values.data(), static_cast<int>(values.size()), MPI_FLOAT, MPI_MAX);
  }

  int first_failed(bool failed) override {
    int first = failed ? share_.rank : share_.size;
    reduce(&first, 1, MPI_INT, MPI_MIN);
    return first == share_.size ? -1 : first;
  }

  void hand_out(std::int64_t count, const std::function<void(std::int64_t)>& progress) override {
    count_ = count;
    next_ = 0;
    if (share_.rank != 0) return;
    leaving_ = false;
    server_ = std::thread([this, progress] { serve(progress); });
  }

  std::int64_t next(std::int64_t done) override {
    if (share_.rank == 0) return take();
    std::int64_t number = -1;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Isend(&done, 1, MPI_INT64_T, 0, ask_tag, MPI_COMM_WORLD, &request);
    wait(request);
    MPI_Irecv(&number, 1, MPI_INT64_T, 0, answer_tag, MPI_COMM_WORLD, &request);
    wait(request);
    return number;
  }

  void all_handed_out() override {
    while (share_.rank == 0 && !served_) {
      if (interrupted()) throw Failure("interrupted");
      nap();
    }
    stop_server();
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Ibarrier(MPI_COMM_WORLD, &request);
    wait(request);
  }

  [[noreturn]] void abandon() override {
    stop_server();
    MPI_Abort(MPI_COMM_WORLD, 1);
    std::abort();
  }

 private:
  void broadcast(void* data, int count, MPI_Datatype type) {
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Ibcast(data, count, type, 0, MPI_COMM_WORLD, &request);
    wait(request);
  }
  void reduce(void* data, int count, MPI_Datatype type, MPI_Op op) {
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Iallreduce(MPI_IN_PLACE, data, count, type, op, MPI_COMM_WORLD, &request);
    wait(request);
  }

  std::int64_t take() {
    const std::int64_t number = next_++;
    return number < count_ ? number : -1;
  }

  /// Rank 0's second thread: nothing else in rank 0 calls MPI while it runs.
  void serve(const std::function<void(std::int64_t)>& progress) {
    for (int told_no = 0; told_no < share_.size - 1;) {
      if (leaving_) return;
      int there = 0;
      MPI_Status status{};
      MPI_Iprobe(MPI_ANY_SOURCE, ask_tag, MPI_COMM_WORLD, &there, &status);
      if (there == 0) {
        nap();
        continue;
      }
      std::int64_t done = 0;
      MPI_Recv(&done, 1, MPI_INT64_T, status.MPI_SOURCE, ask_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
      progress(done);
      const std::int64_t number = take();
      MPI_Send(&number, 1, MPI_INT64_T, status.MPI_SOURCE, answer_tag, MPI_COMM_WORLD);
      if (number < 0) ++told_no;
    }
    served_ = true;
  }
  void stop_server() {
    leaving_ = true;
    if (server_.joinable()) server_.join();
  }

  Share share_;
  int on_this_machine_ = 1;
  bool serialized_ = false;
  std::int64_t count_ = 0;
  std::atomic<std::int64_t> next_{0};
  std::atomic<bool> leaving_{false}, served_{false};
  std::thread server_;
};

}  // namespace

std::unique_ptr<Team> join_team(const Launch& launch) {
  auto team = std::make_unique<MpiTeam>();
  if (team->share().size != launch.share.size)
    throw Failure(fmt::format(
        "{} started {} of this command, but MPI finds {}: nvq is built with {}, and that is of another "
        "kind; give --shard auto, and then `nvq merge`",
        launch.by, launch.share.size, team->share().size, mpi_name()));
  if (!team->serialized())
    throw Failure(mpi_name() + " is built without support of threads; give --shard auto");
  return team;
}

std::string mpi_name() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = {};
  int length = 0;
  MPI_Get_library_version(text, &length);  // may be called before MPI_Init
  const std::string name(text, static_cast<std::size_t>(length));
  const std::string shorter = name.substr(0, name.find_first_of(",\n"));
  return shorter.rfind("Open MPI v", 0) == 0 ? "Open MPI " + shorter.substr(10) : shorter;
}

}  // namespace app
