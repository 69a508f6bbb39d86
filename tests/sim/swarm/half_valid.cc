// half-valid: all loops at once, among objects that no server of ours would have taken: some of their fields are missing, others absurd.
// No loop may end over them, nor run hot; what is sound is looked after as ever; and when they are gone all comes to rest.
#include <fmt/format.h>

#include "api/codec.h"
#include "api/errors.h"
#include "controllers/cloud/local.h"
#include "tests/sim/builders.h"
#include "tests/sim/custom.h"
#include "tests/sim/stateful_set.h"
#include "tests/sim/swarm/absurd.h"
#include "tests/sim/swarm/kubelet.h"
#include "tests/sim/swarm/signing_requests.h"

namespace ph::sim::swarm {
namespace {

using core::v1::Pod;

constexpr const char* kCalm = "/calm/";
// Within a minute, a while after something was spoiled: so many reconciles for each object, and so many writes. Backoffs are then
// longer than this, and only the autoscaler looks four times.
constexpr std::uint64_t kReconcilesMost = 15, kWritesMost = 10;

class HalfValid final : public Swarm {
 public:
  Setup setup(Draw&) override {
    controllers::Options options;
    options.node_ipam.allocate_node_cidrs = true;
    options.node_ipam.cluster_cidr = "10.244.0.0/16,fd00:244::/48";
    options.cloud.provider = controllers::cloud::local_provider(
        controllers::cloud::read_local_config("loadBalancer: {pools: [{addresses: [192.0.2.0/30]}]}"));
    // No kubelet is heard of here: nodes would fall silent, and pods go from them when a time that begins anew with each process is over.
    // What those two loops make of half-valid nodes is in their own tests.
    return loops(
               "*,bootstrapsigner,tokencleaner,selinux-warning-controller,hollow-csi-provisioner,hollow-csi-attacher,hollow-csi-"
               "resizer,host-path-"
               "provisioner,"
               "-nodelifecycle,-taint-eviction-controller")
        .options(options);
  }
  Faults faults() const override { return none(); }

  void begin() override {
    cluster().on_write([this](const Cluster::Write& write) { note(write); });
    cluster().create(make_namespace("calm"));
    cluster().create(make_namespace("kube-public"));
    cluster().create(make_deployment("calm/web").replicas(2).object());
    cluster().create(make_service("calm/web"));
    cluster().create(make_job("calm/job").object());
    for (int i = 0; i < 12; ++i) make();
    cluster().advance(5s);
  }

  void act() override {
    switch (draw().between(0, 9)) {
      case 0:
      case 1: return make();
      case 2:
      case 3: return run_pods();
      case 4: return judge_heat();
      case 5: return remove_some();
      default:
        for (int i = draw().between(1, 4); i > 0; --i) spoil_some();
    }
  }

  void settle() override {
    if (std::exchange(is_settled_, true)) return;
    judge_heat();
    for (const std::string& key : std::set(spoiled_)) cluster().plant(key, std::nullopt);
    for (const auto& [key, object] : std::map(held_)) {
      if (object.kind.kind == "HorizontalPodAutoscaler") cluster().plant(key, std::nullopt);  // nobody measures
    }
    // As upstream's, the loops of stateful and daemon sets follow neither revisions nor claims: what went with what was spoiled they miss
    // when the set is next looked at.
    // Nor does a pod bring its set's key when the name in its owner reference was spoiled, and it goes.
    touch_all<apps::v1::ReplicaSet>();
    touch_all<apps::v1::StatefulSet>();
    touch_all<apps::v1::DaemonSet>();
    // Nobody runs the pods of calm/web: ten minutes after its creation it says that it does not come on.
    cluster().advance(11min);
  }

  // A loop that begins anew says again what it tells with every look at an object, as upstream's does.
  bool may_write_at_rest(const std::string& line) const override { return line.find(" /registry/events/") != std::string::npos; }

