// ImagePolicyWebhook: a program of somebody else judges the images of pods. Upstream: plugin/pkg/admission/imagepolicy. Reference:
// "Admission Control in Kubernetes", ImagePolicyWebhook.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/kinds.h"
#include "apiserver/admission/admission.h"
#include "apiserver/admission/recently_used.h"
#include "apiserver/admission/webhook/caller.h"
#include "apiserver/admission/webhook/image_review.h"
#include "base/executor.h"
#include "base/sync.h"

namespace ph::apiserver::admission {
namespace {

using core::v1::Pod;
using webhook::ImageVerdict;

constexpr std::size_t kRememberedMax = 1024;
constexpr int kTries = 5;
constexpr double kSlower = 1.5, kJitter = 0.2;

struct Settings {
  Duration allow_ttl{}, deny_ttl{}, retry_backoff{};
  bool default_allow = false;
};

// What may be over when it is asked again.
bool may_pass(int status) { return status == 429 || status == 500 || status == 504; }

class ImagePolicyWebhook final : public AdmissionPlugin {
 public:
  ImagePolicyWebhook(const AdmissionWorld& world, WebhookBackend backend, Settings settings)
      : clock_(world.clock), rng_(world.rng), backend_(std::move(backend)), settings_(settings), caller_(world.webhooks) {}
  std::string_view name() const override { return "ImagePolicyWebhook"; }

  Soon<> validate_soon(const AdmissionRequest& request) override {
    if (!is_of(request, "", "pods") || !request.object || request.operation == "DELETE") return {};
    const bool ephemeral = request.subresource == "ephemeralcontainers";
    if (!ephemeral && !request.subresource.empty()) return {};
    const auto spec = webhook::image_review_spec(request.object->as<Pod>(), request.key.namespace_name, ephemeral);
    std::string text = webhook::image_review_text(spec);
    const Remembered* known = remembered_.find(text);
    if (known != nullptr && clock_.steady() < known->until) {
      demand(request, known->verdict);
      return {};
    }
    return ask(request, std::move(text));
  }

 private:
  struct Remembered {
    ImageVerdict verdict;
    Steady until;
  };

  static void demand(const AdmissionRequest& request, const ImageVerdict& verdict) {
    if (verdict.allowed) return;
    if (verdict.reason.empty()) throw refuse(request, "one or more images rejected by webhook backend");
    throw refuse(request, fmt::format("image policy webhook backend denied one or more images: {}", verdict.reason));
  }

  Task<void> ask(const AdmissionRequest& request, std::string text) {
    ImageVerdict verdict;
    try {
      verdict = webhook::read_image_review(co_await answer_to(request, text));
    } catch (const webhook::BadAnswer& error) {
      if (settings_.default_allow) co_return;
      throw refuse(request, error.what());
    }
    remembered_.at(text) = {verdict, clock_.steady() + (verdict.allowed ? settings_.allow_ttl : settings_.deny_ttl)};
    demand(request, verdict);
  }

  // Throws BadAnswer. Nobody is asked for longer than the request may take.
  Task<std::string> answer_to(const AdmissionRequest& request, const std::string& text) {
    const auto time_left = [&] {
      return request.deadline == Steady::max() ? kWebhookTimeoutMax : request.deadline - clock_.steady();
    };
    auto pause = std::chrono::duration<double>(settings_.retry_backoff);
    for (int tried = 1;; ++tried) {
      const Duration limit = std::min<Duration>(kWebhookTimeoutMax, time_left());
      if (limit <= Duration::zero()) throw webhook::FailedCall("context deadline exceeded", 0);
      try {
        const std::string host = backend_.address.url.substr(backend_.address.url.find("//") + 2);
        co_return co_await caller_.post(backend_.address, {.host = host, .path = backend_.path, .token = backend_.token}, text,
                                        limit);
      } catch (const webhook::FailedCall& error) {
        if (tried == kTries || !may_pass(error.status)) throw;
      }
      co_await sleep_for(std::chrono::duration_cast<Duration>(pause * (1 + kJitter * rng_.fraction())));
      pause *= kSlower;
    }
  }

  const Clock& clock_;
  Rng& rng_;
  const WebhookBackend backend_;
  const Settings settings_;
  webhook::Caller caller_;
  RecentlyUsed<Remembered> remembered_{kRememberedMax};
};

// -- Configuration

// 0 or none: the default; -1: nothing is remembered, no pause is made.
template <class Unit>
Duration span_of(ConfigurationMembers& members, const char* name, std::int64_t usual, std::int64_t least, std::int64_t most) {
  const std::int64_t value = members.whole(name).value_or(0);
  if (value == 0) return Unit(usual);
  if (value == -1) return Duration::zero();
  if (value < least || value > most) {
    members.fail(fmt::format("invalid {}: valid value is between {} and {}, got {}", name, least, most, value));
  }
  return Unit(value);
}

}  // namespace

std::unique_ptr<AdmissionPlugin> image_policy_webhook(const AdmissionWorld& world) {
  using std::chrono::milliseconds, std::chrono::seconds;
  const nlohmann::json document = configuration_of(world.configurations, "ImagePolicyWebhook");
  ConfigurationMembers outer(document, "ImagePolicyWebhook");
  const nlohmann::json* policy = outer.find("imagePolicy");
  outer.end();
  if (policy == nullptr) outer.fail("no config specified");
  ConfigurationMembers members(*policy, "ImagePolicyWebhook: imagePolicy");
  const std::string kubeconfig = members.text("kubeConfigFile");
  Settings settings{.allow_ttl = span_of<seconds>(members, "allowTTL", 300, 1, 1800),
                    .deny_ttl = span_of<seconds>(members, "denyTTL", 30, 1, 1800),
                    .retry_backoff = span_of<milliseconds>(members, "retryBackoff", 500, 1, 300'000),
                    .default_allow = members.flag("defaultAllow")};
  members.end();
  if (kubeconfig.empty()) members.fail("kubeConfigFile is missing");
  if (!world.backends) members.fail("this server calls nobody");
  try {
    return std::make_unique<ImagePolicyWebhook>(world, world.backends(kubeconfig), settings);
  } catch (const std::runtime_error& error) {
    members.fail(fmt::format("kubeConfigFile: {}", error.what()));
  }
}

}  // namespace ph::apiserver::admission
