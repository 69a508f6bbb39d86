#include "apiserver/extensions/conversion_webhook.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/encoded.h"
#include "api/errors.h"
#include "api/structural/objects.h"
#include "api/validation/quote.h"
#include "apiserver/admission/webhook/caller.h"
#include "apiserver/extensions/conversion_review.h"
#include "apiserver/rest/aside.h"
#include "base/metrics.h"

namespace ph::apiserver {
namespace {

using admissionregistration::v1::WebhookClientConfig;
using apiextensions::v1::CustomResourceDefinition;
using apiextensions::v1::CustomResourceDefinitionVersion;

// So many objects may be much to write and to read.
constexpr std::size_t kManyObjects = 8;

struct Families {
  Metrics* in = nullptr;
  // clang-format off
  Family<Counter> requests{in, {Stability::Alpha, "apiserver_conversion_webhook_request_total",
      "Questions to conversion webhooks, by what became of them.", {"failure_type", "result"}}};
  Family<Histogram> latency{in, {Stability::Alpha, "apiserver_conversion_webhook_duration_seconds",
      "How long conversion webhooks took to answer.", {"failure_type", "result"},
      {0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 45, 60}}};
  Family<Histogram> by_kind{in, {Stability::Alpha, "apiserver_crd_conversion_webhook_duration_seconds",
      "How long conversions by webhooks took, by definition and versions.",
      {"crd_name", "from_version", "succeeded", "to_version"}, exponential_buckets(0.001, 2, 15)}};
  // clang-format on
};

// What all converters of a server share.
struct Shared {
  explicit Shared(Core& core)
      : core(core),
        caller(core.extensions.webhooks),
        addresses(core, core.rng, core.extensions.webhooks_at_endpoints),
        families{core.options.metrics} {}
  Core& core;
  webhook::Caller caller;
  const webhook::Addresses addresses;
  const Families families;
};

WebhookClientConfig client_of(const apiextensions::v1::WebhookClientConfig& config) {
  WebhookClientConfig out;
  out.set_ca_bundle(config.ca_bundle());
  if (config.has_url()) out.set_url(config.url());
  if (!config.has_service()) return out;
  auto& service = *out.mutable_service();
  service.set_name(config.service().name());
  service.set_namespace_(config.service().namespace_());
  if (config.service().has_path()) service.set_path(config.service().path());
  if (config.service().has_port()) service.set_port(config.service().port());
  return out;
}

// The first that we speak; the rules of definitions ask for one.
std::string review_version(const apiextensions::v1::WebhookConversion& webhook) {
  for (const std::string& version : webhook.conversion_review_versions()) {
    if (version == "v1" || version == "v1beta1") return version;
  }
  return {};
}

// Nothing but its kind: any version of that is the same.
bool is_empty(const api::Object& object) { return object.members().size() <= 2 && object.metadata().ByteSizeLong() == 0; }

class WebhookConverter final : public Converter {
 public:
  WebhookConverter(std::shared_ptr<Shared> shared, const CustomResourceDefinition& definition,
                   std::vector<api::ResourceRef> versions)
      : shared_(std::move(shared)),
        definition_(definition.metadata().name()),
        client_(client_of(definition.spec().conversion().webhook().client_config())),
        review_version_(review_version(definition.spec().conversion().webhook())),
        versions_(std::move(versions)) {}

  api::Object decode(const Entry& entry) const override {
    const api::Schema& any = *versions_.front()->schema;
    const std::string version = api::Encoded(any, *entry.protobuf).scalar_at("apiVersion");
    const auto found = std::ranges::find_if(versions_, [&](const auto& one) { return one->kind.api_version() == version; });
    if (found == versions_.end()) {
      throw api::unforeseen(fmt::format("request to convert CR from an invalid group/version: {}", version));
    }
    return api::decode_stored(*(*found)->schema, *entry.protobuf);
  }

  Task<std::vector<api::Object>> convert(std::vector<api::Object> objects, const api::Schema& to) override {
    std::vector<api::Object> asked;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < objects.size(); ++i) {
      if (objects[i].schema().kind == to.kind || is_empty(objects[i])) {
        objects[i] = api::structural::as_version(objects[i], to);
      } else {
        asked.push_back(std::move(objects[i]));
        places.push_back(i);
      }
    }
    if (asked.empty()) co_return objects;
    std::vector<api::Object> results = co_await measured(asked, to);
    for (std::size_t i = 0; i < places.size(); ++i) objects[places[i]] = std::move(results[i]);
    co_return objects;
  }

 private:
  Task<std::vector<api::Object>> measured(const std::vector<api::Object>& objects, const api::Schema& to) {
    const Clock& clock = shared_->core.executor.clock();
    const Steady begun = clock.steady();
    std::vector<api::Object> out;
    std::string failure, type;
    try {
      out = co_await ask(objects, to);
    } catch (const FailedConversion& error) {
      failure = error.what();
      type = error.type;
    }
    const Duration took = clock.steady() - begun;
    const bool good = type.empty();
    const std::string result = good ? "success" : "failure";
    shared_->families.requests.with({type, result}).add();
    shared_->families.latency.with({type, result}).observe(took);
    shared_->families.by_kind
        .with({definition_, objects.front().schema().kind->version, good ? "true" : "false", to.kind->version})
        .observe(took);
    if (!good) throw api::unforeseen(failure);
    co_return out;
  }

  Task<std::vector<api::Object>> ask(const std::vector<api::Object>& objects, const api::Schema& to) {
    const auto failed = [&](std::string_view why) {
      return FailedConversion(fmt::format("{} failed: {}", conversion_of(objects.front()), why), kCallFailure);
    };
    Core& core = shared_->core;
    const std::size_t size = objects.size() < kManyObjects ? 0 : kLarge;
    const std::string uid = core.rng.uuid();
    std::string question = co_await aside(core, size, [&] { return conversion_review_text(review_version_, uid, objects, to); });
    const webhook::Place place = webhook::place_of(client_);
    std::string answer;
    try {
      answer = co_await shared_->caller.post(shared_->addresses.find(client_), place, std::move(question), kWebhookTimeoutMax);
    } catch (const webhook::NoAddress& error) {
      throw failed(fmt::format("Post {}: {}", api::quote(webhook::url_of(place, kWebhookTimeoutMax)), error.what()));
    } catch (const webhook::BadAnswer& error) {
      throw failed(error.what());
    }
    co_return co_await aside(core, std::max(size, answer.size()),
                             [&] { return read_conversion_review(answer, review_version_, uid, objects, to); });
  }

  const std::shared_ptr<Shared> shared_;
  const std::string definition_;
  const WebhookClientConfig client_;
  const std::string review_version_;
  const std::vector<api::ResourceRef> versions_;
};

}  // namespace

MakeConverter webhook_converters(Core& core) {
  return
      [&core, shared = std::shared_ptr<Shared>()](const CustomResourceDefinition& definition,
                                                  std::vector<api::ResourceRef> versions) mutable -> std::shared_ptr<Converter> {
        if (!shared) shared = std::make_shared<Shared>(core);
        return std::make_shared<WebhookConverter>(shared, definition, std::move(versions));
      };
}

}  // namespace ph::apiserver
