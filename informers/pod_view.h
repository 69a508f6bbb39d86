// PodView: what loops need of a pod, decoded straight from the wire. A parsed pod costs about 11 kB of heap; a view a few
// hundred bytes: strings that repeat (namespaces, label keys and values, nodes, images) are interned.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/revision.h"
#include "base/time.h"
#include "informers/informer.h"

namespace ph::informers {

// A string of which the process keeps one copy for all who hold it. Cheap to copy and to compare; `view()` is valid while any
// copy lives. Threads: any.
class Interned {
 public:
  Interned() = default;
  Interned(std::string_view text);
  Interned(const std::string& text) : Interned(std::string_view(text)) {}
  Interned(const char* text) : Interned(std::string_view(text)) {}
  Interned(const Interned& other);
  Interned(Interned&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  Interned& operator=(Interned other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~Interned();

  std::string_view view() const;
  operator std::string_view() const { return view(); }
  bool empty() const { return node_ == nullptr; }
  bool operator==(const Interned& other) const { return node_ == other.node_; }
  bool operator==(std::string_view other) const { return view() == other; }
  bool operator==(const std::string& other) const { return view() == other; }
  bool operator==(const char* other) const { return view() == other; }

  // How many strings are kept; for tests and metrics.
  static std::size_t kept();

 private:
  struct Node;
  struct Table;
  Node* node_ = nullptr;
};

struct OwnerView {
  Interned kind, name, uid, api_version;
  bool controller = false;
  bool block_deletion = false;
};

// From the bytes of a Time and of an OwnerReference.
Time wire_time(std::string_view bytes);
OwnerView wire_owner(std::string_view bytes);

struct JobPodView;  // informers/job_pod_view.h

// What a condition says; Untold: there is none.
enum class Said : std::uint8_t { Untold, True, False, Unknown };

struct PodView {
  Interned namespace_name;
  std::string name, uid;
  Revision revision;
  std::int64_t generation = 0;
  std::vector<std::pair<Interned, Interned>> labels;  // sorted by key
  std::vector<OwnerView> owners;
  Time created{};
  std::optional<Time> deletion;  // deletionTimestamp
  std::optional<std::int64_t> deletion_grace_seconds;
  bool has_finalizers = false;
  bool job_tracked = false;  // the Job loop's finalizer is one of them

  Interned node_name;
  Interned named_node;  // of one without a node: the first that its required affinity asks for by name
  Interned scheduler_name, phase, hostname, subdomain;
  std::vector<std::pair<Interned, std::int32_t>> ports;  // of containers and sidecars: name, number (for named target ports)
  std::vector<Interned> port_protocols;                  // of `ports`, in the same order: TCP, UDP, SCTP
  std::vector<std::string> pod_ips;
  Interned reason;                  // status.reason
  bool ready = false;               // condition Ready is True
  Said readiness = Said::Untold;    // the same condition
  std::optional<Time> ready_since;  // its lastTransitionTime
  std::optional<Time> started;      // status.startTime
  bool scheduled = false;           // condition PodScheduled is True
  std::optional<Time>
      disrupted_since;             // lastTransitionTime of the condition DisruptionTarget, when it is True and not a kubelet's
  std::int32_t restarts = 0;       // highest of its containers
  std::int32_t deletion_cost = 0;  // controller.kubernetes.io/pod-deletion-cost
  Interned asks;                   // what it asks of the cluster; informers/pod_asks.h
  std::shared_ptr<const JobPodView> job;  // of pods that a Job controls, or has tracked; null: any other

  const OwnerView* controller() const;  // null: none
  std::optional<std::string_view> label(std::string_view key) const;
  ObjectKey key() const { return {std::string(namespace_name.view()), name}; }
  bool finished() const { return phase == "Succeeded" || phase == "Failed"; }

  static std::shared_ptr<const PodView> decode(std::string_view protobuf);
};

template <>
struct Followed<PodView> {
  static detail::Decoder decoder();
};

}  // namespace ph::informers