  template <class T>
  void touch_all() {
    for (T& object : cluster().template list<T>()) {
      (*object.mutable_metadata()->mutable_annotations())["looked-at"] = "again";
      cluster().update(std::move(object));
    }
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    int of_web = 0, of_job = 0;
    for (const Pod& pod : cluster().list<Pod>("calm"))
      (pod.metadata().labels().contains("app") ? of_web : of_job) += is_active(pod);
    if (of_web != 2) out.push_back(fmt::format("calm/web has {} pods", of_web));
    if (of_job != 1) out.push_back(fmt::format("calm/job has {} pods", of_job));
    if (cluster().list<discovery::v1::EndpointSlice>("calm").size() != 1) out.push_back("calm/web has no slice");
    if (!cluster().has<core::v1::ServiceAccount>("calm/default")) out.push_back("calm has no service account");
    return out;
  }

 private:
  struct Held {
    api::GroupVersionKind kind;
    std::string bytes;
  };

  void note(const Cluster::Write& write) {
    if (write.object.empty()) {
      held_.erase(write.key);
      spoiled_.erase(write.key);
      return;
    }
    const std::string& kind = write.kind.kind;
    const bool is_left_alone =
        kind == "Event" || kind == "Lease" || kind == "Namespace" || write.key.find(kCalm) != std::string::npos;
    if (!is_left_alone && api::Scheme::builtin().find(write.kind)) held_[write.key] = {.kind = write.kind, .bytes = write.object};
  }

  // Of kinds of which there are few as often as of others.
  void spoil_some() {
    std::map<std::string, std::vector<std::string>> by_kind;
    for (const auto& [key, object] : held_) by_kind[object.kind.kind].push_back(key);
    if (by_kind.empty()) return;
    std::vector<std::string> kinds;
    for (const auto& [kind, keys] : by_kind) kinds.push_back(kind);
    const std::string& kind = draw().of(kinds);
    const std::string key = draw().of(by_kind[kind]);
    const Held held = held_[key];
    const auto object = api::Scheme::builtin().make(*api::Scheme::builtin().find(held.kind));
    api::decode_protobuf(held.bytes, *object);
    spoil(draw(), *object);
    judge().reached("spoiled: " + kind);
    cluster().plant(key, api::encode_envelope(*object));
    spoiled_.insert(key);
  }

  // However it is refused.
  void try_to(const std::function<void()>& request) {
    try {
      request();
    } catch (const api::ApiError& error) {
      judge().reached(fmt::format("requests answered {}", error.code()));
      if (error.code() == 500) judge().never(fmt::format("the server failed: {}", error.what()));
    }
  }

  void judge_heat() {
    cluster().advance(3min);
    const std::uint64_t reconciles = cluster().tally().reconciles, writes = cluster().history().size();
    cluster().advance(1min);
    const std::uint64_t objects = held_.size() + 10, did = cluster().tally().reconciles - reconciles,
                        wrote = cluster().history().size() - writes;
    if (did > kReconcilesMost * objects)
      judge().never(fmt::format("{} reconciles within a minute, about {} objects", did, objects));
    if (wrote > kWritesMost * objects) judge().never(fmt::format("{} writes within a minute, about {} objects", wrote, objects));
  }

  // -- What there is
  template <class T>
  void create(T object) {
    try_to([&] { cluster().create(std::move(object)); });
  }
  std::string some_name() { return fmt::format("default/{}", draw().of(std::vector<std::string>{"web", "db", "x"})); }
  meta::v1::ObjectMeta some_metadata() { return metadata_of(some_name()); }

  void make_some_service(const std::string& name) {
    core::v1::Service service = make_service(name);
    if (name == "default/db") service.mutable_spec()->set_type("LoadBalancer");
    create(std::move(service));
  }

