// SPDX-License-Identifier: Apache-2.0
#include "convert/experts.hpp"

#include <fmt/format.h>

#include <array>
#include <nvq/io/dialect_json.hpp>

#include "failure.hpp"
#include "layers.hpp"

namespace app {

namespace {

using nvq::io::part;

constexpr std::array<std::string_view, 3> projections = {"gate_proj", "up_proj", "down_proj"};

struct Expert {
  std::array<const StoredWeight*, projections.size()> weights{};
};
/// By number. A map: digits alone do not bound the number.
using Layer = std::map<std::uint64_t, Expert>;

class Stacker {
 public:
  Stacker(const Checkpoint& source, const std::function<void(int, Piece)>& add,
          std::set<const Tensor*>& consumed)
      : source_(source), add_(add), consumed_(consumed) {}

  void run(const std::map<std::string, StoredWeight>& weights) {
    const std::string type = nvq::io::detail::text_at(source_.config(), "model_type");
    if (type != "gpt_oss")
      refuse(weights.begin()->first,
             fmt::format("that dialect is for the experts of GPT-OSS, and model_type is '{}'", type));
    for (const auto& [module, w] : weights) sort_in(w);
    for (const auto& [parent, layer] : layers_) {
      check(parent, layer);
      stack(parent + ".gate_up_proj", layer, {0, 1});
      stack(parent + ".down_proj", layer, {2});
    }
  }

 private:
  [[noreturn]] void refuse(const std::string& module, const std::string& why) const {
    throw Failure(fmt::format("{}: '{}' cannot be converted to gpt-oss: {}", source_.directory().string(),
                              module, why));
  }

  void sort_in(const StoredWeight& w) {
    const std::string_view last = leaf(w.module);
    const std::string_view parent = std::string_view(w.module).substr(0, w.module.size() - last.size() - 1);
    const std::string_view number = leaf(parent);
    for (std::size_t p = 0; p < projections.size(); ++p) {
      constexpr std::string_view stack = ".experts.";
      if (last != projections[p] || number.empty() || number.size() > 6 ||
          number.find_first_not_of("0123456789") != std::string_view::npos)
        continue;
      const std::string_view above = parent.substr(0, parent.size() - number.size());
      if (above.size() <= stack.size() || above.substr(above.size() - stack.size()) != stack) continue;
      layers_[std::string(above.substr(0, above.size() - 1))][std::stoul(std::string(number))].weights[p] =
          &w;
      return;
    }
    refuse(w.module, "that dialect has experts alone, and engines would read this layer as not quantized");
  }

  void check(const std::string& parent, const Layer& layer) const {
    const std::int64_t declared = nvq::io::detail::number_at(source_.config(), "num_local_experts");
    const std::uint64_t count = declared > 0 ? static_cast<std::uint64_t>(declared) : layer.size();
    if (layer.size() != count || layer.rbegin()->first + 1 != count)
      refuse(parent, fmt::format("there are {} experts of it, the last of number {}, where {} are needed",
                                 layer.size(), layer.rbegin()->first, count));
    const Expert& first = layer.begin()->second;
    for (const auto& [number, expert] : layer)
      for (std::size_t p = 0; p < projections.size(); ++p) {
        const StoredWeight* w = expert.weights[p];
        if (w == nullptr)
          refuse(fmt::format("{}.{}.{}", parent, number, projections[p]),
                 "it is not quantized as the others of its expert are, or is not there");
        const StoredWeight* like = first.weights[p == 1 ? 0 : p];
        if (like == nullptr || w->rows != like->rows || w->columns != like->columns)
          refuse(w->module, "its shape is not that of the others");
      }
  }

  /// The bias of a weight, which all experts of GPT-OSS have.
  const Tensor* bias(const StoredWeight& w, const Tensor* like) {
    const Tensor* t = source_.find(w.module + ".bias");
    if (t == nullptr || t->shape != std::vector<std::int64_t>{w.rows})
      refuse(w.module, fmt::format("it has no bias of {} values, and engines want one", w.rows));
    if (like != nullptr && t->type != like->type) refuse(w.module, "its bias is of another type than others");
    consumed_.insert(t);
    return t;
  }

  void stack(const std::string& name, const Layer& layer, const std::vector<std::size_t>& which) {
    Piece codes, scales, biases;
    for (const auto& [number, expert] : layer)
      for (const std::size_t p : which) {
        const StoredWeight& w = *expert.weights[p];
        codes.members.push_back(w.find(part::codes));
        scales.members.push_back(w.find(part::block_scales));
        biases.members.push_back(bias(w, biases.members.empty() ? nullptr : biases.members.front()));
      }
    const StoredWeight& first = *layer.begin()->second.weights[which.front()];
    const auto experts = static_cast<std::int64_t>(layer.size()),
               ways = static_cast<std::int64_t>(which.size());
    const std::int64_t rows = first.rows * ways, groups = first.columns / 32;
    const auto finish = [&](Piece& piece, const char* suffix, std::vector<std::int64_t> shape) {
      const Tensor& member = *piece.members.front();
      piece.how = Piece::How::stack;
      piece.spec = {name + suffix, member.type, std::move(shape)};
      piece.ways = ways;
      piece.row_bytes = member.bytes / first.rows;
      add_(member.shard, std::move(piece));
    };
    finish(codes, "_blocks", {experts, rows, groups, 16});
    finish(scales, "_scales", {experts, rows, groups});
    finish(biases, "_bias", {experts, rows});
  }

  const Checkpoint& source_;
  const std::function<void(int, Piece)>& add_;
  std::set<const Tensor*>& consumed_;
  std::map<std::string, Layer> layers_;
};

}  // namespace

void stack_experts(const Checkpoint& source, const std::map<std::string, StoredWeight>& weights,
                   const std::function<void(int, Piece)>& add, std::set<const Tensor*>& consumed) {
  Stacker(source, add, consumed).run(weights);
}

}  // namespace app
