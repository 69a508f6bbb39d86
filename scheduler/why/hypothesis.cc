#include "scheduler/why/hypothesis.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "api/errors.h"
#include "scheduler/plugins/need_words.h"

namespace ph::scheduler::why {
namespace {

using core::v1::Node, core::v1::Taint;

constexpr std::string_view kCordoned = "node.kubernetes.io/unschedulable";
constexpr std::string_view kOwnTaints = "node.kubernetes.io/";  // what the cluster says of a node's present condition
constexpr const char* kHostname = "kubernetes.io/hostname";

template <class F>
void drop_taints(Node& node, F goes) {
  auto& taints = *node.mutable_spec()->mutable_taints();
  for (int i = taints.size(); i-- > 0;) {
    if (goes(taints[i])) taints.DeleteSubrange(i, 1);
  }
}

// As a machine of the same make comes up: nothing of the other one's present condition.
Node like(const Node& other, const std::string& name) {
  Node out = other;
  out.mutable_metadata()->set_name(name);
  out.mutable_metadata()->set_uid("imagined-" + name);
  auto& labels = *out.mutable_metadata()->mutable_labels();
  if (const auto host = labels.find(kHostname); host != labels.end()) host->second = name;
  out.mutable_spec()->set_unschedulable(false);
  drop_taints(out, [](const Taint& taint) { return taint.key().starts_with(kOwnTaints); });
  out.mutable_status()->clear_images();
  return out;
}

void open(Node& node) {
  node.mutable_spec()->set_unschedulable(false);
  drop_taints(node, [](const Taint& taint) { return taint.key() == kCordoned; });
}

void set_label(Node& node, const Edits::Label& label) {
  auto& labels = *node.mutable_metadata()->mutable_labels();
  if (label.value) {
    labels[label.key] = *label.value;
  } else {
    labels.erase(label.key);
  }
}

void set_taint(Node& node, const Edits::Taint& edit) {
  drop_taints(node, [&](const Taint& taint) {
    return taint.key() == edit.taint.key() && (edit.taint.effect().empty() || taint.effect() == edit.taint.effect());
  });
  if (!edit.away) *node.mutable_spec()->add_taints() = edit.taint;
}

std::string plural(int count, std::string_view what) { return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s"); }

}  // namespace

Hypothesis::Hypothesis(Snapshot& snapshot) : snapshot_(snapshot), order_(snapshot.order_), slots_(snapshot.slots_) {}

Hypothesis::~Hypothesis() {
  for (auto& [name, before] : replaced_) {
    auto& now = snapshot_.nodes_[name];
    count(*now, -1);
    note(*now);
    if (!before) {
      snapshot_.nodes_.erase(name);
      continue;
    }
    now = std::move(before);
    count(*now, 1);
  }
  snapshot_.order_ = std::move(order_);
  snapshot_.slots_ = std::move(slots_);
}

// Whoever keeps something of the snapshot's nodes looks at this one again.
void Hypothesis::note(const NodeInfo& node) {
  snapshot_.refreshed_.add(node.slot());
  snapshot_.by_label_.clear();
  snapshot_.lists_changed();
}

// A copy in the node's place; the same one when there is one already.
NodeInfo& Hypothesis::edit(const std::string& name) {
  auto& now = snapshot_.nodes_.at(name);
  if (!replaced_.contains(name)) {
    const NodeInfo* before = now.get();
    auto copy = std::make_unique<NodeInfo>(*before);
    std::ranges::replace(snapshot_.order_, before, copy.get());
    snapshot_.slots_[copy->slot()] = copy.get();
    replaced_.emplace(name, std::exchange(now, std::move(copy)));
  }
  now->set_generation(++snapshot_.imagined_);
  note(*now);
  return *now;
}

NodeInfo& Hypothesis::existing(const std::string& name, std::string_view what) {
  if (!snapshot_.find(name)) throw api::bad_request(fmt::format("{}: there is no node \"{}\"", what, name));
  return edit(name);
}

NodeInfo& Hypothesis::add(const std::string& name) {
  auto added = std::make_unique<NodeInfo>(name, snapshot_.slots_.size());
  added->set_generation(++snapshot_.imagined_);
  snapshot_.order_.push_back(added.get());
  snapshot_.slots_.push_back(added.get());
  replaced_.emplace(name, nullptr);
  note(*added);
  return *(snapshot_.nodes_[name] = std::move(added));
}

void Hypothesis::without_pod(std::string_view node, std::string_view uid) {
  if (!snapshot_.find(node)) return;
  NodeInfo& info = edit(std::string(node));
  count(info, -1);
  info.remove_pod(uid);
  count(info, 1);
}

void Hypothesis::change(NodeInfo& info, Node node) {
  NodeInfo::Images images = info.images();
  info.set_node(std::make_shared<const Node>(std::move(node)), std::move(images));
}

void Hypothesis::add_like(const Edits::Added& added) {
  const NodeInfo* pattern = snapshot_.find(added.like);
  if (!pattern) throw api::bad_request(fmt::format("addNodes: there is no node \"{}\"", added.like));
  for (int made = 0, number = 1; made < added.count; ++number) {
    const std::string name = fmt::format("{}-like-{}", added.like, number);
    if (snapshot_.find(name)) continue;
    change(add(name), like(pattern->node(), name));
    ++made;
  }
}

// Cordoned, and nobody is left.
void Hypothesis::drain(const std::string& name) {
  NodeInfo& info = existing(name, "drain");
  count(info, -1);
  const std::vector<PodRef> pods(info.pods().begin(), info.pods().end());
  for (const PodRef& pod : pods) info.remove_pod(pod->uid);
  Node node = info.node();
  node.mutable_spec()->set_unschedulable(true);
  change(info, std::move(node));
}

std::vector<std::string> Hypothesis::apply(const Edits& edits) {
  std::vector<std::string> told;
  const auto with = [&](const std::string& name, std::string_view what, auto f) {
    NodeInfo& info = existing(name, what);
    Node node = info.node();
    f(node);
    change(info, std::move(node));
  };
  for (const Edits::Added& added : edits.added) {
    add_like(added);
    told.push_back(fmt::format("{} like {} added", plural(added.count, "node"), added.like));
  }
  for (const Node& node : edits.nodes) {
    const std::string& name = node.metadata().name();
    const bool known = snapshot_.find(name) != nullptr;
    change(known ? edit(name) : add(name), node);
    told.push_back(fmt::format("node {} {}", name, known ? "changed" : "added"));
  }
  for (const std::string& name : edits.uncordoned) {
    with(name, "uncordon", open);
    told.push_back(fmt::format("node {} uncordoned", name));
  }
  for (const Edits::Label& label : edits.labels) {
    with(label.node, "label", [&](Node& node) { set_label(node, label); });
    told.push_back(label.value ? fmt::format("node {} labelled {}={}", label.node, label.key, *label.value)
                               : fmt::format("node {} without the label {}", label.node, label.key));
  }
  for (const Edits::Taint& taint : edits.taints) {
    with(taint.node, "taint", [&](Node& node) { set_taint(node, taint); });
    told.push_back(taint.away ? fmt::format("node {} without the taint {}", taint.node, taint.taint.key())
                              : fmt::format("node {} tainted {}", taint.node, taint_text(taint.taint)));
  }
  for (const std::string& name : edits.drained) {
    const std::size_t pods = existing(name, "drain").pods().size();
    drain(name);
    told.push_back(fmt::format("node {} drained of {}", name, plural(static_cast<int>(pods), "pod")));
  }
  return told;
}

}  // namespace ph::scheduler::why
