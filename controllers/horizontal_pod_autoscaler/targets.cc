#include "controllers/horizontal_pod_autoscaler/targets.h"

#include <algorithm>

#include <fmt/format.h>

#include "api/codec.h"
#include "api/errors.h"
#include "informers/request.h"

namespace ph::controllers::horizontal_pod_autoscaler {
namespace {

using autoscaling::v1::Scale;
using informers::percent_encoded;

constexpr Duration kFresh = 30s;
constexpr const char* kJson = "application/json";

std::string path_of(const Target& target, const std::string& namespace_name, const std::string& name) {
  const std::string root =
      target.group.empty() ? "/api/" + target.version : fmt::format("/apis/{}/{}", target.group, target.version);
  const std::string within = target.namespaced ? "/namespaces/" + namespace_name : std::string();
  return fmt::format("{}{}/{}/{}/scale", root, within, target.plural, percent_encoded(name));
}

}  // namespace

Task<void> Targets::look(bool anew) {
  const Steady now = clock_.steady();
  if (known_ && !anew && now - looked_ < kFresh) co_return;
  looked_ = now;
  known_ = co_await discoverer_.look();
}

const informers::Discovery::Offer* Targets::offer_of(std::string_view group, std::string_view kind) const {
  if (!known_) return nullptr;
  const auto found = std::ranges::find_if(known_->offers, [&](const auto& offer) {
    return offer.resource->kind.group == group && offer.resource->kind.kind == kind;
  });
  return found == known_->offers.end() ? nullptr : &*found;
}

Task<std::expected<Target, std::string>> Targets::find(std::string group, std::string kind) {
  try {
    const Steady before = looked_;
    co_await look(false);
    if (!offer_of(group, kind) && looked_ == before) co_await look(true);
  } catch (const api::ApiError& error) {
    co_return std::unexpected(std::string(error.what()));
  }
  const auto* offer = offer_of(group, kind);
  if (!offer) co_return std::unexpected(fmt::format("no matches for kind \"{}\" in group \"{}\"", kind, group));
  const api::Resource& resource = *offer->resource;
  co_return Target{resource.kind.group, resource.kind.version, resource.plural, resource.namespaced};
}

Task<std::expected<Scale, std::string>> Targets::scale(Target target, std::string namespace_name, std::string name) {
  try {
    const Client::Document document = co_await client_.get_document(path_of(target, namespace_name, name), kJson, {});
    Scale out;
    api::decode_json(document.body, out);
    co_return out;
  } catch (const api::ApiError& error) {
    co_return std::unexpected(std::string(error.what()));
  } catch (const api::DecodeError& error) {
    co_return std::unexpected(std::string(error.what()));
  }
}

Task<std::string> Targets::set_scale(Target target, Scale scale) {
  const std::string path = path_of(target, scale.metadata().namespace_(), scale.metadata().name());
  try {
    co_await client_.put_document(path, kJson, api::encode_json(scale));
  } catch (const api::ApiError& error) {
    co_return error.what();
  }
  co_return std::string();
}

}  // namespace ph::controllers::horizontal_pod_autoscaler
