// Upstream: pkg/apis/apiserver/validation
#include "apiserver/authz/configuration.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "api/cel/ast.h"
#include "api/codec.h"
#include "api/names.h"
#include "api/rules.h"
#include "api/times.h"
#include "api/yaml_document.h"
#include "api/yaml_duplicates.h"

namespace ph::apiserver {

using api::Errors, api::Path;
using nlohmann::json;
using Type = AuthorizerConfig::Type;
namespace cel = api::cel;

namespace {

constexpr std::pair<std::string_view, Type> kTypes[] = {
    {"ABAC", Type::Abac}, {"AlwaysAllow", Type::AlwaysAllow}, {"AlwaysDeny", Type::AlwaysDeny}, {"Node", Type::Node},
    {"RBAC", Type::Rbac}, {"Webhook", Type::Webhook}};

constexpr std::size_t kConditionsMax = 64;

// -- The document: members of the right types, and no others

class Reader {
 public:
  std::string text(const json& object, const char* member) {
    const json* found = member_of(object, member);
    if (!found) return {};
    if (!found->is_string()) wrong(member, "string", *found);
    return found->get<std::string>();
  }
  bool flag(const json& object, const char* member, bool otherwise) {
    const json* found = member_of(object, member);
    if (!found) return otherwise;
    if (!found->is_boolean()) wrong(member, "bool", *found);
    return found->get<bool>();
  }
  // Zero when it is left out.
  Duration duration(const json& object, const char* member) {
    const std::string said = text(object, member);
    if (said.empty()) return Duration::zero();
    const auto read = api::parse_duration(said);
    if (!read) throw AuthorizationConfigError(fmt::format("time: invalid duration \"{}\"", said));
    return *read;
  }
  // Null: it is left out.
  const json* object(const json& in, const char* member) {
    const json* found = member_of(in, member);
    if (found && !found->is_object()) wrong(member, "object", *found);
    return found;
  }
  const json& list(const json& in, const char* member) {
    static const json kNone = json::array();
    const json* found = member_of(in, member);
    if (!found) return kNone;
    if (!found->is_array()) wrong(member, "list", *found);
    for (const json& item : *found) {
      if (!item.is_object()) wrong(member, "list of objects", item);
    }
    return *found;
  }
  void only(const json& object, const std::string& path, std::initializer_list<std::string_view> known) {
    for (const auto& [name, value] : object.items()) {
      if (std::ranges::find(known, name) == known.end()) unknown_.push_back(fmt::format("unknown field \"{}{}\"", path, name));
    }
  }
  void duplicates(std::string_view yaml) {
    const auto twice = api::yaml_duplicates(yaml);
    if (!twice.empty()) unknown_.push_back(fmt::format("yaml: unmarshal errors:\n  {}", fmt::join(twice, "\n  ")));
  }
  void raise() const {
    if (!unknown_.empty()) throw AuthorizationConfigError(fmt::format("strict decoding error: {}", fmt::join(unknown_, ", ")));
  }

 private:
  static const json* member_of(const json& object, const char* member) {
    const auto found = object.find(member);
    return found == object.end() || found->is_null() ? nullptr : &*found;
  }
  [[noreturn]] static void wrong(const char* member, const char* wanted, const json& found) {
    throw AuthorizationConfigError(fmt::format("{}: cannot be read as a {}: {}", member, wanted, found.dump()));
  }

