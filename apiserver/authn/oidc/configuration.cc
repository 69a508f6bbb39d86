#include "apiserver/authn/oidc/configuration.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "api/yaml_document.h"
#include "api/yaml_duplicates.h"
#include "net/jwk_set.h"

namespace ph::apiserver {
namespace {

using nlohmann::json;
using Error = AuthenticationConfigurationError;

// Reads the members of one object by their names; what is left at the end is unknown.
class Members {
 public:
  Members(const json& object, std::string path) : object_(object), path_(std::move(path)) {
    if (!object_.is_object()) throw Error(fmt::format("{} is not an object", path_.empty() ? "the document" : path_));
  }

  std::string text(const char* name) { return maybe_text(name).value_or(""); }
  std::optional<std::string> maybe_text(const char* name) {
    const json* value = take(name);
    if (!value) return std::nullopt;
    if (!value->is_string()) throw Error(fmt::format("{} is not a string", path_of(name)));
    return value->get<std::string>();
  }
  bool flag(const char* name) {
    const json* value = take(name);
    if (!value) return false;
    if (!value->is_boolean()) throw Error(fmt::format("{} is not a boolean", path_of(name)));
    return value->get<bool>();
  }
  std::vector<std::string> texts(const char* name) {
    std::vector<std::string> out;
    each(name, [&](const json& value, const std::string& path) {
      if (!value.is_string()) throw Error(fmt::format("{} is not a string", path));
      out.push_back(value.get<std::string>());
    });
    return out;
  }
  template <class F>
  void object(const char* name, F read) {
    if (const json* value = take(name)) {
      Members members(*value, path_of(name));
      read(members);
      members.end();
    }
  }
  template <class F>
  void objects(const char* name, F read) {
    each(name, [&](const json& value, const std::string& path) {
      Members members(value, path);
      read(members);
      members.end();
    });
  }
  // All have been read that there are.
  void end() const {
    for (const auto& [name, value] : object_.items()) {
      if (std::ranges::find(taken_, name) == taken_.end()) {
        throw Error(fmt::format("strict decoding error: unknown field \"{}\"", path_of(name)));
      }
    }
  }

 private:
  std::string path_of(std::string_view name) const {
    return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
  }

  // Null: it is not there.
  const json* take(const char* name) {
    taken_.emplace_back(name);
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }
  template <class F>
  void each(const char* name, F read) {
    const json* value = take(name);
    if (!value) return;
    if (!value->is_array()) throw Error(fmt::format("{} is not a list", path_of(name)));
    for (std::size_t i = 0; i < value->size(); ++i) read((*value)[i], fmt::format("{}[{}]", path_of(name), i));
  }

  const json& object_;
  const std::string path_;
  std::vector<std::string> taken_;
};

void read_mapping(Members& from, ClaimMapping& out, bool prefixed) {
  out.claim = from.text("claim");
  out.expression = from.text("expression");
  if (prefixed) out.prefix = from.maybe_text("prefix");
}

void read_issuer(Members& from, JwtConfiguration& out) {
  out.url = from.text("url");
  out.discovery_url = from.text("discoveryURL");
  out.ca_pem = from.text("certificateAuthority");
  out.audiences = from.texts("audiences");
  out.audience_match_policy = from.text("audienceMatchPolicy");
  out.egress_selector = from.text("egressSelectorType");
}

void read_mappings(Members& from, JwtConfiguration& out) {
  from.object("username", [&](Members& members) { read_mapping(members, out.username, true); });
  from.object("groups", [&](Members& members) { read_mapping(members, out.groups, true); });
  from.object("uid", [&](Members& members) { read_mapping(members, out.uid, false); });
  from.objects("extra", [&](Members& members) {
    auto& extra = out.extra.emplace_back();
    extra.key = members.text("key");
    extra.expression = members.text("valueExpression");
  });
}

void read_jwt(Members& from, JwtConfiguration& out) {
  from.object("issuer", [&](Members& members) { read_issuer(members, out); });
  from.objects("claimValidationRules", [&](Members& members) {
    auto& rule = out.claim_rules.emplace_back();
    rule.claim = members.text("claim");
    rule.required_value = members.text("requiredValue");
    rule.expression = members.text("expression");
    rule.message = members.text("message");
  });
  from.object("claimMappings", [&](Members& members) { read_mappings(members, out); });
  from.objects("userValidationRules", [&](Members& members) {
    auto& rule = out.user_rules.emplace_back();
    rule.expression = members.text("expression");
    rule.message = members.text("message");
  });
  const auto all = net::signing_algorithms();
  out.algorithms.assign(all.begin(), all.end());
}

json document_of(std::string_view text) {
  try {
    json document = api::yaml_document(text);
    if (const auto twice = api::yaml_duplicates(text); !twice.empty()) {
      throw Error(fmt::format("strict decoding error: yaml: unmarshal errors:\n  {}", fmt::join(twice, "\n  ")));
    }
    return document;
  } catch (const std::exception& error) {
    throw Error(error.what());
  }
}

}  // namespace

AuthenticationConfiguration parse_authentication_configuration(std::string_view text,
                                                               const std::vector<std::string>& own_issuers) {
  const json document = document_of(text);
  Members members(document, "");
  const std::string version = members.text("apiVersion"), kind = members.text("kind");
  constexpr std::string_view kGroup = "apiserver.config.k8s.io/";
  const bool known = kind == "AuthenticationConfiguration" && version.starts_with(kGroup) &&
                     (version.substr(kGroup.size()) == "v1" || version.substr(kGroup.size()) == "v1beta1");
  if (!known) {
    throw Error(fmt::format("no kind \"{}\" is registered for version \"{}\": there is AuthenticationConfiguration of {}v1", kind,
                            version, kGroup));
  }
  AuthenticationConfiguration out;
  members.objects("jwt", [&](Members& one) { read_jwt(one, out.jwt.emplace_back()); });
  members.object("anonymous", [&](Members& anonymous) {
    auto& into = out.anonymous.emplace();
    into.enabled = anonymous.flag("enabled");
    anonymous.objects("conditions", [&](Members& condition) { into.paths.push_back(condition.text("path")); });
  });
  members.end();
  if (const std::string problems = configuration_problems(out, own_issuers); !problems.empty()) throw Error(problems);
  return out;
}

}  // namespace ph::apiserver
