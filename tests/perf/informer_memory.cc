// What an object costs those who follow its resource: bytes of heap, its copy with the indexes that the components have.
//
//   build/release/bin/informer_memory [objects]      10,000
//
// `held` is what stays, `peak` the most that there was on the way, the frames of the watch and all followers' first events included.
#include <fmt/format.h>
#include <malloc.h>

#include <charconv>
#include <cstring>

#include "api/kinds.h"
#include "api/times.h"
#include "controllers/common/ownership.h"
#include "controllers/common/pods.h"
#include "informers/node_view.h"
#include "informers/packed.h"
#include "informers/pod_view.h"
#include "node/hollow_pod.h"
#include "node/node_object.h"
#include "scheduler/cluster/scheduler_pod.h"
#include "tests/sim/executor.h"

namespace ph::informers {
namespace {

using core::v1::Node, core::v1::Pod;
using Make = std::function<std::string(int)>;  // the bytes of an object in its envelope

constexpr int kPodsASet = 100, kEndpointsASlice = 100;

std::size_t heap() {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

using Instant = std::chrono::steady_clock::time_point;

struct Spent {
  std::size_t peak = 0;
  Instant::duration apart{};  // on making the objects
};

// A watch with initial events of so many objects, and nothing after them.
class Objects final : public BodyStream {
 public:
  Objects(int count, const Make& make, Spent& spent) : count_(count), make_(make), spent_(spent) {}

  Task<std::optional<SharedBytes>> next() override {
    if (sent_ > count_) co_await never_.wait();
    co_return made();
  }

 private:
  // Looking at the heap takes longer than an object.
  static constexpr int kLook = 1'000;

  SharedBytes made() {
    const Instant begun = std::chrono::steady_clock::now();
    if (sent_ % kLook == 0) spent_.peak = std::max(spent_.peak, heap());
    SharedBytes out = share(sent_ < count_ ? frame("ADDED", make_(sent_)) : frame("BOOKMARK", bookmark()));
    ++sent_;
    spent_.apart += std::chrono::steady_clock::now() - begun;
    return out;
  }

  static std::string frame(std::string_view type, std::string object) {
    meta::v1::WatchEvent event;
    event.set_type(std::string(type));
    event.mutable_object()->set_raw(std::move(object));
    const std::string bytes = event.SerializeAsString();
    std::string out;
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(bytes.size() >> shift);
    return out + bytes;
  }
  static std::string bookmark() {
    Pod out;
    out.mutable_metadata()->set_resource_version("1000000");
    (*out.mutable_metadata()->mutable_annotations())["k8s.io/initial-events-end"] = "true";
    return api::encode_envelope(out);
  }

  const int count_;
  const Make& make_;
  Spent& spent_;
  int sent_ = 0;
  ph::Event never_;
};

class Server final : public Transport {
 public:
  Server(int count, Make make) : count_(count), make_(std::move(make)) {}
  Task<HttpResponse> send(HttpRequest, bool) override {
    HttpResponse out;
    out.stream = std::make_unique<Objects>(count_, make_, spent);
    co_return out;
  }
  Spent spent;

 private:
  const int count_;
  const Make make_;
};

// -- Objects as a cluster has them

std::string uid(int number) { return fmt::format("8d1f9e0b-27b1-4e3c-8f0f-{:012}", number); }

void describe(meta::v1::ObjectMeta& metadata, std::string name, int number, bool namespaced = true) {
  metadata.set_name(std::move(name));
  if (namespaced) metadata.set_namespace_("default");
  metadata.set_uid(uid(number));
  metadata.set_resource_version(std::to_string(1000 + number));
  metadata.set_generation(1);
  api::set_time(metadata.mutable_creation_timestamp(), Time(1'700'000'000s));
  for (const char* manager : {"kube-controller-manager", "kubelet"}) {
    auto& entry = *metadata.add_managed_fields();
    entry.set_manager(manager);
    entry.set_operation("Update");
    entry.set_api_version("v1");
    entry.set_fields_type("FieldsV1");
    entry.mutable_fields_v1()->set_raw(std::string(700, 'f'));
  }
}

void own(meta::v1::ObjectMeta& metadata, const char* api_version, const char* kind, std::string name, int number) {
  auto& owner = *metadata.add_owner_references();
  owner.set_api_version(api_version);
  owner.set_kind(kind);
  owner.set_name(std::move(name));
  owner.set_uid(uid(number));
  owner.set_controller(true);
  owner.set_block_owner_deletion(true);
}

Pod pod(int number, bool assigned) {
  const int set = number / kPodsASet;
  Pod out;
  describe(*out.mutable_metadata(), fmt::format("web-{}-7d9c6b8f5d-{:05}", set, number), number);
  (*out.mutable_metadata()->mutable_labels())["app"] = fmt::format("web-{}", set);
  (*out.mutable_metadata()->mutable_labels())["pod-template-hash"] = "7d9c6b8f5d";
  own(*out.mutable_metadata(), "apps/v1", "ReplicaSet", fmt::format("web-{}-7d9c6b8f5d", set), 1'000'000 + set);
  auto& spec = *out.mutable_spec();
  const std::string token = fmt::format("kube-api-access-{:05}", number);
  auto& volume = *spec.add_volumes();
  volume.set_name(token);
  volume.mutable_volume_source()->mutable_projected()->add_sources()->mutable_config_map()->add_items()->set_key("ca.crt");
  auto& container = *spec.add_containers();
  container.set_name("web");
  container.set_image("registry.example.com/shop/web:v1.2.3");
  for (int i = 0; i < 8; ++i) {
    auto& env = *container.add_env();
    env.set_name(fmt::format("SETTING_{}", i));
    env.set_value(std::string(40, 'v'));
  }
  auto& port = *container.add_ports();
  port.set_name("http");
  port.set_container_port(8080);
  port.set_protocol("TCP");
  (*container.mutable_resources()->mutable_requests())["cpu"].set_string("100m");
  (*container.mutable_resources()->mutable_requests())["memory"].set_string("64Mi");
  container.add_volume_mounts()->set_name(token);
  spec.set_scheduler_name("default-scheduler");
  spec.set_restart_policy("Always");
  for (const char* key : {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}) {
    auto& toleration = *spec.add_tolerations();
    toleration.set_key(key);
    toleration.set_operator_("Exists");
    toleration.set_effect("NoExecute");
    toleration.set_toleration_seconds(300);
  }
  auto& status = *out.mutable_status();
  status.set_phase(assigned ? "Running" : "Pending");
  if (!assigned) return out;
  spec.set_node_name(fmt::format("node-{}", number / 30));
  status.set_pod_ip(fmt::format("10.128.{}.{}", number / 250 % 250, number % 250));
  status.add_pod_ips()->set_ip(status.pod_ip());
  for (const char* type : {"PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"}) {
    auto& condition = *status.add_conditions();
    condition.set_type(type);
    condition.set_status("True");
    api::set_time(condition.mutable_last_transition_time(), Time(1'700'000'100s));
  }
  auto& running = *status.add_container_statuses();
  running.set_name("web");
  running.set_image("registry.example.com/shop/web:v1.2.3");
  running.set_ready(true);
  return out;
}

Node node(int number) {
  Node out = node::make_node({}, number, Time(1'700'000'000s));
  describe(*out.mutable_metadata(), fmt::format("node-{}", number), number, false);
  for (int i = 0; i < 20; ++i) {
    auto& image = *out.mutable_status()->add_images();
    image.add_names(fmt::format("registry.example.com/shop/image-{}:v1.2.3", i));
    image.set_size_bytes(100'000'000);
  }
  return out;
}

discovery::v1::EndpointSlice slice(int number) {
  discovery::v1::EndpointSlice out;
  describe(*out.mutable_metadata(), fmt::format("web-{}-x7k2p", number), number);
  (*out.mutable_metadata()->mutable_labels())["kubernetes.io/service-name"] = fmt::format("web-{}", number);
  own(*out.mutable_metadata(), "v1", "Service", fmt::format("web-{}", number), 2'000'000 + number);
  for (int i = 0; i < kEndpointsASlice; ++i) {
    auto& endpoint = *out.add_endpoints();
    endpoint.add_addresses(fmt::format("10.128.{}.{}", number % 250, i));
    endpoint.mutable_conditions()->set_ready(true);
    endpoint.set_node_name(fmt::format("node-{}", i));
    endpoint.set_zone("zone-a");
    auto& target = *endpoint.mutable_target_ref();
    target.set_kind("Pod");
    target.set_namespace_("default");
    target.set_name(fmt::format("web-{}-7d9c6b8f5d-{:05}", number, i));
    target.set_uid(uid(number * kEndpointsASlice + i));
  }
  return out;
}

apps::v1::ReplicaSet replica_set(int number) {
  apps::v1::ReplicaSet out;
  describe(*out.mutable_metadata(), fmt::format("web-{}-7d9c6b8f5d", number), number);
  own(*out.mutable_metadata(), "apps/v1", "Deployment", fmt::format("web-{}", number), 3'000'000 + number);
  *out.mutable_spec()->mutable_template_()->mutable_spec() = pod(number, false).spec();
  return out;
}

// -- Measuring

void print(const char* what, double count, double held, double peak, double each) {
  fmt::print("{:<58} {:>8.0f} {:>10.0f} {:>10.0f} {:>10.1f}\n", what, count, held / count, peak / count, each / count);
}

// `follow` asks for informers. `parts`: what is counted of an object; the object itself by default.
void measure(const char* what, int count, const Make& make, const std::function<void(Informers&)>& follow, int parts = 1) {
  malloc_trim(0);
  sim::SimExecutor executor;
  Server server(count, make);
  Client client(server, "bench");
  SeededRng rng(1);
  Informers informers(executor, client, rng, Log());
  const std::size_t before = heap();
  const Instant begun = std::chrono::steady_clock::now();
  follow(informers);
  executor.drain();
  const double took =
      std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begun - server.spent.apart).count();
  const auto held = static_cast<double>(heap() - before),
             peak = static_cast<double>(std::max(server.spent.peak, heap()) - before);
  if (informers.stats().lists != 1) fmt::print("{}: not one complete copy\n", what);
  print(what, static_cast<double>(count) * parts, held, peak, took);
  informers.stop();
}

template <class T>
Make as_bytes(T (*make)(int)) {
  return [make](int number) { return api::encode_envelope(make(number)); };
}

// Of the manager's loops.
void follow_pods(Informers& informers) {
  Informer<PodView>& pods = informers.informer<PodView>();
  controllers::index_pods_by_controller(pods);
  pods.add_index("tracked", [](const PodView&) { return std::vector<std::string>(); });
  pods.add_index("on node", [](const PodView&) { return std::vector<std::string>(); });
}

std::shared_ptr<Informer<MetadataView>> follow_metadata(Informers& informers, const char* group, const char* version,
                                                        const char* plural) {
  return informers.follow(api::ResourceRef(std::shared_ptr<void>(), api::Scheme::builtin().resource(group, version, plural)));
}

void run(int count) {
  const Make running = [](int number) { return api::encode_envelope(pod(number, true)); };
  const Make waiting = [](int number) { return api::encode_envelope(pod(number, false)); };
  fmt::print("{:<58} {:>8} {:>10} {:>10} {:>10}\n", "", "objects", "held B", "peak B", "µs");
  measure("what is made once", 1, running, follow_pods);
  measure("pods, the loops' views", count, running, follow_pods);
  measure("pods, the loops' views, and their metadata", count, running, [](Informers& informers) {
    follow_pods(informers);
    follow_metadata(informers, "", "v1", "pods");
  });
  measure("pods, metadata alone", count, running, [](Informers& informers) { follow_metadata(informers, "", "v1", "pods"); });
  measure("pods, whole", count / 4, running, [](Informers& informers) { informers.informer<Pod>(); });
  measure("pods that run, the scheduler's", count, running,
          [](Informers& informers) { informers.informer<scheduler::SchedulerPod>(); });
  measure("pods that wait, the scheduler's", count, waiting,
          [](Informers& informers) { informers.informer<scheduler::SchedulerPod>(); });
  measure("pods, a hollow kubelet's", count, running, [](Informers& informers) { informers.informer<node::HollowPod>(); });
  measure("nodes, the loops' views", count / 4, as_bytes(node), [](Informers& informers) { informers.informer<NodeView>(); });
  measure("nodes, whole", count / 4, as_bytes(node), [](Informers& informers) { informers.informer<Node>(); });
  measure("replica sets, whole, and their metadata", count / 4, as_bytes(replica_set), [](Informers& informers) {
    controllers::index_by_controller(informers.informer<apps::v1::ReplicaSet>());
    follow_metadata(informers, "apps", "v1", "replicasets");
  });
  measure(
      "endpoints, in slices of a hundred, packed", count / kEndpointsASlice, as_bytes(slice),
      [](Informers& informers) { informers.informer<Packed<discovery::v1::EndpointSlice>>(); }, kEndpointsASlice);
  measure(
      "endpoints, in slices of a hundred, whole", count / kEndpointsASlice, as_bytes(slice),
      [](Informers& informers) { informers.informer<discovery::v1::EndpointSlice>(); }, kEndpointsASlice);
}

}  // namespace
}  // namespace ph::informers

int main(int argc, char** argv) {
  int count = 10'000;
  if (argc > 1) std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), count);
  ph::informers::run(std::max(count, 400));
}
