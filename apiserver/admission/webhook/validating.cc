// ValidatingAdmissionWebhook: programs of others judge what is to be stored, all at once. Upstream:
// apiserver/pkg/admission/plugin/webhook/validating
#include "apiserver/admission/webhook/annotations.h"
#include "apiserver/admission/webhook/asker.h"
#include "base/sync.h"

namespace ph::apiserver {
namespace {

using namespace webhook;

class ValidatingWebhooks final : public AdmissionPlugin, public PartAdmission {
 public:
  explicit ValidatingWebhooks(const AdmissionWorld& world) : reader_(world.reader), source_(world.reader), asker_(world) {}
  std::string_view name() const override { return "ValidatingAdmissionWebhook"; }

  Soon<> validate_soon(const AdmissionRequest& request) override {
    if (!has_a_say()) return {};
    return RequestView(reader_, request).is_about_object() ? judge(request) : Soon<>();
  }

  bool has_a_say() override { return source_.present() != nullptr; }
  Soon<> judge_part(AdmissionRequest& request) override { return judge(request); }

 private:
  Soon<> judge(const AdmissionRequest& request) {
    std::shared_ptr<const Hooks> hooks = source_.present();
    RequestView view(reader_, request);
    if (!hooks || !asker_.any_matched(*hooks, view)) return {};
    return ask_all(request, std::move(hooks));
  }

  // The first refusal to come is the answer; all are waited for, so that none of them is cut off.
  Task<void> ask_all(const AdmissionRequest& request, std::shared_ptr<const Hooks> hooks) {
    RequestView view(reader_, request);
    std::exception_ptr first;
    std::vector<Task<void>> questions;
    for (std::size_t i = 0; i < hooks->size(); ++i) {
      const Hook& hook = (*hooks)[i];
      if (const api::Resource* known_as = Asker::matched(hook, view)) co_await view.ready(*known_as);
      if (const api::Resource* as = asker_.concerned(hook, view)) questions.push_back(ask_one(hook, i, *as, view, first));
    }
    co_await all(std::move(questions));
    if (first) std::rethrow_exception(first);
  }

  Task<void> ask_one(const Hook& hook, std::size_t index, const api::Resource& as, RequestView& view, std::exception_ptr& first) {
    try {
      try {
        (void)co_await asker_.ask(hook, as, view, false);
      } catch (const NotAsked& error) {
        Asker::judge(hook, error, view.request());
        annotate_failure(view.request(), hook, index, false);
      }
    } catch (...) {  // whatever it is, nothing passes by it
      if (!first) first = std::current_exception();
    }
  }

  const ObjectReader& reader_;
  HookSource<admissionregistration::v1::ValidatingWebhookConfiguration> source_;
  Asker asker_;
};

}  // namespace

namespace admission {

std::unique_ptr<AdmissionPlugin> validating_admission_webhook(const AdmissionWorld& world) {
  return std::make_unique<ValidatingWebhooks>(world);
}

}  // namespace admission
}  // namespace ph::apiserver
