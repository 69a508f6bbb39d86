#include "informers/pod_view.h"

#include <algorithm>
#include <charconv>

#include "api/times.h"
#include "api/wire_records.h"
#include "informers/job_pod_view.h"
#include "informers/pod_asks.h"
#include "informers/request.h"

namespace ph::informers {

namespace wire = api::wire;

namespace {

// Upstream's reading of the annotation: a plain decimal of 32 bits, without a plus sign or leading zeros; anything else is 0.
std::int32_t read_deletion_cost(std::string_view text) {
  std::int32_t cost = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cost);
  if (error != std::errc() || end != text.data() + text.size()) return 0;
  return std::to_string(cost) == text ? cost : 0;
}

void read_metadata(std::string_view bytes, PodView& pod) {
  for (wire::Records in(bytes); in.next();) {
    switch (in.field()) {
      case 7: pod.generation = in.int64(); break;
      case 8: pod.created = wire_time(in.text()); break;
      case 10: pod.deletion_grace_seconds = in.int64(); break;
      case 11: add_label(pod.labels, in.text()); break;
      case 12: {
        const auto [key, value] = wire::text_entry(in.text());
        if (key == "controller.kubernetes.io/pod-deletion-cost") pod.deletion_cost = read_deletion_cost(value);
        break;
      }
      default: pod.take(in);
    }
  }
  pod.job_tracked = pod.has_finalizer(kJobTrackingFinalizer);
  sort_labels(pod.labels);
}

void read_port(std::string_view bytes, PodView& pod) {
  std::string_view name, protocol = "TCP";
  std::int32_t number = 0;
  for (wire::Records in(bytes); in.next();) {
    switch (in.field()) {
      case 1: name = in.text(); break;
      case 3: number = in.int32(); break;
      case 4:
        if (!in.text().empty()) protocol = in.text();
        break;
    }
  }
  pod.ports.emplace_back(Interned(name), number);
  pod.port_protocols.emplace_back(protocol);
}

void read_container(std::string_view bytes, bool init, PodView& pod) {
  std::vector<std::string_view> ports;
  bool sidecar = false;
  for (wire::Records in(bytes); in.next();) {
    if (in.field() == 6) ports.push_back(in.text());
    if (in.field() == 24) sidecar = in.text() == "Always";
  }
  if (init && !sidecar) return;
  for (const std::string_view port : ports) read_port(port, pod);
}

// Of a generic ephemeral volume it is the volume's name: that of the pod may still come.
void read_volume(std::string_view bytes, PodView& pod) {
  std::string_view name, source;
  for (wire::Records in(bytes); in.next();) {
    if (in.field() == 1) name = in.text();
    if (in.field() == 2) source = in.text();
  }
  for (wire::Records in(source); in.next();) {
    if (in.field() == 10) pod.claims.push_back({.name = std::string(wire::member_of(in.text(), 1))});
    if (in.field() == 29) pod.claims.push_back({.name = std::string(name), .generic_ephemeral = true});
  }
}

// The node of a requirement `metadata.name In [node]`; empty: it is another.
std::string_view node_asked_for(std::string_view requirement) {
  std::string_view key, op, value;
  int values = 0;
  for (wire::Records in(requirement); in.next();) {
    switch (in.field()) {
      case 1: key = in.text(); break;
      case 2: op = in.text(); break;
      case 3:
        value = in.text();
        ++values;
        break;
    }
  }
  return key == "metadata.name" && op == "In" && values == 1 ? value : std::string_view();
}

// … the first among all terms of affinity.nodeAffinity.required…
std::string_view named_node(std::string_view affinity) {
  const std::string_view required = wire::member_of(wire::member_of(affinity, 1), 1);
  for (wire::Records terms(required); terms.next();) {
    if (terms.field() != 1) continue;
    for (wire::Records in(terms.text()); in.next();) {
      if (in.field() != 2) continue;
      if (const std::string_view node = node_asked_for(in.text()); !node.empty()) return node;
    }
  }
  return {};
}

void read_spec(std::string_view bytes, PodView& pod) {
  std::vector<std::string_view> init_containers;
  std::string_view affinity;
  for (wire::Records in(bytes); in.next();) {
    switch (in.field()) {
      case 1: read_volume(in.text(), pod); break;
      case 2: read_container(in.text(), false, pod); break;
      case 10: pod.node_name = Interned(in.text()); break;
      case 16: pod.hostname = Interned(in.text()); break;
      case 17: pod.subdomain = Interned(in.text()); break;
      case 18: affinity = in.text(); break;
      case 19: pod.scheduler_name = Interned(in.text()); break;
      case 20: init_containers.push_back(in.text()); break;
    }
  }
  for (const std::string_view container : init_containers) read_container(container, true, pod);
  if (pod.node_name.empty()) pod.named_node = Interned(named_node(affinity));
}

Said said(std::string_view status) { return status == "True" ? Said::True : status == "False" ? Said::False : Said::Unknown; }

void read_condition(std::string_view bytes, PodView& pod) {
  std::string_view type, status, since, reason;
  for (wire::Records in(bytes); in.next();) {
    switch (in.field()) {
      case 1: type = in.text(); break;
      case 2: status = in.text(); break;
      case 4: since = in.text(); break;
      case 5: reason = in.text(); break;
    }
  }
  if (type == "PodScheduled") pod.scheduled = status == "True";
  if (type == "DisruptionTarget" && status == "True" && reason != "TerminationByKubelet") pod.disrupted_since = wire_time(since);
  if (type != "Ready") return;
  pod.readiness = said(status);
  pod.ready = pod.readiness == Said::True;
  if (!since.empty()) pod.ready_since = wire_time(since);
}

void read_container_status(std::string_view bytes, PodView& pod) {
  for (wire::Records in(bytes); in.next();) {
    if (in.field() == 5) pod.restarts = std::max(pod.restarts, in.int32());
  }
}

void read_status(std::string_view bytes, PodView& pod) {
  std::string_view pod_ip;
  for (wire::Records in(bytes); in.next();) {
    switch (in.field()) {
      case 1: pod.phase = Interned(in.text()); break;
      case 2: read_condition(in.text(), pod); break;
      case 4: pod.reason = Interned(in.text()); break;
      case 6: pod_ip = in.text(); break;
      case 7: pod.started = wire_time(in.text()); break;
      case 8: read_container_status(in.text(), pod); break;
      case 12: pod.pod_ips.emplace_back(wire::member_of(in.text(), 1)); break;
    }
  }
  if (pod.pod_ips.empty() && !pod_ip.empty()) pod.pod_ips.emplace_back(pod_ip);
}

}  // namespace

