// networking.k8s.io/v1 IngressClass and NetworkPolicy.
#include "api/defaults/defaults.h"

namespace ph::api {

using namespace networking::v1;

namespace {

template <class Rules>
void set_protocols(Rules& rules) {
  for (auto& rule : rules) {
    for (NetworkPolicyPort& port : *rule.mutable_ports()) {
      if (!port.has_protocol()) port.set_protocol("TCP");
    }
  }
}

}  // namespace

void set_defaults(IngressClass& object) {
  if (!object.spec().has_parameters() || object.spec().parameters().has_scope()) return;
  object.mutable_spec()->mutable_parameters()->set_scope("Cluster");
}

void set_defaults(NetworkPolicy& object) {
  NetworkPolicySpec& spec = *object.mutable_spec();
  set_protocols(*spec.mutable_ingress());
  set_protocols(*spec.mutable_egress());
  // A policy is about what comes in, and about what goes out if it has rules for that.
  if (!spec.policy_types().empty()) return;
  spec.add_policy_types("Ingress");
  if (!spec.egress().empty()) spec.add_policy_types("Egress");
}

}  // namespace ph::api