  void make() {
    const std::string name = some_name();
    switch (draw().between(0, 23)) {
      case 0: return create(make_deployment(name).replicas(draw().between(0, 3)).object());
      case 1: return create(make_replica_set(name).replicas(draw().between(0, 3)).object());
      case 2: return create(make_stateful_set(name).replicas(draw().between(0, 3)).claims("Delete", "Retain").object());
      case 3: return create(make_daemon_set(name));
      case 4: return create(make_replication_controller(name, draw().between(0, 3)));
      case 5: return create(make_job(name).ttl(draw().between(0, 50)).object());
      case 6: return make_cron_job(name);
      case 7: return make_some_service(name);
      case 8: return make_endpoints(name);
      case 9: return make_budget(name);
      case 10: return make_autoscaler(name);
      case 11: return make_quota(name);
      case 12: return make_storage(name);
      case 13: return make_node();
      case 14: return make_token();
      case 15: return create(make_config_map("kube-public/cluster-info"));
      case 16: return make_owned(name);
      case 17: return make_role(name);
      case 18: return make_service_range();
      case 19: return make_token_secret(name);
      case 20: return create(request_of(draw().of(wishes()), draw().between(0, 1)));
      case 21: return make_devices(name);
      case 22: return make_attached(name);
      default: return create(make_pod(name + "-alone", draw().chance(0.5) ? "node-0" : ""));
    }
  }
  void make_cron_job(const std::string& name) {
    batch::v1::CronJob cron;
    *cron.mutable_metadata() = metadata_of(name);
    cron.mutable_spec()->set_schedule("0 0 1 1 *");
    *cron.mutable_spec()->mutable_job_template()->mutable_spec() = make_job(name).object().spec();
    create(std::move(cron));
  }
  void make_endpoints(const std::string& name) {
    core::v1::Endpoints endpoints;
    *endpoints.mutable_metadata() = metadata_of(name);
    auto& subset = *endpoints.add_subsets();
    subset.add_addresses()->set_ip("192.0.2.1");
    subset.add_ports()->set_port(80);
    create(std::move(endpoints));
  }
  // Made of others, and one of these.
  void make_role(const std::string& name) {
    rbac::v1::ClusterRole role;
    role.mutable_metadata()->set_name(metadata_of(name).name());
    (*role.mutable_metadata()->mutable_labels())["gathered"] = draw().chance(0.5) ? "yes" : "no";
    auto& rule = *role.add_rules();
    rule.add_api_groups("");
    rule.add_resources("pods");
    rule.add_verbs("get");
    if (draw().chance(0.5)) {
      (*role.mutable_aggregation_rule()->add_cluster_role_selectors()->mutable_match_labels())["gathered"] = "yes";
    }
    create(std::move(role));
  }
  void make_service_range() {
    networking::v1::ServiceCIDR range;
    const int number = draw().between(0, 3);
    range.mutable_metadata()->set_name(fmt::format("range-{}", number));
    range.mutable_spec()->add_cidrs(fmt::format("172.30.0.0/{}", 20 + number));
    create(std::move(range));
  }
  void make_budget(const std::string& name) {
    policy::v1::PodDisruptionBudget budget;
    *budget.mutable_metadata() = metadata_of(name);
    (*budget.mutable_spec()->mutable_selector()->mutable_match_labels())["app"] = budget.metadata().name();
    budget.mutable_spec()->mutable_min_available()->set_int_val(1);
    create(std::move(budget));
  }
  void make_autoscaler(const std::string& name) {
    autoscaling::v2::HorizontalPodAutoscaler scaler;
    *scaler.mutable_metadata() = metadata_of(name);
    auto& target = *scaler.mutable_spec()->mutable_scale_target_ref();
    target.set_api_version("apps/v1");
    target.set_kind(draw().chance(0.5) ? "Deployment" : "StatefulSet");
    target.set_name(scaler.metadata().name());
    scaler.mutable_spec()->set_max_replicas(3);
    create(std::move(scaler));
  }
  void make_quota(const std::string& name) {
    core::v1::ResourceQuota quota;
    *quota.mutable_metadata() = metadata_of(name);
    for (const char* resource : {"pods", "requests.cpu", "count/deployments.apps", "services.nodeports"})
      (*quota.mutable_spec()->mutable_hard())[resource].set_string("100");
    create(std::move(quota));
  }
  void make_storage(const std::string& name) {
    core::v1::PersistentVolumeClaim claim;
    *claim.mutable_metadata() = metadata_of(name);
    claim.mutable_spec()->add_access_modes("ReadWriteOnce");
    (*claim.mutable_spec()->mutable_resources()->mutable_requests())["storage"].set_string("1Gi");
    claim.mutable_spec()->set_volume_attributes_class_name("fast");
    const std::string of = draw().of(std::vector<std::string>{"", "made", "nowhere"});
    if (draw().chance(0.7)) claim.mutable_spec()->set_storage_class_name(of);
    create(std::move(claim));
    storage::v1::StorageClass made;
    made.mutable_metadata()->set_name("made");
    made.set_provisioner("csi.example.com");
    if (draw().chance(0.5)) made.set_volume_binding_mode("WaitForFirstConsumer");
    create(std::move(made));
    core::v1::PersistentVolume volume;
    volume.mutable_metadata()->set_name(fmt::format("volume-{}", draw().between(0, 2)));
    volume.mutable_spec()->set_storage_class_name(of);
    if (draw().chance(0.6)) volume.mutable_spec()->set_volume_attributes_class_name("fast");
    (*volume.mutable_spec()->mutable_capacity())["storage"].set_string("1Gi");
    volume.mutable_spec()->add_access_modes("ReadWriteOnce");
    volume.mutable_spec()->mutable_persistent_volume_source()->mutable_host_path()->set_path("/x");
    create(std::move(volume));
    storage::v1::VolumeAttributesClass fast;
    fast.mutable_metadata()->set_name("fast");
    fast.set_driver_name("csi.example.com");
    (*fast.mutable_parameters())["iops"] = "5";
    create(std::move(fast));
  }
  void make_node() {
    core::v1::Node node;
    node.mutable_metadata()->set_name(fmt::format("node-{}", draw().between(0, 1)));
    (*node.mutable_metadata()->mutable_labels())["topology.kubernetes.io/zone"] = "a";
    (*node.mutable_metadata()->mutable_annotations())["volumes.kubernetes.io/controller-managed-attach-detach"] = "true";
    (*node.mutable_status()->mutable_allocatable())["cpu"].set_string("8");
    create(std::move(node));
  }
  void make_token() {
    core::v1::Secret secret;
    *secret.mutable_metadata() = metadata_of("kube-system/bootstrap-token-aaaaaa");
    secret.set_type("bootstrap.kubernetes.io/token");
    auto& data = *secret.mutable_data();
    data["token-id"] = "aaaaaa";
    data["token-secret"] = "0123456789abcdef";
    data["usage-bootstrap-signing"] = "true";
    create(std::move(secret));
  }
  void make_token_secret(const std::string& name) {
    core::v1::ServiceAccount account;
    *account.mutable_metadata() = metadata_of(name);
    account.add_secrets()->set_name(account.metadata().name());
    core::v1::Secret secret;
    *secret.mutable_metadata() = metadata_of(name);
    secret.set_type("kubernetes.io/service-account-token");
    (*secret.mutable_metadata()->mutable_annotations())["kubernetes.io/service-account.name"] = account.metadata().name();
    create(std::move(account));
    create(std::move(secret));
  }
  void make_owned(const std::string& name) {
    core::v1::ConfigMap owner = make_config_map(name);
    try_to([&] {
      owner = cluster().create(owner);
      core::v1::ConfigMap owned = make_config_map(name + "-owned");
      add_owner(owned.mutable_metadata(), "v1", "ConfigMap", owner.metadata());
      cluster().create(owned);
    });
  }

