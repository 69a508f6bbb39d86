// VolumeBinder: writes what was decided about a pod's claims, and waits until whoever provisions and binds has done the rest.
//
//   writes    core/v1 PersistentVolume        update: claimRef
//             core/v1 PersistentVolumeClaim   update: the annotation selected-node
#pragma once

#include <memory>
#include <string>

#include "base/task.h"
#include "informers/client.h"
#include "scheduler/framework/handle.h"
#include "scheduler/plugins/volume_binding/claims_reader.h"

namespace ph::scheduler {

// What `reserve` has decided, until it is carried out or taken back.
struct VolumePlan {
  VolumeDecision decision;  // as it is to be written, and then as it was
  bool nothing_to_do() const { return decision.bindings.empty() && decision.provisions.empty(); }
};

class VolumeBinder {
 public:
  VolumeBinder(const PluginWorld& world, ClaimsReader& reader, Duration timeout);

  // Everything of the plan counts from now on.
  VolumePlan assume(const VolumeDecision& decision, std::string_view node);
  void take_back(const VolumePlan& plan);
  // Throws what writing throws; a verdict that is not success says why waiting was in vain.
  Task<Verdict> carry_out(VolumePlan& plan, const Pod& pod, std::string node);

 private:
  // Done, or not yet; throws std::runtime_error when it will never be.
  bool is_done(const VolumePlan& plan, const Pod& pod, const std::string& node) const;
  void check_binding(const VolumeDecision::Binding& binding, const core::v1::Node& node, bool& done) const;
  void check_provision(const core::v1::PersistentVolumeClaim& decided, const core::v1::Node& node, bool& done) const;

  informers::Client* client_;
  const Clock& clock_;
  ClaimsReader& reader_;
  Lister<core::v1::Node> nodes_;
  Handle* handle_;
  Duration timeout_;
};

}  // namespace ph::scheduler
