// What owns pods, and what owns that.
#include "tests/sim/builders.h"
#include "tests/sim/explore/stage.h"
#include "tests/sim/stateful_set.h"

namespace ph::sim::explore {
namespace {

using apps::v1::DaemonSet, apps::v1::Deployment, apps::v1::ReplicaSet, apps::v1::StatefulSet;
using batch::v1::CronJob, batch::v1::Job;
using core::v1::Pod, core::v1::ReplicationController;

// Something happens before the last step has come to its end.
constexpr Duration kSoon = 1s;

void remove_a_pod(Stage& stage) {
  stage.cluster.remove<Pod>("default/" + stage.cluster.list<Pod>("default").front().metadata().name());
}

template <class T>
void set_image(Stage& stage, const std::string& key, const std::string& image) {
  stage.cluster.edit<T>(key, [&](T& object) {
    object.mutable_spec()->mutable_template_()->mutable_spec()->mutable_containers(0)->set_image(image);
  });
}

template <class T>
void scale_about(Stage& stage) {
  stage.settle();
  remove_a_pod(stage);
  stage.cluster.advance(kSoon);
  stage.cluster.scale<T>("default/web", 6);
  stage.settle();
  stage.cluster.scale<T>("default/web", 1);
  stage.cluster.advance(kSoon);
  stage.cluster.scale<T>("default/web", 2);
  stage.settle();
}

void replica_set(Stage& stage) {
  stage.cluster.create(make_replica_set("default/web").replicas(3).object());
  scale_about<ReplicaSet>(stage);
}
void replication_controller(Stage& stage) {
  stage.cluster.create(make_replication_controller("default/web", 3));
  scale_about<ReplicationController>(stage);
}

void deployment(Stage& stage) {
  stage.cluster.create(make_deployment("default/web").replicas(3).rolling("1", "1").object());
  stage.settle();
  set_image<Deployment>(stage, "default/web", "img:2");
  stage.settle();
  stage.cluster.scale<Deployment>("default/web", 4);
  stage.settle();
  set_image<Deployment>(stage, "default/web", "img:1");
  stage.settle();
}

void stateful_set(Stage& stage) {
  stage.cluster.create(make_stateful_set("default/web").replicas(3).object());
  stage.settle();
  set_image<StatefulSet>(stage, "default/web", "img:2");
  stage.settle();
  remove_a_pod(stage);
  stage.settle();
  stage.cluster.scale<StatefulSet>("default/web", 1);
  stage.settle();
}

// Nobody runs these pods: what is left to see is what becomes of their claims.
void claims_of_stateful_set(Stage& stage) {
  stage.cluster.create(make_stateful_set("default/web").parallel().replicas(3).claims("Delete", "Delete").object());
  stage.settle(7min);
  stage.cluster.scale<StatefulSet>("default/web", 1);
  stage.settle(7min);
  stage.cluster.edit<StatefulSet>("default/web", [](StatefulSet& set) {
    set.mutable_spec()->mutable_persistent_volume_claim_retention_policy()->set_when_deleted("Retain");
  });
  stage.settle(7min);
  stage.cluster.remove<StatefulSet>("default/web", informers::DeleteOptions::background());
  stage.settle(7min);
}

void daemon_set(Stage& stage) {
  stage.cluster.create(make_daemon_set("default/web"));
  stage.settle();
  set_image<DaemonSet>(stage, "default/web", "img:2");
  stage.settle();
  remove_a_pod(stage);
  stage.settle();
  const auto choose = [&](const char* zone) {
    stage.cluster.edit<DaemonSet>("default/web", [&](DaemonSet& set) {
      (*set.mutable_spec()->mutable_template_()->mutable_spec()->mutable_node_selector())["zone"] = zone;
    });
  };
  choose("nowhere");
  stage.settle();
  stage.cluster.edit<core::v1::Node>("node-1",
                                     [](core::v1::Node& node) { (*node.mutable_metadata()->mutable_labels())["zone"] = "a"; });
  choose("a");
  stage.settle();
}

Job job_of(const std::string& key, std::vector<std::string> words) {
  Job out = make_job(key).object();
  auto& container = *out.mutable_spec()->mutable_template_()->mutable_spec()->mutable_containers(0);
  for (std::string& word : words) container.add_command(std::move(word));
  return out;
}

void job(Stage& stage) {
  Job many = job_of("default/many", {"true"});
  many.mutable_spec()->set_parallelism(2);
  many.mutable_spec()->set_completions(4);
  stage.cluster.create(many);
  stage.settle();
  Job indexed = job_of("default/indexed", {"true"});
  indexed.mutable_spec()->set_completion_mode("Indexed");
  indexed.mutable_spec()->set_parallelism(3);
  indexed.mutable_spec()->set_completions(3);
  stage.cluster.create(indexed);
  stage.settle();
  Job failing = job_of("default/failing", {"false"});
  failing.mutable_spec()->set_backoff_limit(1);
  stage.cluster.create(failing);
  stage.settle();
}

// Of pods that run until they are killed: whether they have been seen to be deleted before they have been seen to end, they have failed.
void suspended_job(Stage& stage) {
  Job server = job_of("default/server", {"sleep", "1000000"});
  server.mutable_spec()->set_parallelism(2);
  stage.cluster.create(server);
  stage.settle();
  const auto suspend = [&](bool yes) {
    stage.cluster.edit<Job>("default/server", [&](Job& each) { each.mutable_spec()->set_suspend(yes); });
  };
  suspend(true);
  stage.settle();
  suspend(false);
  stage.settle();
  remove_a_pod(stage);
  stage.settle();
}

void cron_job(Stage& stage) {
  const Time hour = std::chrono::ceil<std::chrono::hours>(stage.cluster.now() + 1min);
  stage.cluster.jump_clock(hour - 30s - stage.cluster.now());
  CronJob cron;
  cron.mutable_metadata()->set_namespace_("default");
  cron.mutable_metadata()->set_name("cron");
  auto& spec = *cron.mutable_spec();
  spec.set_schedule("*/10 * * * *");
  spec.set_successful_jobs_history_limit(1);
  *spec.mutable_job_template()->mutable_spec() = job_of("default/job", {"true"}).spec();
  stage.cluster.create(cron);
  stage.cluster.advance(25min);
  stage.cluster.edit<CronJob>("default/cron", [](CronJob& each) { each.mutable_spec()->set_suspend(true); });
  stage.settle();
}

void ttl_after_finished(Stage& stage) {
  const auto finish = [&](Job job) {
    stage.cluster.create(job);
    end_job(job, "Complete", stage.cluster.now());
    stage.cluster.update_status<Job>(job);
  };
  finish(make_job("default/soon").ttl(20).object());
  finish(make_job("default/at-once").ttl(0).object());
  finish(make_job("default/never").object());
  stage.settle();
  stage.cluster.edit<Job>("default/never", [](Job& each) { each.mutable_spec()->set_ttl_seconds_after_finished(10); });
  stage.settle();
}

void horizontal_pod_autoscaler(Stage& stage) {
  stage.metrics.serve(stage.cluster);
  stage.cluster.create(make_deployment("default/web").replicas(2).object());
  autoscaling::v2::HorizontalPodAutoscaler scaler;
  scaler.mutable_metadata()->set_namespace_("default");
  scaler.mutable_metadata()->set_name("scaler");
  auto& spec = *scaler.mutable_spec();
  spec.mutable_scale_target_ref()->set_api_version("apps/v1");
  spec.mutable_scale_target_ref()->set_kind("Deployment");
  spec.mutable_scale_target_ref()->set_name("web");
  spec.set_max_replicas(8);
  auto& metric = *spec.add_metrics();
  metric.set_type("External");
  metric.mutable_external()->mutable_metric()->set_name("queue");
  metric.mutable_external()->mutable_target()->set_type("AverageValue");
  metric.mutable_external()->mutable_target()->mutable_average_value()->set_string("10");
  stage.metrics.external["queue"] = 60'000;
  stage.cluster.create(scaler);
  stage.settle(7min);
  stage.metrics.external["queue"] = 200'000;
  stage.settle(7min);
  stage.metrics.external["queue"] = 10'000;
  stage.settle(7min);
}

constexpr Scenario kScenarios[] = {
    {"cronjob", "", [] { return loops("cronjob,job,garbagecollector").nodes(1).scheduler(); }, cron_job},
    {"daemonset", "", [] { return loops("daemonset").nodes(2).scheduler(); }, daemon_set},
    {"deployment", "", [] { return loops("deployment,replicaset").nodes(1).scheduler(); }, deployment},
    {"horizontalpodautoscaling", "", [] { return loops("horizontalpodautoscaling,deployment,replicaset").nodes(1).scheduler(); },
     horizontal_pod_autoscaler},
    {"job", "", [] { return loops("job").nodes(1).scheduler(); }, job},
    {"job", "Suspended", [] { return loops("job").nodes(1).scheduler(); }, suspended_job},
    {"replicaset", "", [] { return loops("replicaset").nodes(1).scheduler(); }, replica_set},
    {"replicationcontroller", "", [] { return loops("replicationcontroller").nodes(1).scheduler(); }, replication_controller},
    // Which template a missing pod gets goes by the status's currentReplicas, which is written after an outdated pod was deleted. Who
    // begins in between, and finds that pod gone, makes it anew of the old template, and has to replace it once more.
    {"statefulset", "", [] { return loops("statefulset").nodes(1).scheduler(); }, stateful_set, "Pod"},
    {"statefulset", "Claims", [] { return loops("statefulset,garbagecollector"); }, claims_of_stateful_set},
    {"ttl-after-finished", "", [] { return loops("ttl-after-finished,garbagecollector"); }, ttl_after_finished},
};

}  // namespace

std::span<const Scenario> workload_scenarios() { return kScenarios; }

}  // namespace ph::sim::explore