  std::vector<std::string> unknown_;
};

// One entry as it is written.
struct Written {
  std::string type, name;
  bool has_webhook = false, has_kubeconfig = false;
  std::string condition_version, failure_policy, connection_type;
  AuthorizerConfig::Webhook webhook;
};

void read_webhook(Reader& reader, const json& from, const std::string& path, Written& out) {
  reader.only(from, path,
              {"authorizedTTL", "cacheAuthorizedRequests", "unauthorizedTTL", "cacheUnauthorizedRequests", "timeout",
               "subjectAccessReviewVersion", "matchConditionSubjectAccessReviewVersion", "failurePolicy", "connectionInfo",
               "matchConditions"});
  AuthorizerConfig::Webhook& webhook = out.webhook;
  out.has_webhook = true;
  if (const Duration ttl = reader.duration(from, "authorizedTTL"); ttl != Duration::zero()) webhook.authorized_ttl = ttl;
  if (const Duration ttl = reader.duration(from, "unauthorizedTTL"); ttl != Duration::zero()) webhook.unauthorized_ttl = ttl;
  webhook.keep_allowed = reader.flag(from, "cacheAuthorizedRequests", true);
  webhook.keep_others = reader.flag(from, "cacheUnauthorizedRequests", true);
  webhook.timeout = reader.duration(from, "timeout");
  webhook.review_version = reader.text(from, "subjectAccessReviewVersion");
  out.condition_version = reader.text(from, "matchConditionSubjectAccessReviewVersion");
  out.failure_policy = reader.text(from, "failurePolicy");
  webhook.deny_on_failure = out.failure_policy == "Deny";
  if (const json* connection = reader.object(from, "connectionInfo")) {
    reader.only(*connection, path + "connectionInfo.", {"type", "kubeConfigFile"});
    out.connection_type = reader.text(*connection, "type");
    webhook.kubeconfig = reader.text(*connection, "kubeConfigFile");
    out.has_kubeconfig = connection->contains("kubeConfigFile") && !(*connection)["kubeConfigFile"].is_null();
  }
  std::size_t at = 0;
  for (const json& condition : reader.list(from, "matchConditions")) {
    reader.only(condition, fmt::format("{}matchConditions[{}].", path, at++), {"expression"});
    webhook.match_conditions.push_back(reader.text(condition, "expression"));
  }
}

std::vector<Written> read_document(std::string_view text) {
  Reader reader;
  json document;
  try {
    document = api::yaml_document(text);
  } catch (const api::DecodeError& error) {
    throw AuthorizationConfigError(error.what());
  }
  if (!document.is_object()) throw AuthorizationConfigError("the file holds no object");
  const std::string version = reader.text(document, "apiVersion"), kind = reader.text(document, "kind");
  if (kind.empty()) throw AuthorizationConfigError("Object 'Kind' is missing in the file");
  if (version.empty()) throw AuthorizationConfigError("Object 'apiVersion' is missing in the file");
  if (version != "apiserver.config.k8s.io/v1" && version != "apiserver.config.k8s.io/v1beta1" &&
      version != "apiserver.config.k8s.io/v1alpha1") {
    throw AuthorizationConfigError(fmt::format("no kind \"{}\" is registered for version \"{}\"", kind, version));
  }
  if (kind != "AuthorizationConfiguration") {
    throw AuthorizationConfigError(fmt::format("expected AuthorizationConfiguration, got {}", kind));
  }
  reader.duplicates(text);
  reader.only(document, "", {"apiVersion", "kind", "authorizers"});
  std::vector<Written> out;
  for (const json& entry : reader.list(document, "authorizers")) {
    const std::string path = fmt::format("authorizers[{}].", out.size());
    reader.only(entry, path, {"type", "name", "webhook"});
    Written& one = out.emplace_back();
    one.type = reader.text(entry, "type");
    one.name = reader.text(entry, "name");
    if (const json* webhook = reader.object(entry, "webhook")) read_webhook(reader, *webhook, path + "webhook.", one);
  }
  reader.raise();
  return out;
}

// -- Validation. Upstream leaves "webhook" out of the paths of what is wrong with one.

void check_conditions(const std::vector<std::string>& conditions, const Path& path, Errors& errors) {
  const Path all = path.member("matchConditions");
  if (conditions.size() > kConditionsMax) {
    errors.too_many(all, conditions.size(), kConditionsMax);
    return;
  }
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    const std::string& text = conditions[i];
    const Path here = all.index(i).member("expression");
    if (text.find_first_not_of(" \t\r\n") == text.npos) {
      errors.required(here);
    } else if (!seen.insert(text).second) {
      errors.duplicate(here, text);
    } else {
      try {
        (void)compile_authorization_condition(text);
      } catch (const cel::Error& error) {
        errors.invalid_text(here, text, error.what());
      }
    }
  }
}

void check_connection(const Written& written, const Path& path, Errors& errors) {
  const Path type = path.member("type"), file = path.member("kubeConfigFile");
  const std::string& name = written.webhook.kubeconfig;
  if (written.connection_type.empty()) {
    errors.required(type);
  } else if (written.connection_type == "InClusterConfig") {
    if (written.has_kubeconfig) errors.invalid_text(file, name, "can only be set when type=KubeConfigFile");
  } else if (written.connection_type != "KubeConfigFile") {
    errors.not_supported(type, written.connection_type, {"InClusterConfig", "KubeConfigFile"});
  } else if (name.empty()) {
    errors.required(file);
  } else if (!name.starts_with('/')) {
    errors.invalid_text(file, name, "must be an absolute path");
  }
}

void check_webhook(const Written& written, const Path& path, Errors& errors) {
  const AuthorizerConfig::Webhook& webhook = written.webhook;
  const auto shown = [](Duration duration) { return api::duration_text(duration); };
  if (webhook.timeout == Duration::zero()) errors.required(path.member("timeout"));
  else if (webhook.timeout < Duration::zero() || webhook.timeout > 30s)
    errors.invalid_text(path.member("timeout"), shown(webhook.timeout), "must be > 0s and <= 30s");
  if (webhook.authorized_ttl < Duration::zero())
    errors.invalid_text(path.member("authorizedTTL"), shown(webhook.authorized_ttl), "must be > 0s");
  if (webhook.unauthorized_ttl < Duration::zero())
    errors.invalid_text(path.member("unauthorizedTTL"), shown(webhook.unauthorized_ttl), "must be > 0s");

  const Path version = path.member("subjectAccessReviewVersion");
  if (webhook.review_version.empty()) errors.required(version);
  else if (webhook.review_version != "v1" && webhook.review_version != "v1beta1")
    errors.not_supported(version, webhook.review_version, {"v1", "v1beta1"});

  const Path conditions_version = path.member("matchConditionSubjectAccessReviewVersion");
  if (written.condition_version.empty()) {
    if (!webhook.match_conditions.empty()) errors.required(conditions_version, "required if match conditions are specified");
  } else if (written.condition_version != "v1") {
    errors.not_supported(conditions_version, written.condition_version, {"v1"});
  }

  const Path policy = path.member("failurePolicy");
  if (written.failure_policy.empty()) errors.required(policy);
  else if (written.failure_policy != "NoOpinion" && written.failure_policy != "Deny")
    errors.not_supported(policy, written.failure_policy, {"NoOpinion", "Deny"});
  check_connection(written, path.member("connectionInfo"), errors);
  check_conditions(webhook.match_conditions, path, errors);
}

void check_name(const std::string& name, std::set<std::string>& seen, const Path& path, Errors& errors) {
  if (name.empty()) {
    errors.required(path);
  } else if (!seen.insert(name).second) {
    errors.duplicate(path, name);
  } else if (const auto complaints = api::subdomain_name(name, false); !complaints.empty()) {
    errors.invalid_text(path, name, fmt::format("authorizer name is invalid: {}", fmt::join(complaints, ", ")));
  }
}

void validate(const std::vector<Written>& all, Errors& errors) {
  const Path root("authorizers");
  if (all.empty()) errors.required(root, "at least one authorization mode must be defined");
  std::set<std::string> names, types;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Written& one = all[i];
    const Path path = root.index(i);
    Type type{};
    if (one.type.empty()) {
      errors.required(path.member("type"));
      continue;
    }
    if (!type_of(one.type, type)) {
      errors.not_supported(path.member("type"), one.type, {"ABAC", "AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook"});
      continue;
    }
    if (!types.insert(one.type).second && type != Type::Webhook) {
      errors.duplicate(path.member("type"), one.type);
      continue;
    }
    check_name(one.name, names, path.member("name"), errors);
    if (type != Type::Webhook) {
      if (one.has_webhook) errors.invalid_text(path.member("webhook"), "non-null", "may only be specified when type=Webhook");
    } else if (!one.has_webhook) {
      errors.required(path.member("webhook"), "required when type=Webhook");
    } else {
      check_webhook(one, path, errors);
    }
  }
}

