#include "apiserver/authn/claims.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/times.h"

namespace ph::apiserver {

using nlohmann::json;

namespace {

std::int64_t seconds(Time time) { return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count(); }

json object_json(const ClaimedObject& object) {
  json out = {{"name", object.name}};
  if (!object.uid.empty()) out["uid"] = object.uid;
  return out;
}

// RFC 7519's NumericDate, which may have a fraction. What is beyond the times that can be counted is the last of them.
Time time_at(const json& claims, const char* name) {
  constexpr double kMost = 1e15;
  const double seconds = claims.value(name, 0.0);
  return api::to_time(api::Instant{.seconds = static_cast<std::int64_t>(std::clamp(seconds, -kMost, kMost))});
}

ClaimedObject object_at(const json& parent, const char* name) {
  const json object = parent.value(name, json::object());
  return {object.value("name", ""), object.value("uid", "")};
}

std::optional<ClaimedObject> maybe_object_at(const json& parent, const char* name) {
  if (!parent.contains(name)) return std::nullopt;
  return object_at(parent, name);
}

Claims read_claims(const json& from) {
  Claims out;
  out.issuer = from.value("iss", "");
  out.subject = from.value("sub", "");
  out.id = from.value("jti", "");
  const json audiences = from.value("aud", json::array());
  if (audiences.is_string()) out.audiences.push_back(audiences);
  else out.audiences = audiences.get<std::vector<std::string>>();
  out.issued = time_at(from, "iat");
  out.not_before = time_at(from, "nbf");
  out.expires = time_at(from, "exp");
  const json& own = from.at("kubernetes.io");
  out.namespace_name = own.value("namespace", "");
  out.service_account = object_at(own, "serviceaccount");
  out.pod = maybe_object_at(own, "pod");
  out.secret = maybe_object_at(own, "secret");
  out.node = maybe_object_at(own, "node");
  if (own.contains("warnafter")) out.warn_after = time_at(own, "warnafter");
  return out;
}

}  // namespace

std::string encode_claims(const Claims& claims) {
  json own = {{"namespace", claims.namespace_name}, {"serviceaccount", object_json(claims.service_account)}};
  if (claims.pod) own["pod"] = object_json(*claims.pod);
  if (claims.secret) own["secret"] = object_json(*claims.secret);
  if (claims.node) own["node"] = object_json(*claims.node);
  if (claims.warn_after) own["warnafter"] = seconds(*claims.warn_after);
  return json{{"iss", claims.issuer},
              {"sub", claims.subject},
              {"aud", claims.audiences},
              {"exp", seconds(claims.expires)},
              {"iat", seconds(claims.issued)},
              {"nbf", seconds(claims.not_before)},
              {"jti", claims.id},
              {"kubernetes.io", own}}
      .dump();
}

std::optional<Claims> parse_claims(std::string_view payload) {
  try {
    return read_claims(json::parse(payload));
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

std::string service_account_user(std::string_view namespace_name, std::string_view name) {
  return "system:serviceaccount:" + std::string(namespace_name) + ":" + std::string(name);
}

Identity identity_of(const Claims& claims) {
  Identity out;
  out.name = service_account_user(claims.namespace_name, claims.service_account.name);
  out.uid = claims.service_account.uid;
  out.groups = {"system:serviceaccounts", "system:serviceaccounts:" + claims.namespace_name, "system:authenticated"};
  const auto add = [&](const char* key, const std::string& value) { out.extra.push_back({key, {value}}); };
  if (!claims.id.empty()) add("authentication.kubernetes.io/credential-id", "JTI=" + claims.id);
  if (claims.node) {
    add("authentication.kubernetes.io/node-name", claims.node->name);
    if (!claims.node->uid.empty()) add("authentication.kubernetes.io/node-uid", claims.node->uid);
  }
  if (claims.pod) {
    add("authentication.kubernetes.io/pod-name", claims.pod->name);
    add("authentication.kubernetes.io/pod-uid", claims.pod->uid);
  }
  return out;
}

}  // namespace ph::apiserver
