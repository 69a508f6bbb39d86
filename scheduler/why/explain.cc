#include "scheduler/why/explain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <optional>

#include "scheduler/cluster/snapshot.h"
#include "scheduler/framework/diagnosis.h"
#include "scheduler/why/preemption.h"
#include "scheduler/why/verdicts.h"

namespace ph::scheduler::why {
namespace {

// One explanation on its way.
class Explaining {
 public:
  Explaining(const View& view, const Pod& pod, const PodRef& info, std::string_view at)
      : view_(view), pod_(pod), at_(at), state_(info) {}

  Explanation run() {
    const auto all = view_.snapshot.nodes();
    out_.nodes = all.size();
    if (all.empty()) {
      refuse(std::string(kNoNodes));
      return std::move(out_);
    }
    try {
      const auto narrowed = view_.profile.pre_filter(state_, pod_, all);
      if (!narrowed.verdict.success()) {
        refused_at_once(narrowed.verdict);
      } else {
        look_at_nodes(narrowed);
      }
    } catch (const std::exception& error) {
      fail(error.what());
    }
    return std::move(out_);
  }

 private:
  void refuse(std::string message) {
    out_.state = "unschedulable";
    out_.message = std::move(message);
  }
  void fail(std::string message) {
    out_.state = "error";
    out_.message = std::move(message);
  }

  void refused_at_once(const Verdict& verdict) {
    if (!verdict.rejected()) return fail(verdict.message());
    Diagnosis diagnosis;
    diagnosis.nodes_total = out_.nodes;
    diagnosis.pre_filter_message = verdict.message();
    refuse(fit_message(diagnosis));
    out_.pre_filter.push_back(told(verdict));
    out_.preemption.push_back(explain_preemption(view_, state_, pod_, {}, verdict));
  }

  void look_at_nodes(const Profile::PreFiltered& narrowed) {
    std::vector<const NodeInfo*> named;
    std::span<const NodeInfo* const> candidates = view_.snapshot.nodes();
    if (narrowed.nodes) {
      for (const std::string& name : *narrowed.nodes) {
        if (const NodeInfo* node = view_.snapshot.find(name)) named.push_back(node);
      }
      candidates = named;
    }
    const Verdicts verdicts = judge(view_.profile, state_, pod_, candidates, view_.nominated);
    if (!verdicts.error.empty()) return fail(verdicts.error);
    out_.fitting = verdicts.fits.size();
    for (const NodeInfo* node : verdicts.fits) out_.fits.push_back(node->name());
    std::ranges::sort(out_.fits);
    out_.refused = grouped(verdicts.refused);
    tell_of_others(narrowed, candidates);
    for (const std::size_t i : by_distance(verdicts.refused, view_.nearest)) {
      out_.nearest.push_back(near_miss(view_.profile, state_, pod_, verdicts.refused[i], view_.nominated));
    }
    if (verdicts.fits.empty()) return nothing_fits(verdicts, narrowed, candidates.size());
    choose(verdicts.fits);
  }

  static std::string unnamed(const Profile::PreFiltered& narrowed) {
    return fmt::format("node(s) didn't satisfy plugin(s) [{}]", fmt::join(narrowed.narrowed_by, " "));
  }

  // The nodes that pre-filter has left out.
  void tell_of_others(const Profile::PreFiltered& narrowed, std::span<const NodeInfo* const> candidates) {
    if (!narrowed.nodes || candidates.size() == out_.nodes) return;
    Refused others;
    others.verdicts.push_back({.plugin = std::string(narrowed.narrowed_by.front()),
                               .reasons = {unnamed(narrowed)},
                               .code = std::string(to_string(Code::UnschedulableAndUnresolvable))});
    for (const NodeInfo* node : view_.snapshot.nodes()) {
      if (!narrowed.nodes->contains(node->name())) others.nodes.push_back(node->name());
    }
    others.count = others.nodes.size();
    out_.refused.push_back(std::move(others));
  }

  // The same words as the event has.
  void nothing_fits(const Verdicts& verdicts, const Profile::PreFiltered& narrowed, std::size_t candidates) {
    Diagnosis diagnosis;
    diagnosis.nodes_total = out_.nodes;
    for (const Judged& judged : verdicts.refused) diagnosis.add(judged.verdicts.front());
    if (narrowed.nodes)
      diagnosis.add(Verdict::owning(Code::UnschedulableAndUnresolvable, unnamed(narrowed)), out_.nodes - candidates);
    refuse(fit_message(diagnosis));
    out_.preemption.push_back(
        explain_preemption(view_, state_, pod_, verdicts.refused, Verdict(Code::UnschedulableAndUnresolvable)));
  }

