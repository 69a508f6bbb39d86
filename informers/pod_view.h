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

// A string kept once per process. Cheap to copy, valid for good. Threads: any.
class Interned {
 public:
  Interned() = default;
  explicit Interned(std::string_view text);
  std::string_view view() const { return text_ ? std::string_view(*text_) : std::string_view(); }
  operator std::string_view() const { return view(); }
  bool empty() const { return view().empty(); }
  bool operator==(const Interned& other) const { return text_ == other.text_; }
  bool operator==(std::string_view other) const { return view() == other; }

 private:
  const std::string* text_ = nullptr;
};

struct OwnerView {
  Interned kind, name, uid, api_version;
  bool controller = false;
};

struct PodView {
  Interned namespace_name;
  std::string name, uid;
  Revision revision;
  std::vector<std::pair<Interned, Interned>> labels;  // sorted by key
  std::vector<OwnerView> owners;
  Time created{};
  std::optional<Time> deletion;           // deletionTimestamp
  std::optional<std::int64_t> deletion_grace_seconds;
  bool has_finalizers = false;

  Interned node_name, scheduler_name, phase, hostname, subdomain;
  std::vector<std::pair<Interned, std::int32_t>> ports;  // of containers and sidecars: name, number (for named target ports)
  std::vector<std::string> pod_ips;
  Interned reason;                        // status.reason
  bool ready = false;                     // condition Ready is True
  std::optional<Time> ready_since;        // its lastTransitionTime
  bool scheduled = false;                 // condition PodScheduled is True
  std::int32_t restarts = 0;              // highest of its containers
  std::int32_t deletion_cost = 0;         // controller.kubernetes.io/pod-deletion-cost

  const OwnerView* controller() const;    // null: none
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
