#include "apiserver/authn/oidc/mapping.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "apiserver/authn/oidc/expressions.h"

namespace ph::apiserver::oidc {

namespace cel = api::cel;
using nlohmann::json;

namespace {

// Clocks differ: a token may be used so much before its time begins.
constexpr double kEarlySeconds = 300;

// What is wrong with a token.
class Bad : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Null: it is not there.
const json* claim_at(const json& claims, const std::string& name) {
  const auto found = claims.find(name);
  return found == claims.end() ? nullptr : &*found;
}

std::optional<double> seconds_at(const json& claims, const char* name) {
  const json* value = claim_at(claims, name);
  if (!value) return std::nullopt;
  if (!value->is_number()) throw Bad(fmt::format("oidc: claim {} is not a number", name));
  return value->get<double>();
}

// One text, or a list of them.
std::vector<std::string> texts_of(const json& value, std::string_view what) {
  if (value.is_string()) return {value.get<std::string>()};
  std::vector<std::string> out;
  if (!value.is_array()) throw Bad(fmt::format("oidc: claim {} is neither a string nor a list of strings", what));
  for (const json& each : value) {
    if (!each.is_string()) throw Bad(fmt::format("oidc: claim {} is neither a string nor a list of strings", what));
    out.push_back(each.get<std::string>());
  }
  return out;
}

std::string text_of(const json& claims, const std::string& name) {
  const json* value = claim_at(claims, name);
  if (!value) throw Bad(fmt::format("oidc: claim {} is not present", name));
  if (!value->is_string()) throw Bad(fmt::format("oidc: claim {} is not a string", name));
  return value->get<std::string>();
}

cel::Value value_of(const cel::Expression& expression, const std::string& text, Of of, const json& document) {
  try {
    return evaluate(expression, of, document);
  } catch (const cel::Error& error) {
    throw Bad(fmt::format("oidc: expression '{}' resulted in error: {}", text, error.what()));
  }
}

bool is_null(const cel::Value& value) { return value.as<cel::Null>() != nullptr; }

std::string one_text(const cel::Value& value, const std::string& expression) {
  if (const std::string* text = value.as<std::string>()) return *text;
  throw Bad(fmt::format("oidc: expression '{}' must evaluate to string but got {}", expression, value.type_name()));
}

// Empty texts are none.
std::vector<std::string> some_texts(const cel::Value& value, const std::string& expression) {
  std::vector<std::string> out;
  if (is_null(value)) return out;
  const cel::List* list = value.as_list();
  if (!list) out.push_back(one_text(value, expression));
  if (list) {
    for (const cel::Value& each : *list) out.push_back(one_text(each, expression));
  }
  std::erase(out, std::string());
  return out;
}

// Whether a rule holds.
bool holds(const cel::Expression& expression, const std::string& text, Of of, const json& document) {
  const cel::Value value = value_of(expression, text, of, document);
  if (const bool* yes = value.as<bool>()) return *yes;
  throw Bad(fmt::format("oidc: expression '{}' must evaluate to bool but got {}", text, value.type_name()));
}

Bad broken_rule(const std::string& expression, const std::string& message) {
  return Bad(fmt::format("oidc: validation expression '{}' failed{}{}", expression, message.empty() ? "" : ": ", message));
}

std::optional<cel::Expression> compiled(const std::string& text, Of of) {
  if (text.empty()) return std::nullopt;
  return compile(text, of);
}

json document_of(const Identity& user) {
  json extra = json::object();
  for (const auto& [key, values] : user.extra) extra[key] = values;
  return {{"username", user.name}, {"uid", user.uid}, {"groups", user.groups}, {"extra", extra}};
}

}  // namespace

Mapping::Mapping(JwtConfiguration configuration)
    : configuration_(std::move(configuration)),
      username_(compiled(configuration_.username.expression, Of::Claims)),
      groups_(compiled(configuration_.groups.expression, Of::Claims)),
      uid_(compiled(configuration_.uid.expression, Of::Claims)) {
  for (const auto& extra : configuration_.extra) extra_.push_back(compiled(extra.expression, Of::Claims));
  for (const auto& rule : configuration_.claim_rules) claim_rules_.push_back(compiled(rule.expression, Of::Claims));
  for (const auto& rule : configuration_.user_rules) user_rules_.push_back(compiled(rule.expression, Of::User));
}

void Mapping::check_token(const json& claims, Time now) const {
  if (text_of(claims, "iss") != configuration_.url) throw Bad("oidc: the token is of another issuer");
  const json* said = claim_at(claims, "aud");
  const std::vector<std::string> audiences = said ? texts_of(*said, "aud") : std::vector<std::string>();
  const auto is_meant = [&](const std::string& each) { return std::ranges::find(audiences, each) != audiences.end(); };
  if (!std::ranges::any_of(configuration_.audiences, is_meant)) {
    throw Bad(fmt::format("oidc: expected audience in {} got {}", configuration_.audiences, audiences));
  }
  const double seconds = std::chrono::duration<double>(now.time_since_epoch()).count();
  const std::optional<double> expires = seconds_at(claims, "exp"), begins = seconds_at(claims, "nbf");
  // Written so that what is no number at all is refused.
  if (!expires || !(*expires >= seconds)) throw Bad("oidc: token is expired");
  if (begins && !(*begins <= seconds + kEarlySeconds)) throw Bad("oidc: the token is not valid yet");
}

void Mapping::check_claims(const json& claims) const {
  for (std::size_t i = 0; i < configuration_.claim_rules.size(); ++i) {
    const auto& rule = configuration_.claim_rules[i];
    if (claim_rules_[i]) {
      if (!holds(*claim_rules_[i], rule.expression, Of::Claims, claims)) throw broken_rule(rule.expression, rule.message);
      continue;
    }
    if (!claim_at(claims, rule.claim)) throw Bad(fmt::format("oidc: required claim {} not present in ID token", rule.claim));
    const std::string value = text_of(claims, rule.claim);
    if (value != rule.required_value) {
      throw Bad(fmt::format("oidc: required claim {} value does not match. Got = {}, want = {}", rule.claim, value,
                            rule.required_value));
    }
  }
}

void Mapping::check_user(const Identity& user) const {
  if (configuration_.user_rules.empty()) return;
  const json document = document_of(user);
  for (std::size_t i = 0; i < configuration_.user_rules.size(); ++i) {
    const auto& rule = configuration_.user_rules[i];
    if (!holds(*user_rules_[i], rule.expression, Of::User, document)) throw broken_rule(rule.expression, rule.message);
  }
}

std::string Mapping::username(const json& claims) const {
  const ClaimMapping& mapping = configuration_.username;
  std::string name;
  if (username_) {
    name = one_text(value_of(*username_, mapping.expression, Of::Claims, claims), mapping.expression);
  } else {
    name = text_of(claims, mapping.claim);
    // Who says an e-mail address must have shown that it is his; an issuer that says nothing of it is believed.
    if (const json* verified = mapping.claim == "email" ? claim_at(claims, "email_verified") : nullptr) {
      if (!verified->is_boolean() || !verified->get<bool>()) throw Bad("oidc: email not verified");
    }
  }
  if (name.empty()) throw Bad("oidc: the token names nobody: an empty username is not allowed");
  return mapping.prefix.value_or("") + name;
}

std::vector<std::string> Mapping::groups(const json& claims) const {
  const ClaimMapping& mapping = configuration_.groups;
  if (groups_) return some_texts(value_of(*groups_, mapping.expression, Of::Claims, claims), mapping.expression);
  if (mapping.claim.empty()) return {};
  const json* said = claim_at(claims, mapping.claim);
  if (!said) {
    const json* elsewhere = claim_at(claims, "_claim_names");
    if (elsewhere && elsewhere->is_object() && elsewhere->contains(mapping.claim)) {
      throw Bad(fmt::format("oidc: claim {} is a distributed one, which are not fetched", mapping.claim));
    }
    return {};
  }
  if (said->is_null()) return {};
  std::vector<std::string> out = texts_of(*said, mapping.claim);
  for (std::string& group : out) group.insert(0, mapping.prefix.value_or(""));
  return out;
}

std::string Mapping::uid(const json& claims) const {
  const ClaimMapping& mapping = configuration_.uid;
  if (uid_) {
    const cel::Value value = value_of(*uid_, mapping.expression, Of::Claims, claims);
    return one_text(value, mapping.expression);
  }
  return mapping.claim.empty() ? std::string() : text_of(claims, mapping.claim);
}

void Mapping::add_extra(const json& claims, Identity& user) const {
  for (std::size_t i = 0; i < configuration_.extra.size(); ++i) {
    const auto& [key, expression] = configuration_.extra[i];
    std::vector<std::string> values = some_texts(value_of(*extra_[i], expression, Of::Claims, claims), expression);
    if (!values.empty()) user.extra.emplace_back(key, std::move(values));
  }
  const json* id = claim_at(claims, "jti");
  if (!id || !id->is_string() || id->get_ref<const std::string&>().empty()) return;
  user.extra.push_back({"authentication.kubernetes.io/credential-id", {"JTI=" + id->get<std::string>()}});
}

std::expected<Identity, std::string> Mapping::user_of(const std::string& payload, Time now) const {
  const json claims = json::parse(payload, nullptr, false);
  if (!claims.is_object()) return std::unexpected("oidc: the token's payload is no object");
  try {
    check_token(claims, now);
    Identity user;
    user.name = username(claims);
    user.groups = groups(claims);
    check_claims(claims);
    user.uid = uid(claims);
    add_extra(claims, user);
    check_user(user);
    return user;
  } catch (const Bad& bad) {
    return std::unexpected(bad.what());
  }
}

}  // namespace ph::apiserver::oidc
