#include "apiserver/admission/webhook/hooks.h"

#include <algorithm>

#include "api/codec.h"
#include "apiserver/cache/cache.h"
#include "base/assert.h"

namespace ph::apiserver::webhook {
namespace {

using namespace admissionregistration::v1;

Selector selector_of(const meta::v1::LabelSelector& selector) {
  try {
    return {.selector = api::LabelSelector::from(selector), .error = {}};
  } catch (const api::DecodeError& error) {
    return {.selector = {}, .error = error.what()};
  }
}

// The first of those it knows that is spoken here.
std::string review_version(const google::protobuf::RepeatedPtrField<std::string>& versions) {
  const auto found = std::ranges::find_if(versions, [](const std::string& one) { return one == "v1" || one == "v1beta1"; });
  return found == versions.end() ? std::string() : *found;
}

template <class Webhook>
Hook compiled_as(const std::string& configuration, const Webhook& webhook) {
  Hook out;
  out.name = webhook.name();
  // Names are unique in a configuration.
  out.id = configuration + "/" + webhook.name() + "/0";
  out.rules = webhook.rules();
  out.equivalent = webhook.match_policy() != "Exact";
  out.namespaces = selector_of(webhook.namespace_selector());
  out.objects = selector_of(webhook.object_selector());
  out.conditions = compile(webhook.match_conditions());
  out.may_fail = webhook.failure_policy() == "Ignore";
  out.dry_run = webhook.side_effects() == "None" || webhook.side_effects() == "NoneOnDryRun";
  out.timeout = std::chrono::seconds(webhook.has_timeout_seconds() ? webhook.timeout_seconds() : 10);
  out.review_version = review_version(webhook.admission_review_versions());
  out.client = webhook.client_config();
  return out;
}

WatchCache& cache_of(ObjectReader& reader, const api::Schema& schema) {
  WatchCache* cache = reader.cache(*reader.resource(schema));
  PH_ASSERT(cache != nullptr);
  return *cache;
}

}  // namespace

Hook compiled(const std::string& configuration, const MutatingWebhook& webhook) {
  Hook out = compiled_as(configuration, webhook);
  out.reinvokable = webhook.reinvocation_policy() == "IfNeeded";
  return out;
}

Hook compiled(const std::string& configuration, const ValidatingWebhook& webhook) { return compiled_as(configuration, webhook); }

template <class Configuration>
HookSource<Configuration>::HookSource(ObjectReader& reader) : cache_(cache_of(reader, api::schema_of<Configuration>())) {}

template <class Configuration>
std::shared_ptr<const Hooks> HookSource<Configuration>::present() {
  const std::uint64_t version = cache_.version();
  if (version_ == version) return hooks_;
  auto hooks = std::make_shared<Hooks>();
  // Ordered by name.
  const Snapshot snapshot = cache_.snapshot();
  for (const EntryRef& entry : *snapshot.entries) {
    Configuration configuration;
    api::decode_envelope(*entry->protobuf, configuration);
    for (const auto& webhook : configuration.webhooks()) hooks->push_back(compiled(configuration.metadata().name(), webhook));
  }
  hooks_ = hooks->empty() ? nullptr : std::move(hooks);
  version_ = version;
  return hooks_;
}

template class HookSource<MutatingWebhookConfiguration>;
template class HookSource<ValidatingWebhookConfiguration>;

}  // namespace ph::apiserver::webhook
