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

#include "base/time.h"
#include "informers/informer.h"
#include "informers/metadata_view.h"

namespace ph::informers {

// A claim that one of the pod's volumes names.
struct ClaimView {
  std::string name;
  bool generic_ephemeral = false;  // made for the pod, of the template in the volume; then the pod is to be its controller
};

struct JobPodView;  // informers/job_pod_view.h

// What a condition says; Untold: there is none.
enum class Said : std::uint8_t { Untold, True, False, Unknown };

struct PodView : MetadataView {
  std::int64_t generation = 0;
  LabelViews labels;
  Time created{};
  std::optional<std::int64_t> deletion_grace_seconds;
  bool job_tracked = false;  // the Job loop's finalizer is one of them

  Interned node_name;
  Interned named_node;  // of one without a node: the first that its required affinity asks for by name
  Interned scheduler_name, phase, hostname, subdomain;
  std::vector<std::pair<Interned, std::int32_t>> ports;  // of containers and sidecars: name, number (for named target ports)
  std::vector<Interned> port_protocols;                  // of `ports`, in the same order: TCP, UDP, SCTP
  std::vector<ClaimView> claims;                         // in the order of the volumes
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
  std::optional<std::string_view> label(std::string_view key) const { return find_label(labels, key); }
  bool finished() const { return phase == "Succeeded" || phase == "Failed"; }

  static std::shared_ptr<const PodView> decode(std::string_view protobuf);
};

template <>
struct Followed<PodView> {
  static detail::Decoder decoder();
};

}  // namespace ph::informers