  // -- One of those that fit

  void choose(std::span<const NodeInfo* const> fits) {
    const std::string& nominated = pod_.status().nominated_node_name();
    const auto same = [&](const NodeInfo* node) { return node->name() == nominated; };
    if (!nominated.empty() && std::ranges::any_of(fits, same)) {
      out_.chosen = nominated;
      out_.chosen_for = "room was made for the pod there";
    } else if (fits.size() == 1) {
      out_.chosen = fits.front()->name();
      out_.chosen_for = "no other node fits";
    } else if (!score(fits)) {
      return;
    }
    out_.state = "fits";
    out_.message = fmt::format("{}/{} nodes fit, {} would be taken: {}", out_.fitting, out_.nodes, out_.chosen, out_.chosen_for);
  }

  // What each plugin that scores says of the nodes.
  struct Column {
    std::string name;
    std::int64_t weight = 1;
    std::vector<Score> raw, score;
  };

  std::vector<Column> columns(std::span<const NodeInfo* const> fits, std::vector<NodeScore>& total) const {
    std::vector<Column> out;
    const ProfileSpec& spec = view_.profile.spec();
    for (std::size_t p = 0; p < view_.profile.score_plugins(); ++p) {
      if (!view_.profile.is_scored(p, state_)) continue;
      Column& column = out.emplace_back();
      column.name = spec.points.at(Point::Score)[p];
      if (const auto weight = spec.weights.find(column.name); weight != spec.weights.end()) column.weight = weight->second;
      std::vector<NodeScore> one;
      for (const NodeInfo* node : fits) {
        one.push_back({node, view_.profile.raw_score(p, state_, pod_, *node)});
        column.raw.push_back(one.back().score);
      }
      view_.profile.add_weighted(p, one, total);
      for (const NodeScore& node : one) column.score.push_back(node.score);
    }
    return out;
  }

  // False: the attempt would fail.
  bool score(std::span<const NodeInfo* const> fits) {
    if (const Verdict verdict = view_.profile.pre_score(state_, pod_, fits); !verdict.success()) {
      fail(verdict.message());
      return false;
    }
    std::vector<NodeScore> total;
    for (const NodeInfo* node : fits) total.push_back({node, 0});
    const std::vector<Column> each = columns(fits, total);

    std::vector<std::size_t> order(total.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto better = [&](std::size_t a, std::size_t b) {
      return total[a].score != total[b].score ? total[a].score > total[b].score : total[a].node->name() < total[b].node->name();
    };
    const std::size_t told = std::min(order.size(), view_.runners_up + 1);
    std::ranges::partial_sort(order, order.begin() + static_cast<std::ptrdiff_t>(told), better);
    const auto where = std::find_if(order.begin() + static_cast<std::ptrdiff_t>(told), order.end(),
                                    [&](std::size_t i) { return total[i].node->name() == at_; });
    const std::optional<std::size_t> present = where == order.end() ? std::nullopt : std::optional(*where);
    order.resize(told);
    if (present) order.push_back(*present);
    tell_scores(each, total, order);

    const Score best = total[order.front()].score;
    const auto equals = std::ranges::count(total, best, &NodeScore::score);
    out_.chosen = total[order.front()].node->name();
    out_.chosen_for = equals == 1 ? fmt::format("the highest score, {}", best)
                                  : fmt::format("one of {} with the highest score, {}, each of which is as likely", equals, best);
    return true;
  }

  void tell_scores(const std::vector<Column>& each, const std::vector<NodeScore>& total, const std::vector<std::size_t>& order) {
    Scores& scores = out_.scores.emplace_back();
    for (const Column& column : each) scores.plugins.push_back({column.name, column.weight});
    for (const std::size_t i : order) {
      ScoredNode& node = scores.nodes.emplace_back();
      node.node = total[i].node->name();
      node.total = total[i].score;
      for (const Column& column : each) {
        node.parts.push_back({column.raw[i], column.score[i], column.score[i] * column.weight});
      }
    }
  }

  const View& view_;
  const Pod& pod_;
  const std::string_view at_;
  CycleState state_;
  Explanation out_;
};

}  // namespace

Explanation explain(const View& view, const Pod& pod, const PodRef& info, std::string_view at) {
  return Explaining(view, pod, info, at).run();
}

}  // namespace ph::scheduler::why
