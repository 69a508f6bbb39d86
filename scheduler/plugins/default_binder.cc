// DefaultBinder: writes the decision: POST pods/<name>/binding.
//
//   reads     core/v1 Pod        live, when nobody knows whether the binding was written
//   writes    core/v1 Binding    create, pinned to the pod's UID
//   upstream  pkg/scheduler/framework/plugins/defaultbinder
#include "api/errors.h"
#include "base/assert.h"
#include "base/sync.h"
#include "informers/client.h"
#include "scheduler/framework/plugin.h"

namespace ph::scheduler {
namespace {

class DefaultBinder final : public BindPlugin {
 public:
  explicit DefaultBinder(informers::Client* client) : client_(client) {}

  bool class_key(const Pod& pod, const PodInfo& info, ClassKey& key) const override { return true; }
  Outdated outdated_by(const StateChange& change, const Pod& of) const override { return {Outdated::Nothing}; }

  Task<Verdict> bind(CycleState& state, const Pod& pod, std::string node) override {
    PH_ASSERT(client_ != nullptr);
    core::v1::Binding binding;
    binding.mutable_metadata()->set_namespace_(pod.metadata().namespace_());
    binding.mutable_metadata()->set_name(pod.metadata().name());
    binding.mutable_metadata()->set_uid(pod.metadata().uid());
    binding.mutable_target()->set_kind("Node");
    binding.mutable_target()->set_name(node);
    std::string unknown;
    try {
      co_await client_->post_subresource<Pod, core::v1::Binding, meta::v1::Status>(key_of(pod), "binding", std::move(binding));
      co_return Verdict::fits();
    } catch (const TransportError& error) {
      unknown = error.what();
    } catch (const api::ApiError& error) {
      if (error.code() < 500) throw;
      unknown = error.what();
    }
    // The pod may be bound: until that is known its room on the node must not be given to another one.
    const bool bound = co_await is_bound(key_of(pod), pod.metadata().uid(), std::move(node));
    co_return bound ? Verdict::fits() : Verdict::error(std::move(unknown));
  }

 private:
  Task<bool> is_bound(ObjectKey key, std::string uid, std::string node) {
    for (Duration pause = kAskFirst;; pause = std::min(2 * pause, kAskLast)) {
      try {
        const std::optional<Pod> live = co_await client_->find<Pod>(key);
        co_return live && live->metadata().uid() == uid && live->spec().node_name() == node;
      } catch (const TransportError&) {
      } catch (const api::ApiError& error) {
        if (error.code() < 500 && error.code() != 429) throw;
      }
      co_await sleep_for(pause);
    }
  }

  static constexpr Duration kAskFirst = 100ms, kAskLast = 10s;
  informers::Client* client_;
};

}  // namespace

std::unique_ptr<Plugin> default_binder(const PluginArgs&, const PluginWorld& world) {
  return std::make_unique<DefaultBinder>(world.client);
}

}  // namespace ph::scheduler