// -- Expressions: of what type `request` and its members are is known, so that a misspelt member is found before it is looked for.

struct Shape {
  std::map<std::string_view, const Shape*> members;  // null: anything may be in it
};

const Shape& request_shape() {
  static const Shape kSelector{{{"rawSelector", nullptr}, {"requirements", nullptr}}};
  static const Shape kResource{{{"namespace", nullptr},
                                {"verb", nullptr},
                                {"group", nullptr},
                                {"version", nullptr},
                                {"resource", nullptr},
                                {"subresource", nullptr},
                                {"name", nullptr},
                                {"fieldSelector", &kSelector},
                                {"labelSelector", &kSelector}}};
  static const Shape kPath{{{"path", nullptr}, {"verb", nullptr}}};
  static const Shape kRequest{{{"resourceAttributes", &kResource},
                               {"nonResourceAttributes", &kPath},
                               {"user", nullptr},
                               {"groups", nullptr},
                               {"extra", nullptr},
                               {"uid", nullptr}}};
  return kRequest;
}

// The shape of what a node is; null: it is not known. Throws cel::Error.
const Shape* shape_of(const cel::Node& node, bool shadowed) {
  using enum cel::Node::Kind;
  if (node.kind == Variable) return node.name == "request" && !shadowed ? &request_shape() : nullptr;
  bool hidden = shadowed;
  if ((node.kind == Comprehension || node.kind == Bind) && node.name == "request") hidden = true;
  const Shape* of = nullptr;
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    const Shape* each = shape_of(*node.children[i], i == 0 ? shadowed : hidden);
    if (i == 0) of = each;
  }
  if ((node.kind != Member && node.kind != Has) || !of) return nullptr;
  const auto found = of->members.find(node.name);
  if (found == of->members.end()) throw cel::Error(fmt::format("compilation failed: undefined field '{}'", node.name));
  return node.kind == Has ? nullptr : found->second;
}

}  // namespace