const OwnerView* PodView::controller() const {
  const auto found = std::ranges::find_if(owners, &OwnerView::controller);
  return found == owners.end() ? nullptr : &*found;
}

std::shared_ptr<const PodView> PodView::decode(std::string_view protobuf) {
  auto pod = std::make_shared<PodView>();
  for (wire::Records in(protobuf); in.next();) {
    switch (in.field()) {
      case 1: read_metadata(in.text(), *pod); break;
      case 2: read_spec(in.text(), *pod); break;
      case 3: read_status(in.text(), *pod); break;
    }
  }
  for (ClaimView& claim : pod->claims) {
    if (claim.generic_ephemeral) claim.name = pod->name + "-" + claim.name;
  }
  pod->asks = Interned(asks_of(protobuf));
  const OwnerView* controller = pod->controller();
  if (pod->job_tracked || (controller && controller->kind == "Job")) pod->job = JobPodView::decode(protobuf);
  return pod;
}

detail::Decoder Followed<PodView>::decoder() {
  return {.resource = api::Scheme::builtin().resource("", "v1", "pods"),
          .decode = [](std::string_view bytes) -> detail::AnyRef { return PodView::decode(bytes); },
          .key = [](const void* object) { return static_cast<const PodView*>(object)->key_view(); },
          .revision = [](const void* object) { return static_cast<const PodView*>(object)->revision; },
          .uid = [](const void* object) -> std::string_view { return static_cast<const PodView*>(object)->uid; },
          .deleting = [](const void* object) { return static_cast<const PodView*>(object)->deletion.has_value(); },
          .metadata = detail::metadata_within<PodView>};
}

}  // namespace ph::informers
