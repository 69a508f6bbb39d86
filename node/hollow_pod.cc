#include "node/hollow_pod.h"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "api/wire_records.h"
#include "informers/metadata_view.h"
#include "informers/request.h"
#include "node/lifecycle.h"

namespace ph::node {
namespace {

namespace wire = api::wire;
constexpr std::string_view kMirrorAnnotation = "kubernetes.io/config.mirror";
using informers::Interned, informers::wire_time;

Duration seconds_of(std::int64_t count) {
  return std::chrono::seconds(
      std::clamp<std::int64_t>(count, 0, std::chrono::duration_cast<std::chrono::seconds>(kForever).count()));
}

void read_annotation(std::string_view entry, HollowPod& pod) {
  auto [key, value] = wire::text_entry(entry);
  if (key == kMirrorAnnotation) pod.mirror = Interned(value);
  if (!key.starts_with(kAskPrefix)) return;
  key.remove_prefix(kAskPrefix.size());
  pod.asks.emplace_back(key, value);
}

void read_owner(std::string_view bytes, HollowPod& pod) {
  const informers::OwnerView owner = informers::wire_owner(bytes);
  if (owner.controller) pod.controller = owner.uid;
}

void read_metadata(std::string_view bytes, HollowPod& pod) {
  for (wire::Records in(bytes); in.next();) {
    switch (in.field()) {
      case 1: pod.name = in.text(); break;
      case 3: pod.namespace_name = Interned(in.text()); break;
      case 5: pod.uid = in.text(); break;
      case 6: pod.revision = informers::parse_revision(in.text()); break;
      case 7: pod.generation = in.int64(); break;
      case 9: pod.deletion = wire_time(in.text()); break;
      case 11: informers::add_label(pod.labels, in.text()); break;
      case 12: read_annotation(in.text(), pod); break;
      case 13: read_owner(in.text(), pod); break;
      case 14: pod.has_finalizers = true; break;
    }
  }
  informers::sort_labels(pod.labels);
  informers::sort_labels(pod.asks);
}

Duration initial_delay(std::string_view probe) {
  std::int32_t seconds = 0;
  for (wire::Records in(probe); in.next();) {
    if (in.field() == 2) seconds = in.int32();
  }
  return seconds_of(seconds);
}

HollowContainer read_container(std::string_view bytes, bool init) {
  HollowContainer out;
  std::vector<std::string> command, args;
  for (wire::Records in(bytes); in.next();) {
    switch (in.field()) {
      case 1: out.name = Interned(in.text()); break;
      case 2: out.image = Interned(in.text()); break;
      case 3: command.emplace_back(in.text()); break;
      case 4: args.emplace_back(in.text()); break;
      case 11: out.ready_after = initial_delay(in.text()); break;
      case 24: out.sidecar = init && in.text() == "Always"; break;
    }
  }
  out.run = read_command(command, args);
  // What prepares a pod ends; a hollow one has nothing to prepare.
  if (init && !out.sidecar && !out.run.exit_code) out.run.exit_code = 0;
  return out;
}

// Those of generic ephemeral volumes are called by the pod, too.
void read_volume(std::string_view bytes, HollowPod& pod, std::vector<std::string_view>& ephemeral) {
  for (wire::Records in(wire::member_of(bytes, 2)); in.next();) {
    if (in.field() == 10) pod.claims.emplace_back(wire::member_of(in.text(), 1));
    if (in.field() == 29) ephemeral.push_back(wire::member_of(bytes, 1));
  }
}

PodDeviceClaim read_device_claim(std::string_view bytes) {
  return {.name = std::string(wire::member_of(bytes, 1)), .claim = std::string(wire::member_of(bytes, 3))};
}

// What was made of the templates.
void read_made_claim(std::string_view bytes, HollowPod& pod) {
  const std::string_view name = wire::member_of(bytes, 1), claim = wire::member_of(bytes, 2);
  const auto entry = std::ranges::find(pod.device_claims, name, &PodDeviceClaim::name);
  if (entry == pod.device_claims.end()) return;
  entry->unneeded = claim.empty();
  entry->claim = claim;
}

void read_spec(std::string_view bytes, HollowPod& pod, std::vector<std::string_view>& gates,
               std::vector<std::string_view>& ephemeral) {
  for (wire::Records in(bytes); in.next();) {
    switch (in.field()) {
      case 1: read_volume(in.text(), pod, ephemeral); break;
      case 2: pod.containers.push_back(read_container(in.text(), false)); break;
      case 3: pod.restart_policy = Interned(in.text()); break;
      case 5: pod.active_deadline = seconds_of(in.int64()); break;
      case 10: pod.node_name = Interned(in.text()); break;
      case 11: pod.host_network = in.boolean(); break;
      case 20: pod.init_containers.push_back(read_container(in.text(), true)); break;
      case 28: gates.push_back(wire::member_of(in.text(), 1)); break;
      case 39: pod.device_claims.push_back(read_device_claim(in.text())); break;
    }
  }
}

struct Condition {
  std::string_view type, status, since;
};
Condition read_condition(std::string_view bytes) {
  Condition out;
  for (wire::Records in(bytes); in.next();) {
    if (in.field() == 1) out.type = in.text();
    if (in.field() == 2) out.status = in.text();
    if (in.field() == 4) out.since = in.text();
  }
  return out;
}

bool runs(std::string_view container_status) {
  for (wire::Records in(wire::member_of(container_status, 2)); in.next();) {
    if (in.field() == 2) return true;
  }
  return false;
}

// Adds a field that a kubelet writes to what the status tells.
void tell(HollowPod& pod, const wire::Records& in) {
  const std::uint64_t value = in.text().empty() ? in.number() : std::hash<std::string_view>()(in.text());
  if (value == 0) return;
  pod.told = (pod.told ^ (value + static_cast<std::uint64_t>(in.field()))) * 0x9e3779b97f4a7c15;
}

void read_status(std::string_view bytes, HollowPod& pod, std::vector<Condition>& conditions) {
  for (wire::Records in(bytes); in.next();) {
    switch (in.field()) {
      case 1: pod.phase = Interned(in.text()); break;
      case 2: {
        conditions.push_back(read_condition(in.text()));
        if (is_kubelets(conditions.back().type)) tell(pod, in);
        continue;
      }
      case 3:
      case 4:
      case 5: pod.begun |= !in.text().empty(); break;  // message, reason, hostIP
      case 6:
        pod.pod_ip = in.text();
        pod.begun |= !pod.pod_ip.empty();
        break;
      case 7:
        pod.started = wire_time(in.text());
        pod.begun = true;
        break;
      case 8:
      case 10:
        pod.shows_running |= runs(in.text());
        pod.begun = true;
        break;
      case 15: read_made_claim(in.text(), pod); continue;
      case 12:
      case 16:
      case 17: break;  // podIPs, hostIPs, observedGeneration
      default: continue;
    }
    tell(pod, in);
  }
}

// Why a readiness gate is not open; empty: it is.
std::string closed_gate(const std::vector<Condition>& conditions, std::string_view type) {
  const auto condition = std::ranges::find(conditions, type, &Condition::type);
  if (condition == conditions.end())
    return fmt::format("corresponding condition of pod readiness gate \"{}\" does not exist.", type);
  if (condition->status == "True") return {};
  return fmt::format("the status of pod readiness gate \"{}\" is not \"True\", but {}", type, condition->status);
}

}  // namespace

std::shared_ptr<const HollowPod> HollowPod::decode(std::string_view protobuf) {
  auto out = std::make_shared<HollowPod>();
  std::vector<std::string_view> gates, ephemeral;
  std::vector<Condition> conditions;
  for (wire::Records in(protobuf); in.next();) {
    switch (in.field()) {
      case 1: read_metadata(in.text(), *out); break;
      case 2: read_spec(in.text(), *out, gates, ephemeral); break;
      case 3: read_status(in.text(), *out, conditions); break;
    }
  }
  for (const std::string_view volume : ephemeral) out->claims.push_back(fmt::format("{}-{}", out->name, volume));
  for (const std::string_view gate : gates) {
    if (std::string why = closed_gate(conditions, gate); !why.empty()) out->closed_gates.push_back(std::move(why));
  }
  const auto scheduled = std::ranges::find(conditions, "PodScheduled", &Condition::type);
  if (scheduled != conditions.end() && scheduled->status == "True") out->scheduled = wire_time(scheduled->since);
  return out;
}

}  // namespace ph::node

namespace ph::informers {

detail::Decoder Followed<node::HollowPod>::decoder() {
  using node::HollowPod;
  return {.resource = api::Scheme::builtin().resource("", "v1", "pods"),
          .field_selector = "spec.nodeName!=",
          .decode = [](std::string_view bytes) -> detail::AnyRef { return HollowPod::decode(bytes); },
          .key = [](const void* pod) { return static_cast<const HollowPod*>(pod)->key_view(); },
          .revision = [](const void* pod) { return static_cast<const HollowPod*>(pod)->revision; },
          .uid = [](const void* pod) -> std::string_view { return static_cast<const HollowPod*>(pod)->uid; }};
}

}  // namespace ph::informers
