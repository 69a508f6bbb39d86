// MutatingAdmissionWebhook: programs of others change what is to be stored, one after the other. Upstream:
// apiserver/pkg/admission/plugin/webhook/mutating
#include <set>

#include <fmt/format.h>

#include "api/encoded.h"
#include "apiserver/admission/awaited_versions.h"
#include "apiserver/admission/trace.h"
#include "apiserver/admission/webhook/annotations.h"
#include "apiserver/admission/webhook/asker.h"
#include "apiserver/admission/webhook/outcome.h"
#include "base/assert.h"

namespace ph::apiserver {
namespace {

using namespace webhook;

// What is known when all plugins admit the object again: who wants to see it once more, and which object they have left behind.
struct FirstPass {
  std::set<std::string> seen, again;
  std::string left;

  // Somebody has changed the object after them.
  void recall() { again.merge(seen); }
};

class MutatingWebhooks final : public AdmissionPlugin, public PartAdmission {
 public:
  explicit MutatingWebhooks(const AdmissionWorld& world) : reader_(world.reader), source_(world.reader), asker_(world) {}
  std::string_view name() const override { return "MutatingAdmissionWebhook"; }

  Soon<> admit_soon(AdmissionRequest& request) override {
    if (!has_a_say()) return {};
    return RequestView(reader_, request).is_about_object() ? judge_part(request) : Soon<>();
  }

  bool has_a_say() override { return source_.present() != nullptr; }
  Soon<> judge_part(AdmissionRequest& request) override {
    std::shared_ptr<const Hooks> hooks = source_.present();
    RequestView view(reader_, request);
    if (!hooks || !asker_.any_matched(*hooks, view)) return {};
    return ask_all(request, std::move(hooks));
  }

 private:
  Task<void> ask_all(AdmissionRequest& request, std::shared_ptr<const Hooks> hooks) {
    RequestView view(reader_, request);
    if (!request.kept) request.kept = std::make_shared<FirstPass>();
    FirstPass& pass = *std::static_pointer_cast<FirstPass>(request.kept);
    if (request.again && request.object != nullptr && api::encode_stored(*request.object) != pass.left) pass.recall();
    for (std::size_t i = 0; i < hooks->size(); ++i) {
      const Hook& hook = (*hooks)[i];
      if (const api::Resource* known_as = Asker::matched(hook, view)) co_await view.ready(*known_as);
      const api::Resource* as = asker_.concerned(hook, view);
      // Who was not asked at first is not asked now.
      if (as == nullptr || (request.again && !pass.again.contains(hook.id))) continue;
      co_await ask_one(request, hook, i, *as, view, pass);
    }
    if (request.object != nullptr) pass.left = api::encode_stored(*request.object);
  }

  Task<void> ask_one(AdmissionRequest& request, const Hook& hook, std::size_t index, const api::Resource& as, RequestView& view,
                     FirstPass& pass) {
    bool changed = false;
    try {
      const Verdict verdict = co_await asker_.ask(hook, as, view, true);
      changed = !verdict.patch.empty() && co_await change(request, hook, as, view, verdict.patch);
      if (changed) pass.recall();
      if (!verdict.patch.empty()) annotate_patch(request, hook, index, verdict.patch);
      if (request.trace && request.object)
        request.trace->note(fmt::format("{}: {}", name(), hook.id.substr(0, hook.id.rfind('/'))), *request.object);
    } catch (const NotAsked& error) {
      Asker::judge(hook, error, request);
      annotate_failure(request, hook, index, true);
    }
    annotate_mutation(request, hook, index, changed);
    if (hook.reinvokable) pass.seen.insert(hook.id);
  }

  // Whether it makes a difference.
  static Task<bool> change(AdmissionRequest& request, const Hook& hook, const api::Resource& as, RequestView& view,
                           const std::string& patch) {
    const nlohmann::json& document = view.object(as);
    Patched result = patched(hook.name, view.schema(as), document, patch);
    if (!result.object) co_return false;
    PH_ASSERT(request.object != nullptr);
    if (const auto* versions = awaited_versions(request)) co_await versions->before_stored(result.object, as);
    *request.object = request.versions ? request.versions->stored(std::move(result.object), as) : std::move(result.object);
    view.object_changed();
    request.changed_outside = true;
    co_return result.changed;
  }

  const ObjectReader& reader_;
  HookSource<admissionregistration::v1::MutatingWebhookConfiguration> source_;
  Asker asker_;
};

}  // namespace

namespace admission {

std::unique_ptr<AdmissionPlugin> mutating_admission_webhook(const AdmissionWorld& world) {
  return std::make_unique<MutatingWebhooks>(world);
}

}  // namespace admission
}  // namespace ph::apiserver
