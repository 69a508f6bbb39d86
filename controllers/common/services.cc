#include "controllers/common/services.h"

#include <algorithm>

#include "api/sorted.h"
#include "api/times.h"
#include "controllers/common/label_index.h"

namespace ph::controllers {

using core::v1::Service, core::v1::ServicePort;

bool has_endpoints(const Service& service) {
  return service.spec().type() != "ExternalName" && !service.spec().selector().empty();
}

bool selects(const Service& service, const PodView& pod) {
  for (const auto* term : sorted(service.spec().selector())) {
    if (pod.label(term->first) != term->second) return false;
  }
  return true;
}

std::vector<Ref<PodView>> selected_by(const Service& service, const Informer<PodView>& pods) {
  std::vector<Ref<PodView>> out;
  for (auto& pod : pods_with_some_of(pods, service.metadata().namespace_(), service.spec().selector())) {
    if (selects(service, *pod)) out.push_back(std::move(pod));
  }
  return out;
}

void index_by_selection(Informer<Service>& services, Informer<PodView>& pods) {
  index_pods_by_label(pods);
  services.add_index(kBySelected, [](const Service& service) -> std::vector<std::string> {
    if (!has_endpoints(service)) return {};
    return {selected_label(service.metadata().namespace_(), service.spec().selector())};
  });
}

LoopBuilder::Keys services_of(const PodView& pod, const World& world) {
  LoopBuilder::Keys keys;
  for (const auto& service : who_may_select(pod, world.informer<Service>())) {
    if (selects(*service, pod)) keys.push_back(key_of(*service));
  }
  return keys;
}

std::vector<LoopBuilder::Wake> services_woken(const PodView* before, const PodView* after, const World& world, Duration period) {
  std::vector<LoopBuilder::Wake> out;
  for (const PodView* pod : {before, after}) {
    if (!pod) continue;
    for (ObjectKey& key : services_of(*pod, world)) out.push_back({std::move(key), period});
  }
  return out;
}

Duration ChangeBatches::wait(const ObjectKey& service, std::string_view version, Steady now) {
  if (period_ <= Duration::zero()) return Duration::zero();
  const auto [last, is_first] = looks_.try_emplace(service, Look{std::string(version), now});
  if (!is_first && last->second.version == version && now < last->second.at + period_) return last->second.at + period_ - now;
  last->second = {std::string(version), now};
  return Duration::zero();
}

bool is_ipv6(std::string_view address) { return address.find(':') != std::string_view::npos; }

std::string address_of(const PodView& pod, std::string_view type) {
  for (const std::string& ip : pod.pod_ips) {
    if (is_ipv6(ip) == (type == "IPv6")) return ip;
  }
  return {};
}

std::int32_t target_number(const ServicePort& port, const PodView& pod) {
  const auto& target = port.target_port();
  if (target.type() == 0) return target.int_val() != 0 ? target.int_val() : port.port();
  for (std::size_t i = 0; i < pod.ports.size(); ++i) {
    const auto& [name, number] = pod.ports[i];
    const std::string_view protocol = pod.port_protocols[i];
    if (name == target.str_val() && protocol == port.protocol()) return number;
  }
  return 0;
}

std::string hostname_of(const Service& service, const PodView& pod) {
  const bool named = !pod.hostname.empty() && pod.subdomain == std::string_view(service.metadata().name());
  return named ? std::string(pod.hostname.view()) : std::string();
}

std::optional<Time> TriggerTimes::take(const Service& service, const std::vector<Ref<PodView>>& pods) {
  Seen now{api::to_time(service.metadata().creation_timestamp()), {}};
  const auto [entry, is_new] = known_.try_emplace(key_of(service));
  Seen& before = entry->second;
  std::optional<Time> first;
  const auto note = [&](Time time) { first = first ? std::min(*first, time) : time; };
  for (const Ref<PodView>& pod : pods) {
    if (!pod->ready_since) continue;
    now.pods.emplace(pod->name, *pod->ready_since);
    const auto told = before.pods.find(pod->name);
    if (told == before.pods.end() || *pod->ready_since > told->second) note(*pod->ready_since);
  }
  if (now.service > before.service) note(now.service);
  if (is_new) first = now.service;
  before = std::move(now);
  return first;
}

void set_trigger_time(meta::v1::ObjectMeta* metadata, const std::optional<Time>& time) {
  auto& annotations = *metadata->mutable_annotations();
  if (time) annotations[kTriggerTime] = api::rfc3339(*time);
  else annotations.erase(kTriggerTime);
}

}  // namespace ph::controllers
