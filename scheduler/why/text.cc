#include "scheduler/why/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace ph::scheduler::why {
namespace {

constexpr std::size_t kNamesMost = 5;

std::string names(const std::vector<std::string>& nodes, const TextOptions& options) {
  const std::size_t told = options.all_nodes ? nodes.size() : std::min(nodes.size(), kNamesMost);
  std::string out = fmt::format("{}", fmt::join(nodes.begin(), nodes.begin() + static_cast<std::ptrdiff_t>(told), ", "));
  if (told < nodes.size()) out += fmt::format(", … ({} more)", nodes.size() - told);
  return out;
}

std::string verdict_text(const PluginVerdict& verdict) {
  std::string out = fmt::format("{}: {}", verdict.plugin, fmt::join(verdict.reasons, ", "));
  if (verdict.code == "UnschedulableAndUnresolvable") out += " (preemption does not help)";
  return out;
}

void heading(const Explanation& it, std::string& out) {
  out += fmt::format("{}/{}{}: {}\n", it.pod.namespace_name, it.pod.name, it.pod.imagined ? " (imagined)" : "", it.state);
  out += fmt::format("  {}\n", it.message);
  if (!it.pod.nominated_node.empty() && it.pod.node.empty()) {
    out += fmt::format("  room was made for it on {}\n", it.pod.nominated_node);
  }
  for (const std::string& change : it.changes) out += fmt::format("  what if: {}\n", change);
  for (const std::string& note : it.notes) out += fmt::format("  note: {}\n", note);
}

void waiting(const Waiting& it, std::string& out) {
  out += fmt::format("\nQueue: {}, {} attempt{} so far", it.place, it.attempts, it.attempts == 1 ? "" : "s");
  if (!it.retry_in.empty()) out += fmt::format(", the next one in {}", it.retry_in);
  out += "\n";
  if (!it.woken_by.empty()) out += fmt::format("  brought back by what may help with {}\n", fmt::join(it.woken_by, ", "));
}

void nodes(const Explanation& it, const TextOptions& options, std::string& out) {
  if (it.nodes == 0) return;
  out += fmt::format("\nNodes: {}, of which {} fit\n", it.nodes, it.fitting);
  for (const PluginVerdict& verdict : it.pre_filter) out += fmt::format("  {:>5}  {}\n", it.nodes, verdict_text(verdict));
  if (!it.fits.empty()) out += fmt::format("  {:>5}  fit: {}\n", it.fits.size(), names(it.fits, options));
  for (const Refused& group : it.refused) {
    bool first = true;
    for (const PluginVerdict& verdict : group.verdicts) {
      out += first ? fmt::format("  {:>5}  {}\n", group.count, verdict_text(verdict))
                   : fmt::format("         and {}\n", verdict_text(verdict));
      first = false;
    }
    out += fmt::format("         on {}\n", names(group.nodes, options));
  }
}

void nearest(const std::vector<NearMiss>& misses, std::string& out) {
  if (misses.empty()) return;
  out += "\nNearest misses: what would have to change\n";
  for (const NearMiss& miss : misses) {
    out += fmt::format("  {}\n", miss.node);
    for (const NearMiss::Lacking& lacking : miss.lacking) {
      for (const Need& need : lacking.needs) out += fmt::format("    {}: {}\n", lacking.plugin, need.text);
    }
  }
}

void scores(const Scores& it, const std::string& chosen, std::string& out) {
  out += "\nScores (0 to 100, times the plugin's weight)\n";
  std::size_t width = std::string_view("total").size();
  for (const Scores::Plugin& plugin : it.plugins) width = std::max(width, plugin.name.size() + 4);
  std::vector<std::size_t> columns;
  out += fmt::format("  {:<{}}", "", width);
  for (const ScoredNode& node : it.nodes) {
    const std::string name = node.node + (node.node == chosen ? " *" : "");
    columns.push_back(std::max<std::size_t>(name.size(), 10));
    out += fmt::format("  {:>{}}", name, columns.back());
  }
  out += "\n";
  for (std::size_t p = 0; p < it.plugins.size(); ++p) {
    out += fmt::format("  {:<{}}", fmt::format("{} ×{}", it.plugins[p].name, it.plugins[p].weight), width);
    for (std::size_t n = 0; n < it.nodes.size(); ++n) {
      const auto& parts = it.nodes[n].parts;
      out +=
          p < parts.size() ? fmt::format("  {:>{}}", fmt::format("{} → {}", parts[p].score, parts[p].weighted), columns[n]) : "";
    }
    out += "\n";
  }
  out += fmt::format("  {:<{}}", "total", width);
  for (std::size_t n = 0; n < it.nodes.size(); ++n) out += fmt::format("  {:>{}}", it.nodes[n].total, columns[n]);
  out += "\n";
}

void preemption(const Preemption& it, std::string& out) {
  out += "\nPreemption: ";
  if (!it.why_not.empty()) {
    out += fmt::format("no: {}\n", it.why_not);
    for (const auto& [reason, count] : it.reasons) out += fmt::format("  {:>5}  {}\n", count, reason);
    return;
  }
  out += fmt::format("would make room ({} of {} promising nodes looked at)\n", it.tried, it.promising);
  bool first = true;
  for (const Robbed& node : it.nodes) {
    std::vector<std::string> victims;
    for (const Victim& victim : node.victims) victims.push_back(fmt::format("{} (priority {})", victim.pod, victim.priority));
    out += fmt::format("  {} {} if {} went", first ? "on" : "or", node.node, fmt::join(victims, ", "));
    if (node.violations > 0) out += fmt::format(", against {} disruption budget(s)", node.violations);
    out += first ? ": the least loss\n" : "\n";
    first = false;
  }
}

}  // namespace

std::string to_text(const Explanation& explanation, const TextOptions& options) {
  std::string out;
  heading(explanation, out);
  for (const Waiting& each : explanation.waiting) waiting(each, out);
  for (const LastAttempt& last : explanation.last_attempt) out += fmt::format("  the last one, {}: {}\n", last.at, last.message);
  nodes(explanation, options, out);
  if (explanation.fitting == 0) nearest(explanation.nearest, out);
  for (const Scores& each : explanation.scores) scores(each, explanation.chosen, out);
  for (const Preemption& each : explanation.preemption) preemption(each, out);
  return out;
}

}  // namespace ph::scheduler::why