cel::Expression compile_authorization_condition(std::string_view text) {
  static constexpr std::string_view kNames[] = {"request"};
  std::optional<cel::Expression> out;
  cel::NodePtr tree;
  try {
    out = cel::Expression::compile(text, kNames);
    tree = cel::parse(text, {"request"});
  } catch (const cel::Error& error) {
    throw cel::Error(fmt::format("compilation failed: {}", error.what()));
  }
  shape_of(*tree, false);
  // One that looks at nothing is worth the same for every request. Of others the type shows when they are evaluated.
  std::optional<cel::Value> fixed;
  try {
    fixed = cel::Expression::compile(text, {}).evaluate({});
  } catch (const cel::Error&) {
  }
  if (fixed && !fixed->as<bool>()) throw cel::Error(fmt::format("must evaluate to bool but got {}", fixed->type_name()));
  return std::move(*out);
}

AuthorizerConfigs parse_authorization_config(std::string_view text) {
  const std::vector<Written> written = read_document(text);
  Errors errors;
  validate(written, errors);
  if (!errors.empty()) {
    std::vector<std::string> told;
    for (const api::FieldError& error : errors.list()) told.push_back(fmt::format("{}: {}", error.field, error.detail));
    throw AuthorizationConfigError(told.size() == 1 ? told[0] : fmt::format("[{}]", fmt::join(told, ", ")));
  }
  AuthorizerConfigs out;
  for (const Written& one : written) {
    AuthorizerConfig& config = out.emplace_back();
    type_of(one.type, config.type);
    config.name = one.name;
    config.webhook = one.webhook;
  }
  return out;
}

std::string reload_problem(const AuthorizerConfigs& present, const AuthorizerConfigs& next) {
  const auto fixed = [](const AuthorizerConfigs& configs) {
    std::set<std::string_view> out;
    for (const AuthorizerConfig& each : configs) {
      if (each.type != Type::Webhook) out.insert(name_of(each.type));
    }
    return out;
  };
  const auto before = fixed(present), after = fixed(next);
  for (const std::string_view type : before) {
    if (!after.contains(type)) return fmt::format("authorizers of type {} cannot be removed while the server runs", type);
  }
  for (const std::string_view type : after) {
    if (!before.contains(type)) return fmt::format("authorizers of type {} cannot be added while the server runs", type);
  }
  return {};
}

std::string_view name_of(Type type) {
  for (const auto& [name, known] : kTypes) {
    if (known == type) return name;
  }
  return {};
}

bool type_of(std::string_view name, Type& type) {
  for (const auto& [known, each] : kTypes) {
    if (known == name) {
      type = each;
      return true;
    }
  }
  return false;
}

}  // namespace ph::apiserver
