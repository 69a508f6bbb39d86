// DefaultBinder: writes the decision: POST pods/<name>/binding.
//
//   writes    core/v1 Binding    create, pinned to the pod's UID
//   upstream  pkg/scheduler/framework/plugins/defaultbinder
#include "base/assert.h"
#include "informers/client.h"
#include "scheduler/framework/plugin.h"

namespace ph::scheduler {
namespace {

class DefaultBinder final : public BindPlugin {
 public:
  explicit DefaultBinder(informers::Client* client) : client_(client) {}

  Task<Verdict> bind(CycleState& state, const Pod& pod, std::string node) override {
    PH_ASSERT(client_ != nullptr);
    core::v1::Binding binding;
    binding.mutable_metadata()->set_namespace_(pod.metadata().namespace_());
    binding.mutable_metadata()->set_name(pod.metadata().name());
    binding.mutable_metadata()->set_uid(pod.metadata().uid());
    binding.mutable_target()->set_kind("Node");
    binding.mutable_target()->set_name(node);
    co_await client_->post_subresource<Pod, core::v1::Binding, meta::v1::Status>(key_of(pod), "binding",
                                                                                 std::move(binding));
    co_return Verdict::fits();
  }

 private:
  informers::Client* client_;
};

}  // namespace

std::unique_ptr<Plugin> default_binder(const PluginArgs&, const PluginWorld& world) {
  return std::make_unique<DefaultBinder>(world.client);
}

}  // namespace ph::scheduler
