// A request as webhooks are shown it: by one version or another of the resource that it is for.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "apiserver/access.h"
#include "apiserver/admission/webhook/match.h"

namespace ph::apiserver::webhook {

// Lives as long as the request is with a plugin. The reader and the request outlive it.
class RequestView {
 public:
  RequestView(const ObjectReader& reader, const AdmissionRequest& request) : reader_(reader), request_(request) {}

  const AdmissionRequest& request() const { return request_; }
  // The version that the client chose.
  const api::Resource& sent() const { return request_.spoken ? *request_.spoken : *request_.resource; }
  // Other resources whose objects are the same ones.
  const std::vector<const api::Resource*>& equivalents();
  // A namespace is in itself.
  const std::string& namespace_name() const;
  // Whether the request brings the object, or a view of it: a Binding or an Eviction is admitted by itself.
  bool is_about_object() const;
  // Of what the request shows.
  const api::Schema& schema(const api::Resource& as) const;
  Target target(const api::Resource& as) const;

  // The objects as a version shows them, null where there is none; and the same for whoever changes them.
  const nlohmann::json& object(const api::Resource& as);
  const nlohmann::json& old_object(const api::Resource& as);
  // Awaited before the two: where somebody outside converts, they are what he has said.
  Soon<> ready(const api::Resource& as);
  void object_changed() { objects_.clear(); }

  // `request` of an AdmissionReview, but for its UID and the objects.
  nlohmann::json attributes(const api::Resource& as) const;

 private:
  using Documents = std::map<const api::Resource*, nlohmann::json>;
  const nlohmann::json& document(Documents& known, const api::Resource& as, const api::Object* object) const;

  const ObjectReader& reader_;
  const AdmissionRequest& request_;
  Documents objects_, old_objects_;
  std::optional<std::vector<const api::Resource*>> equivalents_;
};

}  // namespace ph::apiserver::webhook
