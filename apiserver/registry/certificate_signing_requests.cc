// Certificate signing requests: who asks is told by the server, what is asked for never changes, and whose verdict it is by the
// door (the one at …/approval is in apiserver/parts/approval.cc).
#include "api/certificates.h"
#include "api/errors.h"
#include "api/pem.h"
#include "api/times.h"
#include "apiserver/registry/request_conditions.h"
#include "apiserver/registry/resource_rules.h"
#include "net/signing_request.h"

namespace ph::apiserver {

using certificates::v1::CertificateSigningRequest, certificates::v1::CertificateSigningRequestCondition;

void date_conditions(CertificateSigningRequest& request, const CertificateSigningRequest& old, Time now) {
  for (CertificateSigningRequestCondition& condition : *request.mutable_status()->mutable_conditions()) {
    if (api::is_zero(condition.last_update_time())) api::set_time(condition.mutable_last_update_time(), now);
    if (!api::is_zero(condition.last_transition_time())) continue;
    const auto& before = old.status().conditions();
    const auto same = std::ranges::find_if(before, [&](const auto& other) {
      return other.type() == condition.type() && other.status() == condition.status() &&
             !api::is_zero(other.last_transition_time());
    });
    if (same != before.end()) *condition.mutable_last_transition_time() = same->last_transition_time();
    else api::set_time(condition.mutable_last_transition_time(), now);
  }
}

namespace {

void set_requester(CertificateSigningRequest& request, const Identity& user) {
  auto& spec = *request.mutable_spec();
  spec.set_username(user.name);
  spec.set_uid(user.uid);
  spec.mutable_groups()->Assign(user.groups.begin(), user.groups.end());
  spec.clear_extra();
  for (const auto& [key, values] : user.extra) {
    auto& items = *(*spec.mutable_extra())[key].mutable_items();
    items.Assign(values.begin(), values.end());
  }
}

// As many verdicts as there were: then they are those there were, whatever was sent.
void keep_verdict(CertificateSigningRequest& request, const CertificateSigningRequest& old, std::string_view type) {
  std::vector<CertificateSigningRequestCondition*> now;
  std::vector<const CertificateSigningRequestCondition*> before;
  for (auto& condition : *request.mutable_status()->mutable_conditions()) {
    if (condition.type() == type) now.push_back(&condition);
  }
  for (const auto& condition : old.status().conditions()) {
    if (condition.type() == type) before.push_back(&condition);
  }
  if (now.size() != before.size()) return;
  for (std::size_t i = 0; i < now.size(); ++i) *now[i] = *before[i];
}

class RequestRules final : public ResourceRules {
 public:
  void prepare_create(WriteContext& context, api::Object& object) override {
    set_requester(object.as<CertificateSigningRequest>(), context.user);
  }
  void prepare_update(WriteContext&, api::Object& object, const api::Object& old) override {
    *object.as<CertificateSigningRequest>().mutable_spec() = old.as<CertificateSigningRequest>().spec();
  }
  void prepare_status(WriteContext& context, api::Object& object, const api::Object& old) override {
    auto& request = object.as<CertificateSigningRequest>();
    const auto& before = old.as<CertificateSigningRequest>();
    keep_verdict(request, before, api::kApproved);
    keep_verdict(request, before, api::kDenied);
    date_conditions(request, before, context.now);
  }

 protected:
  // What is in the blocks costs more to look at than their texts, and is looked at once.
  void before_commit(WriteContext&, api::Object* object, const api::Object* old) override {
    if (object == nullptr) return;
    const auto& request = object->as<CertificateSigningRequest>();
    api::Errors errors;
    if (old == nullptr) check_request(request.spec().request(), errors);
    else if (request.status().certificate() != old->as<CertificateSigningRequest>().status().certificate()) {
      check_certificate(request.status().certificate(), errors);
    }
    if (!errors.empty())
      throw api::invalid("CertificateSigningRequest.certificates.k8s.io", request.metadata().name(), errors.list());
  }

 private:
  static void check_request(std::string_view text, api::Errors& errors) {
    const auto block = api::next_pem_block(text);
    const std::string why = block ? net::signing_request_error(block->bytes) : std::string();
    if (!why.empty()) errors.invalid_text(api::Path("spec.request"), "<request data>", why);
  }
  static void check_certificate(std::string_view text, api::Errors& errors) {
    while (const auto block = api::next_pem_block(text)) {
      const std::string why = net::certificates_error(block->bytes);
      if (!why.empty()) return errors.invalid_text(api::Path("status.certificate"), "<certificate data>", why);
    }
  }
};

}  // namespace

std::unique_ptr<ResourceRules> certificate_signing_requests(const ServerOptions&) { return std::make_unique<RequestRules>(); }

}  // namespace ph::apiserver
