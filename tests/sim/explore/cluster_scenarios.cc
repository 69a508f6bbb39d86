// What keeps a cluster in order.
#include "api/times.h"
#include "controllers/common/certificate_requests.h"
#include "controllers/common/token_secrets.h"
#include "tests/controllers/volumes.h"
#include "tests/sim/builders.h"
#include "tests/sim/custom.h"
#include "tests/sim/explore/stage.h"
#include "tests/sim/signing.h"

namespace ph::sim::explore {
namespace {

using core::v1::ConfigMap, core::v1::Node, core::v1::Pod, core::v1::Secret;
using Claim = core::v1::PersistentVolumeClaim;
using Volume = core::v1::PersistentVolume;

// Longer than whatever is looked at again.
constexpr Duration kLong = 7min;

informers::DeleteOptions at_once() {
  informers::DeleteOptions out;
  out.grace_seconds = 0;
  return out;
}

// -- What belongs to what

void garbage_collector(Stage& stage) {
  const auto make = [&](const std::string& key, const ConfigMap* owner) {
    ConfigMap map = make_config_map(key);
    if (owner) add_owner(map.mutable_metadata(), "v1", "ConfigMap", owner->metadata());
    return stage.cluster.create(map);
  };
  for (const std::string name : {"background", "foreground", "orphan"}) {
    const ConfigMap owner = make("default/" + name, nullptr);
    const ConfigMap child = make("default/" + name + "-child", &owner);
    make("default/" + name + "-other", &owner);
    make("default/" + name + "-grandchild", &child);
  }
  ConfigMap gone = make_config_map("default/gone");
  gone.mutable_metadata()->set_uid("00000000-0000-0000-0000-000000000001");
  make("default/abandoned", &gone);
  stage.settle(kLong);
  stage.cluster.remove<ConfigMap>("default/background", informers::DeleteOptions::background());
  stage.cluster.remove<ConfigMap>("default/foreground", informers::DeleteOptions::foreground());
  stage.cluster.remove<ConfigMap>("default/orphan", informers::DeleteOptions::orphan());
  stage.settle(kLong);
}

void namespaces(Stage& stage) {
  stage.cluster.create(make_namespace("space"));
  stage.cluster.create(make_namespace("other"));
  for (const char* key : {"space/a", "space/b", "other/a"}) stage.cluster.create(make_config_map(key));
  stage.cluster.create(make_service("space/web"));
  stage.cluster.create(make_deployment("space/web").replicas(2).object());
  stage.cluster.create(make_pod("space/pod", "node-0"));
  stage.settle();
  stage.cluster.remove<core::v1::Namespace>("space");
  stage.settle(kLong);
}

Node node_of(const std::string& name) {
  Node out;
  out.mutable_metadata()->set_name(name);
  return out;
}

void ended_pods(Stage& stage) {
  stage.cluster.create(node_of("here"));
  for (int i = 0; i < 6; ++i) {
    Pod pod = stage.cluster.create(make_pod("default/ended-" + std::to_string(i), "here"));
    pod.mutable_status()->set_phase(i % 2 == 0 ? "Succeeded" : "Failed");
    stage.cluster.update_status<Pod>(pod);
    stage.cluster.advance(1s);
  }
  stage.settle();
}

// Of a node that is gone, and of one that is out of service.
void lost_pods(Stage& stage) {
  stage.cluster.create(node_of("here"));
  for (const char* key : {"default/lost-a", "default/lost-b"}) stage.cluster.create(make_pod(key, "gone"));
  for (const char* key : {"default/leaves", "default/stays"}) stage.cluster.create(make_pod(key, "here"));
  stage.settle();
  stage.cluster.edit<Node>("here", [](Node& each) {
    auto& taint = *each.mutable_spec()->add_taints();
    taint.set_key("node.kubernetes.io/out-of-service");
    taint.set_effect("NoExecute");
  });
  stage.cluster.remove<Pod>("default/leaves");
  stage.settle();
}

// -- Budgets and quotas

void evict(Stage& stage, std::size_t at) {
  const std::string name = stage.cluster.list<Pod>("default").at(at).metadata().name();
  policy::v1::Eviction eviction;
  eviction.mutable_metadata()->set_namespace_("default");
  eviction.mutable_metadata()->set_name(name);
  stage.cluster.call<meta::v1::Status>([&](informers::Client& client) {
    return client.post_subresource<Pod, policy::v1::Eviction, meta::v1::Status>(ObjectKey::parse("default/" + name), "eviction",
                                                                                eviction);
  });
}

void disruption(Stage& stage) {
  stage.cluster.create(make_replica_set("default/web").replicas(3).object());
  policy::v1::PodDisruptionBudget budget;
  *budget.mutable_metadata() = make_config_map("default/web").metadata();
  (*budget.mutable_spec()->mutable_selector()->mutable_match_labels())["app"] = "web";
  budget.mutable_spec()->mutable_min_available()->set_int_val(2);
  stage.cluster.create(budget);
  stage.settle();
  evict(stage, 0);
  stage.settle();
  stage.cluster.scale<apps::v1::ReplicaSet>("default/web", 5);
  stage.settle();
  evict(stage, 0);
  evict(stage, 1);
  stage.settle();
  Pod doomed = stage.cluster.list<Pod>("default").front();
  auto& condition = *doomed.mutable_status()->add_conditions();
  condition.set_type("DisruptionTarget");
  condition.set_status("True");
  api::set_time(condition.mutable_last_transition_time(), stage.cluster.now());
  stage.cluster.update_status<Pod>(doomed);
  stage.settle(kLong);
}

void resource_quota(Stage& stage) {
  core::v1::ResourceQuota quota;
  *quota.mutable_metadata() = make_config_map("default/all").metadata();
  auto& hard = *quota.mutable_spec()->mutable_hard();
  hard["pods"].set_string("3");
  hard["requests.cpu"].set_string("2");
  stage.cluster.create(quota);
  stage.settle();
  const auto make = [&](const std::string& key) {
    Pod pod = make_pod(key);
    (*pod.mutable_spec()->mutable_containers(0)->mutable_resources()->mutable_requests())["cpu"].set_string("200m");
    stage.cluster.create(pod);
  };
  for (const char* key : {"default/a", "default/b", "default/c"}) make(key);
  stage.cluster.advance(1s);
  stage.cluster.remove<Pod>("default/a", at_once());
  stage.settle(kLong);
  make("default/d");
  stage.cluster.edit<core::v1::ResourceQuota>("default/all", [](core::v1::ResourceQuota& each) {
    (*each.mutable_spec()->mutable_hard())["count/configmaps"].set_string("10");
    each.mutable_spec()->mutable_hard()->erase("pods");
  });
  stage.settle(kLong);
}

// -- What each namespace and each node has

template <class T>
void in_each_namespace(Stage& stage, const std::string& name, const std::function<void(T&)>& change) {
  stage.cluster.create(make_namespace("a"));
  stage.cluster.create(make_namespace("b"));
  stage.settle();
  stage.cluster.remove<T>("a/" + name);
  stage.cluster.edit<T>("b/" + name, change);
  stage.settle();
  stage.cluster.remove<T>("b/" + name);
  stage.cluster.create(make_namespace("c"));
  stage.settle();
}
void service_accounts(Stage& stage) {
  in_each_namespace<core::v1::ServiceAccount>(
      stage, "default", [](auto& account) { (*account.mutable_metadata()->mutable_labels())["seen"] = "yes"; });
}
void root_authorities(Stage& stage) {
  in_each_namespace<ConfigMap>(stage, "kube-root-ca.crt", [](ConfigMap& map) { (*map.mutable_data())["ca.crt"] = "another"; });
}

void ttl(Stage& stage) {
  for (const char* name : {"a", "b", "c"}) stage.cluster.create(node_of(name));
  stage.settle();
  const auto say = [&](const char* name, const char* seconds) {
    stage.cluster.edit<Node>(
        name, [&](Node& node) { (*node.mutable_metadata()->mutable_annotations())["node.alpha.kubernetes.io/ttl"] = seconds; });
  };
  say("a", "77");
  say("b", "soon");
  stage.settle();
}

// There are four ranges, one of which is of services: the fourth node waits until the second has gone.
void node_ipam(Stage& stage) {
  for (const char* name : {"a", "b", "c", "d"}) {
    stage.cluster.create(node_of(name));
    stage.cluster.advance(1s);
  }
  stage.settle();
  stage.cluster.remove<Node>("b");
  stage.settle();
  stage.cluster.create(node_of("b"));
  stage.settle();
  stage.cluster.remove<Node>("a");
  stage.settle();
}
controllers::Options few_ranges() {
  controllers::Options out;
  out.node_ipam.allocate_node_cidrs = true;
  out.node_ipam.cluster_cidr = "10.244.0.0/22";
  out.node_ipam.service_cluster_ip_range = "10.244.0.0/24";
  return out;
}

// -- Roles made of others; ranges of addresses

rbac::v1::ClusterRole role(const std::string& name, const char* label, const char* resource) {
  rbac::v1::ClusterRole out;
  out.mutable_metadata()->set_name(name);
  if (label) (*out.mutable_metadata()->mutable_labels())[label] = "yes";
  auto& rule = *out.add_rules();
  rule.add_api_groups("");
  rule.add_resources(resource);
  rule.add_verbs("get");
  return out;
}
void select(rbac::v1::ClusterRole& role, const char* label) {
  (*role.mutable_aggregation_rule()->add_cluster_role_selectors()->mutable_match_labels())[label] = "yes";
}

void role_aggregation(Stage& stage) {
  rbac::v1::ClusterRole all = role("all", nullptr, "secrets"), between = role("between", "to-all", "nodes");
  select(all, "to-all");
  select(between, "to-between");
  stage.cluster.create(all);
  stage.cluster.create(between);
  stage.cluster.create(role("a", "to-all", "pods"));
  stage.cluster.create(role("b", "to-between", "services"));
  stage.settle();
  stage.cluster.remove<rbac::v1::ClusterRole>("a");
  stage.cluster.edit<rbac::v1::ClusterRole>("b", [](rbac::v1::ClusterRole& each) { each.mutable_rules(0)->add_verbs("list"); });
  stage.settle();
}

networking::v1::ServiceCIDR service_range(const std::string& name, const std::string& cidr) {
  networking::v1::ServiceCIDR out;
  out.mutable_metadata()->set_name(name);
  out.mutable_spec()->add_cidrs(cidr);
  return out;
}

void service_ranges(Stage& stage) {
  networking::v1::IPAddress address;
  address.mutable_metadata()->set_name("172.30.0.7");
  auto& labels = *address.mutable_metadata()->mutable_labels();
  labels["ipaddress.kubernetes.io/ip-family"] = "IPv4";
  labels["ipaddress.kubernetes.io/managed-by"] = "ipallocator.k8s.io";
  auto& parent = *address.mutable_spec()->mutable_parent_ref();
  parent.set_resource("services");
  parent.set_namespace_("default");
  parent.set_name("web");
  for (const auto& [name, cidr] : {std::pair("large", "172.30.0.0/16"), std::pair("small", "172.30.0.0/24"),
                                   std::pair("stays", "172.31.0.0/24"), std::pair("free", "172.29.0.0/24")})
    stage.cluster.create(service_range(name, cidr));
  stage.cluster.create(address);
  stage.settle();
  for (const char* name : {"large", "small", "free"}) stage.cluster.remove<networking::v1::ServiceCIDR>(name);
  stage.settle();
  stage.cluster.remove<networking::v1::IPAddress>("172.30.0.7");
  stage.settle();
}

// One goes on beside it; the other falls silent, is heard of once more, and is silent again.
void silent_node(Stage& stage) {
  const auto say = [&](const char* status) {
    Node node = stage.cluster.get<Node>("quiet");
    node.mutable_status()->clear_conditions();
    for (const auto& [type, says] : {std::pair{"Ready", status}, std::pair{"DiskPressure", "True"}}) {
      auto& condition = *node.mutable_status()->add_conditions();
      condition.set_type(type);
      condition.set_status(says);
      api::set_time(condition.mutable_last_heartbeat_time(), stage.cluster.now());
    }
    stage.cluster.update_status(node);
  };
  Node quiet = node_of("quiet");
  (*quiet.mutable_metadata()->mutable_labels())["kubernetes.io/os"] = "linux";
  stage.cluster.create(quiet);
  for (const char* key : {"default/a", "default/b"}) {
    Pod pod = stage.cluster.create(make_pod(key, "quiet"));
    auto& ready = *pod.mutable_status()->add_conditions();
    ready.set_type("Ready");
    ready.set_status("True");
    stage.cluster.update_status(pod);
  }
  say("True");
  stage.settle(3min);
  say("True");
  stage.settle(3min);
}

void tainted_node(Stage& stage) {
  const auto taint = [&](const char* effect) {
    stage.cluster.edit<Node>("node-0", [&](Node& each) {
      each.mutable_spec()->clear_taints();
      auto& added = *each.mutable_spec()->add_taints();
      added.set_key("k");
      added.set_effect(effect);
    });
  };
  stage.settle();
  for (const auto& [key, seconds] : {std::pair{"default/goes", 0}, {"default/waits", 60}, {"default/stays", 6000}}) {
    Pod pod = make_pod(key, "node-0");
    auto& toleration = *pod.mutable_spec()->add_tolerations();
    toleration.set_key("k");
    toleration.set_operator_("Exists");
    toleration.set_effect("NoExecute");
    toleration.set_toleration_seconds(seconds);
    stage.cluster.create(pod);
  }
  stage.settle();
  taint("NoExecute");
  stage.settle(kLong);
  taint("NoSchedule");
  stage.settle();
}

// -- Tokens

Secret token(Stage& stage, const std::string& id, std::optional<Duration> lives) {
  Secret secret;
  *secret.mutable_metadata() = make_config_map("kube-system/bootstrap-token-" + id).metadata();
  secret.set_type("bootstrap.kubernetes.io/token");
  auto& data = *secret.mutable_data();
  data["token-id"] = id;
  data["token-secret"] = "0123456789abcdef";
  data["usage-bootstrap-signing"] = "true";
  if (lives) data["expiration"] = api::rfc3339(stage.cluster.now() + *lives);
  return secret;
}

void token_cleaner(Stage& stage) {
  stage.cluster.create(token(stage, "aaaaaa", std::nullopt));
  stage.cluster.create(token(stage, "bbbbbb", 20s));
  stage.cluster.create(token(stage, "cccccc", -20s));
  stage.settle();
  Secret stays = stage.cluster.get<Secret>("kube-system/bootstrap-token-aaaaaa");
  (*stays.mutable_data())["expiration"] = api::rfc3339(stage.cluster.now() + 5s);
  stage.cluster.update(stays);
  stage.settle();
}

core::v1::ServiceAccount account(const std::string& key, const std::vector<std::string>& secrets = {}) {
  core::v1::ServiceAccount out;
  *out.mutable_metadata() = make_config_map(key).metadata();
  for (const std::string& name : secrets) out.add_secrets()->set_name(name);
  return out;
}

Secret token_secret(const std::string& key, const std::string& of) {
  Secret out;
  *out.mutable_metadata() = make_config_map(key).metadata();
  out.set_type(controllers::kTokenSecretType);
  (*out.mutable_metadata()->mutable_annotations())[controllers::kAccountName] = of;
  return out;
}

void token_secrets(Stage& stage) {
  for (const char* key : {"default/alice", "default/bob"}) stage.cluster.create(account(key));
  stage.cluster.create(token_secret("default/a", "alice"));
  stage.cluster.create(token_secret("default/b", "bob"));
  stage.cluster.create(token_secret("default/n", "nobody"));
  stage.settle();
  stage.cluster.edit<Secret>("default/b", [](Secret& secret) { secret.clear_data(); });
  stage.cluster.remove<core::v1::ServiceAccount>("default/alice");
  stage.settle();
}

// A day's look finds out that they are unused, and one of the next that they have been invalid for long.
void unused_tokens(Stage& stage) {
  stage.cluster.create(account("default/bob", {"old", "older", "new"}));
  for (const char* key : {"default/old", "default/older", "default/by-hand"}) stage.cluster.create(token_secret(key, "bob"));
  stage.settle();
  stage.cluster.advance(60h);
  stage.cluster.create(token_secret("default/new", "bob"));
  stage.settle();
  stage.cluster.advance(60h);
  stage.settle();
}

void bootstrap_signer(Stage& stage) {
  stage.cluster.create(make_namespace("kube-public"));
  ConfigMap info = make_config_map("kube-public/cluster-info");
  (*info.mutable_data())["kubeconfig"] = "kind: Config\n";
  stage.cluster.create(info);
  stage.cluster.create(token(stage, "aaaaaa", std::nullopt));
  stage.cluster.create(token(stage, "bbbbbb", std::nullopt));
  stage.settle();
  stage.cluster.edit<ConfigMap>("kube-public/cluster-info",
                                [](ConfigMap& map) { (*map.mutable_data())["kubeconfig"] = "kind: Config # another\n"; });
  stage.cluster.remove<Secret>("kube-system/bootstrap-token-bbbbbb");
  stage.settle();
}

// -- Storage that is bound and given back

// What a provisioner does for a claim that it is asked for.
void make_for(Stage& stage, const std::string& key) {
  const Claim claim = stage.cluster.get<Claim>(key);
  stage.cluster.create(controllers::make_volume("made-for-" + claim.metadata().name())
                           .of_class(claim.spec().storage_class_name())
                           .reclaim("Delete")
                           .noted("pv.kubernetes.io/provisioned-by", "csi.example.com")
                           .kept_for(key, claim.metadata().uid())
                           .object());
}

// Whatever is looked at once in a period has been; nothing waits long for what does not come, for it would be told again and again.
constexpr Duration kPeriods = 60s;

void bindings(Stage& stage) {
  using controllers::make_claim, controllers::make_class, controllers::make_volume;
  stage.cluster.create(make_class("made", "csi.example.com"));
  stage.cluster.create(make_class("waits", "csi.example.com", true));
  stage.cluster.create(make_volume("fits").of_class("by-hand").object());
  stage.cluster.create(make_volume("kept").of_class("by-hand").size("9Gi").kept_for("default/kept").object());
  stage.cluster.create(make_volume("named").of_class("other").reclaim("Delete").object());
  stage.cluster.create(make_volume("free").of_class("another").object());
  stage.cluster.advance(kPeriods);
  stage.cluster.create(make_claim("default/fits").of_class("by-hand").object());
  stage.cluster.create(make_claim("default/kept").of_class("by-hand").size("5Gi").object());
  stage.cluster.create(make_claim("default/named").of_class("other").volume("named").object());
  for (const char* of : {"made", "waits"}) stage.cluster.create(make_claim(std::string("default/") + of).of_class(of).object());
  stage.cluster.create(make_claim("default/unset").object());
  stage.cluster.advance(kPeriods);
  stage.cluster.edit<Claim>("default/waits", [](Claim& claim) {
    (*claim.mutable_metadata()->mutable_annotations())["volume.kubernetes.io/selected-node"] = "n1";
  });
  stage.cluster.create(controllers::by_default(make_class("default", "csi.example.com")));
  stage.cluster.advance(kPeriods);
  for (const char* key : {"default/made", "default/waits", "default/unset"}) make_for(stage, key);
  stage.settle();
  for (const char* key : {"default/fits", "default/named", "default/made"}) stage.cluster.remove<Claim>(key);
  stage.cluster.remove<Volume>("kept");
  stage.settle();
}

void expansions(Stage& stage) {
  for (const char* name : {"a", "b"}) {
    Volume volume = controllers::make_volume(name).of_class(name);
    volume.mutable_spec()->mutable_persistent_volume_source()->clear_csi();
    volume.mutable_spec()->mutable_persistent_volume_source()->mutable_aws_elastic_block_store()->set_volume_id(name);
    stage.cluster.create(volume);
    stage.cluster.advance(kPeriods);
    stage.cluster.create(controllers::make_claim(std::string("default/") + name).of_class(name).object());
  }
  stage.settle();
  for (const char* key : {"default/a", "default/b"}) {
    stage.cluster.edit<Claim>(
        key, [](Claim& claim) { (*claim.mutable_spec()->mutable_resources()->mutable_requests())["storage"].set_string("2Gi"); });
  }
  stage.settle();
}

// -- Storage in use

Claim claim(const std::string& key) {
  Claim out;
  *out.mutable_metadata() = make_config_map(key).metadata();
  out.mutable_spec()->add_access_modes("ReadWriteOnce");
  (*out.mutable_spec()->mutable_resources()->mutable_requests())["storage"].set_string("1Gi");
  return out;
}
Volume volume(const std::string& name) {
  Volume out;
  out.mutable_metadata()->set_name(name);
  (*out.mutable_spec()->mutable_capacity())["storage"].set_string("1Gi");
  out.mutable_spec()->add_access_modes("ReadWriteOnce");
  auto& csi = *out.mutable_spec()->mutable_persistent_volume_source()->mutable_csi();
  csi.set_driver("csi.example.com");
  csi.set_volume_handle("h");
  return out;
}

void claims(Stage& stage) {
  for (const char* key : {"default/used", "default/unused", "default/stays"}) stage.cluster.create(claim(key));
  Pod pod = make_pod("default/pod", "node-0");
  auto& added = *pod.mutable_spec()->add_volumes();
  added.set_name("data");
  added.mutable_volume_source()->mutable_persistent_volume_claim()->set_claim_name("used");
  stage.cluster.create(pod);
  stage.settle();
  stage.cluster.remove<Claim>("default/used");
  stage.cluster.remove<Claim>("default/unused");
  stage.settle();
  stage.cluster.remove<Pod>("default/pod", at_once());
  stage.settle();
}

void volumes(Stage& stage) {
  for (const char* name : {"bound", "free", "stays"}) stage.cluster.create(volume(name));
  const auto phase = [&](const char* is) {
    Volume bound = stage.cluster.get<Volume>("bound");
    bound.mutable_status()->set_phase(is);
    stage.cluster.update_status(bound);
  };
  stage.settle();
  phase("Bound");
  stage.cluster.remove<Volume>("bound");
  stage.cluster.remove<Volume>("free");
  stage.settle();
  phase("Released");
  stage.settle();
}

void attributes_classes(Stage& stage) {
  for (const char* name : {"named", "free", "stays"}) {
    storage::v1::VolumeAttributesClass of;
    of.mutable_metadata()->set_name(name);
    of.set_driver_name("csi.example.com");
    (*of.mutable_parameters())["iops"] = "5";
    stage.cluster.create(of);
  }
  Claim of_claim = claim("default/claim");
  of_claim.mutable_spec()->set_volume_attributes_class_name("named");
  stage.cluster.create(of_claim);
  stage.settle();
  stage.cluster.remove<storage::v1::VolumeAttributesClass>("named");
  stage.cluster.remove<storage::v1::VolumeAttributesClass>("free");
  stage.settle();
  stage.cluster.remove<Claim>("default/claim");
  stage.settle();
}

// -- Certificates

using Request = certificates::v1::CertificateSigningRequest;

Task<Request> send_verdict(informers::Client& client, Request request) {
  Request answer;
  co_await client.update_message(request, "approval", answer);
  co_return answer;
}

void decide(Stage& stage, const std::string& name, const std::string& type) {
  Request request = stage.cluster.get<Request>(name);
  auto& condition = *request.mutable_status()->add_conditions();
  condition.set_type(type);
  condition.set_status("True");
  stage.cluster.call<Request>([&](informers::Client& client) { return send_verdict(client, request); });
}

void ask_for_certificate(Stage& stage, const std::string& name, const std::vector<std::string>& usages) {
  stage.cluster.create(
      make_signing_request(name, controllers::kApiserverClientSigner, signing_request("O=devs,CN=" + name), usages));
}

void certificate_signing(Stage& stage) {
  for (const char* name : {"a", "b", "pending", "denied"}) ask_for_certificate(stage, name, {"client auth"});
  ask_for_certificate(stage, "bad", {"server auth"});
  stage.settle();
  for (const char* name : {"a", "b", "bad"}) decide(stage, name, "Approved");
  decide(stage, "denied", "Denied");
  stage.settle();
}

// Whoever acts for the administrator may have any.
void certificate_approving(Stage& stage) {
  const std::string node = "O=system:nodes,CN=system:node:a";
  for (const char* name : {"a", "b"}) {
    stage.cluster.create(make_signing_request(name, controllers::kKubeletClientSigner, signing_request(node),
                                              {"digital signature", "client auth"}));
  }
  ask_for_certificate(stage, "other", {"client auth"});
  stage.settle();
  stage.cluster.create(make_signing_request("late", controllers::kKubeletClientSigner, signing_request(node),
                                            {"digital signature", "client auth"}));
  stage.settle();
}

void certificate_cleaner(Stage& stage) {
  for (const char* name : {"pending", "denied", "a", "b"}) ask_for_certificate(stage, name, {"client auth"});
  decide(stage, "denied", "Denied");
  stage.settle();
  stage.cluster.advance(23h);
  for (const char* name : {"a", "b"}) decide(stage, name, "Denied");
  stage.settle();
  // Each begins its hour when it begins.
  stage.cluster.advance(3h);
  ask_for_certificate(stage, "stays", {"client auth"});
  stage.settle();
}

controllers::Options few_ended_pods() {
  controllers::Options out;
  out.terminated_pod_gc_threshold = 2;
  return out;
}
controllers::Options unused_for_an_hour() {
  controllers::Options out;
  out.legacy_service_account_token_clean_up_period = 1h;
  return out;
}
controllers::Options authority() {
  controllers::Options out;
  out.root_ca = "the authority";
  return out;
}

constexpr Scenario kScenarios[] = {
    {"bootstrapsigner", "", [] { return loops("bootstrapsigner"); }, bootstrap_signer},
    {"csrapproving", "", [] { return loops("csrapproving").access().without_admission({"ServiceAccount"}); },
     certificate_approving},
    {"csrcleaner", "", [] { return loops("csrcleaner"); }, certificate_cleaner},
    {"csrsigning", "", [] { return loops("csrsigning"); }, certificate_signing},
    {"clusterrole-aggregation", "", [] { return loops("clusterrole-aggregation"); }, role_aggregation},
    {"disruption", "", [] { return loops("disruption,replicaset").nodes(1).scheduler(); }, disruption},
    {"garbagecollector", "", [] { return loops("garbagecollector"); }, garbage_collector},
    {"legacy-service-account-token-cleaner", "",
     [] {
       return loops("legacy-service-account-token-cleaner")
           .access()
           .without_admission({"ServiceAccount"})
           .options(unused_for_an_hour());
     },
     unused_tokens},
    {"namespace", "",
     [] {
       return loops("namespace,deployment,replicaset")
           .nodes(1)
           .scheduler()
           .access()
           .without_admission({"ServiceAccount", "TaintNodesByCondition"});
     },
     namespaces},
    {"nodeipam", "", [] { return loops("nodeipam").options(few_ranges()); }, node_ipam},
    {"nodelifecycle", "", [] { return loops("nodelifecycle").nodes(1); }, silent_node},
    {"persistentvolume-binder", "", [] { return loops("persistentvolume-binder"); }, bindings},
    {"persistentvolume-expander", "", [] { return loops("persistentvolume-expander,persistentvolume-binder"); }, expansions},
    {"podgc", "Ended", [] { return loops("podgc").options(few_ended_pods()); }, ended_pods},
    {"podgc", "Lost", [] { return loops("podgc"); }, lost_pods},
    {"pv-protection", "", [] { return loops("pv-protection"); }, volumes},
    {"pvc-protection", "", [] { return loops("pvc-protection"); }, claims},
    {"resourcequota", "", [] { return loops("resourcequota").access().without_admission({"ServiceAccount"}); }, resource_quota},
    {"root-ca-cert-publisher", "", [] { return loops("root-ca-cert-publisher").options(authority()); }, root_authorities},
    {"service-cidr-controller", "", [] { return loops("service-cidr-controller"); }, service_ranges},
    {"serviceaccount", "", [] { return loops("serviceaccount"); }, service_accounts},
    {"serviceaccount-token", "", [] { return loops("serviceaccount-token").options(authority()); }, token_secrets},
    {"taint-eviction-controller", "", [] { return loops("taint-eviction-controller").nodes(1); }, tainted_node},
    {"tokencleaner", "", [] { return loops("tokencleaner"); }, token_cleaner},
    {"ttl", "", [] { return loops("ttl"); }, ttl},
    {"volumeattributesclass-protection-controller", "", [] { return loops("volumeattributesclass-protection-controller"); },
     attributes_classes},
};

}  // namespace

std::span<const Scenario> cluster_scenarios() { return kScenarios; }

}  // namespace ph::sim::explore
