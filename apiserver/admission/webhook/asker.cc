#include "apiserver/admission/webhook/asker.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/validation/quote.h"
#include "apiserver/admission/webhook/annotations.h"
#include "apiserver/admission/webhook/outcome.h"
#include "base/executor.h"

namespace ph::apiserver::webhook {
namespace {

using nlohmann::json;

api::ApiError out_of_time() { return api::timeout("request did not complete within requested timeout"); }

bool has_labels(const api::Object* object, const api::LabelSelector& selector) {
  return object != nullptr && *object && selector.matches_map(object->metadata().labels());
}

Duration time_left(const AdmissionRequest& request) {
  if (request.deadline == Steady::max()) return kWebhookTimeoutMax;
  return request.deadline - Executor::current()->clock().steady();
}

}  // namespace

Asker::Asker(const AdmissionWorld& world)
    : rng_(world.rng),
      namespaces_(world.reader),
      addresses_(world.reader, world.rng, world.webhooks_at_endpoints),
      caller_(world.webhooks) {}

const api::Resource* Asker::matched(const Hook& hook, RequestView& view) {
  if (any_matches(hook.rules, view.target(view.sent()))) return &view.sent();
  if (!hook.equivalent) return nullptr;
  const std::vector<const api::Resource*>& others = view.equivalents();
  // Earlier rules before later ones.
  for (const auto& rule : hook.rules) {
    for (const api::Resource* other : others) {
      if (matches(rule, view.target(*other))) return other;
    }
  }
  return nullptr;
}

bool Asker::any_matched(const Hooks& hooks, RequestView& view) {
  if (is_exempt(view.request().resource->kind)) return false;
  return std::ranges::any_of(hooks, [&](const Hook& hook) { return matched(hook, view) != nullptr; });
}

const api::Resource* Asker::concerned(const Hook& hook, RequestView& view) {
  const api::Resource* as = matched(hook, view);
  if (as == nullptr || !in_namespaces(hook, view)) return nullptr;
  if (!hook.objects.error.empty()) throw api::internal(hook.objects.error);
  const AdmissionRequest& request = view.request();
  const api::LabelSelector& selector = hook.objects.selector;
  if (!selector.empty() && !has_labels(request.object, selector) && !has_labels(request.old_object, selector)) return nullptr;
  return conditions_hold(hook, *as, view) ? as : nullptr;
}

// A namespace that is made or changed has the labels it is to have. What is in none is never left out.
bool Asker::in_namespaces(const Hook& hook, const RequestView& view) {
  const AdmissionRequest& request = view.request();
  const bool is_namespace = is_of(request, "", "namespaces");
  if (view.namespace_name().empty() && !is_namespace) return true;
  if (!hook.namespaces.error.empty()) throw api::internal(hook.namespaces.error);
  const api::LabelSelector& selector = hook.namespaces.selector;
  if (selector.empty()) return true;
  if (is_namespace && request.subresource.empty() && request.object != nullptr) return has_labels(request.object, selector);
  const auto found = namespaces_.find({{}, view.namespace_name()});
  if (!found) throw api::not_found("namespaces", view.namespace_name());
  return selector.matches_map(found->metadata().labels());
}

bool Asker::conditions_hold(const Hook& hook, const api::Resource& as, RequestView& view) const {
  if (hook.conditions.empty()) return true;
  const api::cel::Variables variables{{"object", value_of(view.object(as))},
                                      {"oldObject", value_of(view.old_object(as))},
                                      {"request", value_of(view.attributes(as))}};
  const Judgement judgement = webhook::judge(hook.conditions, variables);
  if (judgement.error.empty()) return judgement.holds;
  if (hook.may_fail) return false;
  const AdmissionRequest& request = view.request();
  throw api::forbidden(resource_name(*request.resource), request.key.name, judgement.error);
}

Task<Verdict> Asker::ask(const Hook& hook, const api::Resource& as, RequestView& view, bool mutating) {
  const AdmissionRequest& request = view.request();
  const auto not_asked = [&](std::string_view why) {
    return NotAsked(fmt::format("failed calling webhook {}: {}", api::quote(hook.name), why));
  };
  if (request.dry_run && !hook.dry_run) throw no_dry_run(hook.name);
  const Duration limit = std::min(hook.timeout, time_left(request));
  if (limit <= Duration::zero()) throw out_of_time();
  if (hook.review_version.empty()) {
    throw not_asked("could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)");
  }
  const std::string uid = rng_.uuid();
  json question = view.attributes(as);
  question["uid"] = uid;
  question["object"] = view.object(as);
  question["oldObject"] = view.old_object(as);
  try {
    const std::string text = co_await caller_.post(addresses_.find(hook.client), place_of(hook.client),
                                                   review_text(hook.review_version, std::move(question)), limit);
    Verdict verdict = read_review(text, hook.review_version, uid, mutating);
    if (request.warnings != nullptr) std::ranges::copy(verdict.warnings, std::back_inserter(*request.warnings));
    annotate(request, hook, verdict.audit_annotations);
    if (!verdict.allowed) throw denied(hook.name, std::move(verdict.status));
    co_return verdict;
  } catch (const NoAddress& error) {
    throw not_asked(
        fmt::format("failed to call webhook: Post {}: {}", api::quote(url_of(place_of(hook.client), limit)), error.what()));
  } catch (const FailedCall& error) {
    throw not_asked(fmt::format("failed to call webhook: {}", error.what()));
  } catch (const BadAnswer& error) {
    throw not_asked(error.what());
  }
}

void Asker::judge(const Hook& hook, const NotAsked& error, const AdmissionRequest& request) {
  if (!hook.may_fail) throw api::internal(error.what());
  if (time_left(request) <= Duration::zero()) throw out_of_time();
}

}  // namespace ph::apiserver::webhook
