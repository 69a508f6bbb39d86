// Plays scheduler and kubelets for pods: by chance while the workload runs, to a good end afterwards.
#pragma once

#include "tests/sim/swarm/shadow.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {

class Kubelet {
 public:
  // A gentle one only ever makes pods ready, and ends those that are being deleted.
  void enter(Cluster& cluster, Draw& draw, const Shadow<core::v1::Pod>& pods, bool gentle) {
    cluster_ = &cluster, draw_ = &draw, pods_ = &pods, gentle_ = gentle;
  }
  // Something happens to one pod.
  void step();
  // All pods that are being deleted are gone, all others that have not finished run and are ready.
  void settle();

 private:
  using Pod = core::v1::Pod;
  void bind(const Pod& pod);
  void set(const Pod& pod, const char* phase, bool ready);
  void end(const Pod& pod);
  void progress(const Pod& pod);

  Cluster* cluster_ = nullptr;
  Draw* draw_ = nullptr;
  const Shadow<Pod>* pods_ = nullptr;
  bool gentle_ = false;
  int addresses_ = 0;
};

bool is_ready(const core::v1::Pod& pod);
// Neither finished nor on its way out.
bool is_active(const core::v1::Pod& pod);
// The node it is on, or asks for by name; empty: any would do.
std::string node_of(const core::v1::Pod& pod);
// The UID of the controller; empty: none.
std::string controller_of(const meta::v1::ObjectMeta& metadata);

}  // namespace ph::sim::swarm
