// What autoscalers may name: any kind that discovery knows, by its scale.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "autoscaling/v1.pb.h"
#include "controllers/runtime/loop.h"
#include "informers/discovery.h"

namespace ph::controllers::horizontal_pod_autoscaler {

// A resource that is served, in the version its group prefers.
struct Target {
  std::string group, version, plural;
  bool namespaced = true;
};

// Belongs to its loop. The client outlives it.
class Targets {
 public:
  Targets(Client& client, const Clock& clock) : client_(client), clock_(clock), discoverer_(client) {}

  // Or why there is none, in upstream's words. Throws TransportError.
  Task<std::expected<Target, std::string>> find(std::string group, std::string kind);

  Task<std::expected<autoscaling::v1::Scale, std::string>> scale(Target target, std::string namespace_name, std::string name);
  // Empty: done; else why not.
  Task<std::string> set_scale(Target target, autoscaling::v1::Scale scale);

 private:
  // What discovery says, at most half a minute old. What is missing in it is looked for anew.
  Task<void> look(bool anew);
  const informers::Discovery::Offer* offer_of(std::string_view group, std::string_view kind) const;

  Client& client_;
  const Clock& clock_;
  informers::Discoverer discoverer_;
  std::shared_ptr<const informers::Discovery> known_;
  Steady looked_{};
};

}  // namespace ph::controllers::horizontal_pod_autoscaler
