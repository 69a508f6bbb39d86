// MutatingAdmissionWebhook: programs of others change what is to be stored, one after the other. Upstream:
// apiserver/pkg/admission/plugin/webhook/mutating
#include <set>

#include "api/encoded.h"
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

  Soon<> admit_soon(AdmissionRequest& asked) override {
    if (!has_a_say()) return {};
    SentRequest& request = as_sent(asked);
    return RequestView(reader_, request).is_about_object() ? judge_part(request) : Soon<>();
  }

  bool has_a_say() override { return source_.present() != nullptr; }
  Soon<> judge_part(SentRequest& request) override {
    std::shared_ptr<const Hooks> hooks = source_.present();
    RequestView view(reader_, request);
    if (!hooks || !asker_.any_matched(*hooks, view)) return {};
    return ask_all(request, std::move(hooks));
  }

 private:
  Task<void> ask_all(SentRequest& request, std::shared_ptr<const Hooks> hooks) {
    RequestView view(reader_, request);
    if (!request.kept) request.kept = std::make_shared<FirstPass>();
    FirstPass& pass = *std::static_pointer_cast<FirstPass>(request.kept);
    if (request.again && request.object != nullptr && api::encode_stored(*request.object) != pass.left) pass.recall();
    for (const Hook& hook : *hooks) {
      const api::Resource* as = asker_.concerned(hook, view);
      // Who was not asked at first is not asked now.
      if (as == nullptr || (request.again && !pass.again.contains(hook.id))) continue;
      co_await ask_one(request, hook, *as, view, pass);
    }
    if (request.object != nullptr) pass.left = api::encode_stored(*request.object);
  }

  Task<void> ask_one(SentRequest& request, const Hook& hook, const api::Resource& as, RequestView& view, FirstPass& pass) {
    try {
      const Verdict verdict = co_await asker_.ask(hook, as, view, true);
      if (!verdict.patch.empty() && change(request, hook, as, view, verdict.patch)) pass.recall();
    } catch (const NotAsked& error) {
      Asker::judge(hook, error, request);
    }
    if (hook.reinvokable) pass.seen.insert(hook.id);
  }

  // Whether it makes a difference.
  static bool change(SentRequest& request, const Hook& hook, const api::Resource& as, RequestView& view,
                     const std::string& patch) {
    const nlohmann::json& document = view.object(as);
    Patched result = patched(hook.name, view.schema(as), document, patch);
    if (!result.object) return false;
    PH_ASSERT(request.object != nullptr);
    *request.object = request.versions ? request.versions->stored(std::move(result.object), as) : std::move(result.object);
    view.object_changed();
    request.changed_outside = true;
    return result.changed;
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