  void make_devices(const std::string& name) {
    resources::v1::ResourceClaim claim;
    *claim.mutable_metadata() = metadata_of(name);
    auto& request = *claim.mutable_spec()->mutable_devices()->add_requests();
    request.set_name("r");
    request.mutable_exactly()->set_device_class_name("gpu");
    create(claim);
    resources::v1::ResourceClaimTemplate from;
    *from.mutable_metadata() = claim.metadata();
    *from.mutable_spec()->mutable_spec() = claim.spec();
    create(from);
    Pod pod = make_pod(name + "-asks", draw().chance(0.5) ? "node-0" : "");
    auto& shared = *pod.mutable_spec()->add_resource_claims();
    shared.set_name("shared");
    shared.set_resource_claim_name(claim.metadata().name());
    auto& own = *pod.mutable_spec()->add_resource_claims();
    own.set_name("own");
    own.set_resource_claim_template_name(from.metadata().name());
    create(std::move(pod));
  }
  // A claim that is bound, and pods that use it, and bring one of their own.
  void make_attached(const std::string& name) {
    core::v1::PersistentVolumeClaim claim;
    *claim.mutable_metadata() = metadata_of(name + "-bound");
    claim.mutable_spec()->add_access_modes("ReadWriteOnce");
    (*claim.mutable_spec()->mutable_resources()->mutable_requests())["storage"].set_string("1Gi");
    claim.mutable_spec()->set_volume_name("bound");
    try_to([&] {
      claim = cluster().create(claim);
      core::v1::PersistentVolume volume;
      volume.mutable_metadata()->set_name("bound");
      (*volume.mutable_spec()->mutable_capacity())["storage"].set_string("1Gi");
      volume.mutable_spec()->add_access_modes("ReadWriteOnce");
      auto& csi = *volume.mutable_spec()->mutable_persistent_volume_source()->mutable_csi();
      csi.set_driver("csi.example.com");
      csi.set_volume_handle("h");
      auto& of = *volume.mutable_spec()->mutable_claim_ref();
      of.set_namespace_(claim.metadata().namespace_());
      of.set_name(claim.metadata().name());
      of.set_uid(claim.metadata().uid());
      create(std::move(volume));
      claim.mutable_status()->set_phase("Bound");
      cluster().update_status(claim);
    });
    Pod pod = make_pod(name + "-stores", "node-0");
    auto& used = *pod.mutable_spec()->add_volumes();
    used.set_name("used");
    used.mutable_volume_source()->mutable_persistent_volume_claim()->set_claim_name(claim.metadata().name());
    auto& own = *pod.mutable_spec()->add_volumes();
    own.set_name("own");
    *own.mutable_volume_source()->mutable_ephemeral()->mutable_volume_claim_template()->mutable_spec() = claim.spec();
    create(std::move(pod));
  }

  // What kubelets say of pods.
  void run_pods() {
    for (Pod pod : cluster().list<Pod>("default")) {
      if (draw().chance(0.4)) continue;
      auto& status = *pod.mutable_status();
      status.set_phase(draw().chance(0.7) ? "Running" : draw().chance(0.5) ? "Succeeded" : "Failed");
      status.set_pod_ip("10.128.0.7");
      auto& condition = *status.add_conditions();
      condition.set_type("Ready");
      condition.set_status(draw().chance(0.7) ? "True" : "False");
      try_to([&] { cluster().update_status<Pod>(pod); });
    }
  }
  void remove_some() {
    const auto pods = cluster().list<Pod>("default");
    if (pods.empty()) return;
    const std::string key = key_of(draw().of(pods)).text();
    try_to([&] { cluster().remove<Pod>(key); });
    try_to([&] { cluster().remove<apps::v1::Deployment>(some_name(), informers::DeleteOptions::foreground()); });
  }

  std::map<std::string, Held> held_;  // by the store's key
  std::set<std::string> spoiled_;
  bool is_settled_ = false;
};

}  // namespace

std::unique_ptr<Swarm> half_valid() { return std::make_unique<HalfValid>(); }

}  // namespace ph::sim::swarm
