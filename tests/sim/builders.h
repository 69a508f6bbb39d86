// The smallest valid objects, so that a test shows only what matters. Each converts to the message it builds.
#pragma once

#include <string>

#include "api/object.h"
#include "api/times.h"
#include "apps/v1.pb.h"
#include "batch/v1.pb.h"
#include "core/v1.pb.h"

namespace ph::sim {

// Deployments and replica sets: `app: <name>` selects, one container `c` of image `img:1`.
template <class T>
class WorkloadBuilder {
 public:
  explicit WorkloadBuilder(const std::string& key) {
    const ObjectKey parsed = ObjectKey::parse(key);
    object_.mutable_metadata()->set_namespace_(parsed.namespace_name);
    object_.mutable_metadata()->set_name(parsed.name);
    auto& spec = *object_.mutable_spec();
    spec.set_replicas(1);
    (*spec.mutable_selector()->mutable_match_labels())["app"] = parsed.name;
    (*spec.mutable_template_()->mutable_metadata()->mutable_labels())["app"] = parsed.name;
    auto* container = spec.mutable_template_()->mutable_spec()->add_containers();
    container->set_name("c");
    container->set_image("img:1");
  }
  WorkloadBuilder& replicas(int count) { return object_.mutable_spec()->set_replicas(count), *this; }
  WorkloadBuilder& image(std::string image) {
    return object_.mutable_spec()->mutable_template_()->mutable_spec()->mutable_containers(0)->set_image(std::move(image)), *this;
  }
  WorkloadBuilder& command(std::vector<std::string> words) {
    auto* container = object_.mutable_spec()->mutable_template_()->mutable_spec()->mutable_containers(0);
    container->clear_command();
    for (std::string& word : words) container->add_command(std::move(word));
    return *this;
  }
  WorkloadBuilder& rolling(const std::string& max_surge, const std::string& max_unavailable) {
    auto* rolling = object_.mutable_spec()->mutable_strategy()->mutable_rolling_update();
    object_.mutable_spec()->mutable_strategy()->set_type("RollingUpdate");
    set(rolling->mutable_max_surge(), max_surge);
    set(rolling->mutable_max_unavailable(), max_unavailable);
    return *this;
  }
  operator T() const { return object_; }
  T object() const { return object_; }

 private:
  static void set(meta::v1::IntOrString* out, const std::string& text) {
    const bool percent = text.ends_with('%');
    out->set_type(percent ? 1 : 0);
    if (percent) out->set_str_val(text);
    else out->set_int_val(std::stoi(text));
  }
  T object_;
};

inline WorkloadBuilder<apps::v1::Deployment> make_deployment(const std::string& key) {
  return WorkloadBuilder<apps::v1::Deployment>(key);
}
inline WorkloadBuilder<apps::v1::ReplicaSet> make_replica_set(const std::string& key) {
  return WorkloadBuilder<apps::v1::ReplicaSet>(key);
}

inline core::v1::Pod make_pod(const std::string& key, const std::string& node = {}) {
  core::v1::Pod pod;
  const ObjectKey parsed = ObjectKey::parse(key);
  pod.mutable_metadata()->set_namespace_(parsed.namespace_name);
  pod.mutable_metadata()->set_name(parsed.name);
  pod.mutable_spec()->set_node_name(node);
  auto* container = pod.mutable_spec()->add_containers();
  container->set_name("c");
  container->set_image("img:1");
  return pod;
}

// The template's label is `app: <name>`; the server makes the selector of it.
inline core::v1::ReplicationController make_replication_controller(const std::string& key, int replicas) {
  const apps::v1::ReplicaSet set = make_replica_set(key);
  core::v1::ReplicationController controller;
  *controller.mutable_metadata() = set.metadata();
  controller.mutable_spec()->set_replicas(replicas);
  *controller.mutable_spec()->mutable_template_() = set.spec().template_();
  return controller;
}

// Selects `app: <name>`, like the workloads above; rolls by the server's defaults.
inline apps::v1::DaemonSet make_daemon_set(const std::string& key) {
  const apps::v1::ReplicaSet set = make_replica_set(key);
  apps::v1::DaemonSet out;
  *out.mutable_metadata() = set.metadata();
  *out.mutable_spec()->mutable_selector() = set.spec().selector();
  *out.mutable_spec()->mutable_template_() = set.spec().template_();
  return out;
}

// A job's end as the API takes it: another condition announces it, and it has times.
inline void end_job(batch::v1::Job& job, const std::string& condition, Time at) {
  auto& status = *job.mutable_status();
  const auto add = [&](const std::string& type) {
    auto& added = *status.add_conditions();
    added.set_type(type);
    added.set_status("True");
    api::set_time(added.mutable_last_transition_time(), at);
  };
  const bool complete = condition == "Complete";
  add(complete ? "SuccessCriteriaMet" : "FailureTarget");
  if (!status.has_start_time()) api::set_time(status.mutable_start_time(), at);
  if (complete) *status.mutable_completion_time() = status.start_time();
  add(condition);
}

// One pod of one container; its status is as told, which a server takes by update_status only.
class JobBuilder {
 public:
  explicit JobBuilder(const std::string& key) {
    const ObjectKey parsed = ObjectKey::parse(key);
    job_.mutable_metadata()->set_namespace_(parsed.namespace_name);
    job_.mutable_metadata()->set_name(parsed.name);
    auto& pod = *job_.mutable_spec()->mutable_template_()->mutable_spec();
    pod.set_restart_policy("Never");
    pod.add_containers()->set_name("c");
    pod.mutable_containers(0)->set_image("img:1");
  }
  JobBuilder& ttl(int seconds) { return job_.mutable_spec()->set_ttl_seconds_after_finished(seconds), *this; }
  // A condition that is True since `at`.
  JobBuilder& ended(const std::string& condition, Time at) {
    auto& added = *job_.mutable_status()->add_conditions();
    added.set_type(condition);
    added.set_status("True");
    api::set_time(added.mutable_last_transition_time(), at);
    return *this;
  }
  JobBuilder& deleting() { return api::set_time(job_.mutable_metadata()->mutable_deletion_timestamp(), Time(1s)), *this; }
  operator batch::v1::Job() const { return job_; }
  batch::v1::Job object() const { return job_; }

 private:
  batch::v1::Job job_;
};
inline JobBuilder make_job(const std::string& key = "default/job") { return JobBuilder(key); }

inline core::v1::Namespace make_namespace(const std::string& name) {
  core::v1::Namespace space;
  space.mutable_metadata()->set_name(name);
  return space;
}

// Selects `app: <name>`; port 80.
inline core::v1::Service make_service(const std::string& key) {
  core::v1::Service service;
  const ObjectKey parsed = ObjectKey::parse(key);
  service.mutable_metadata()->set_namespace_(parsed.namespace_name);
  service.mutable_metadata()->set_name(parsed.name);
  (*service.mutable_spec()->mutable_selector())["app"] = parsed.name;
  service.mutable_spec()->add_ports()->set_port(80);
  return service;
}

inline core::v1::ConfigMap make_config_map(const std::string& key) {
  core::v1::ConfigMap map;
  const ObjectKey parsed = ObjectKey::parse(key);
  map.mutable_metadata()->set_namespace_(parsed.namespace_name);
  map.mutable_metadata()->set_name(parsed.name);
  return map;
}

}  // namespace ph::sim
