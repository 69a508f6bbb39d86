#include "apiserver/flowcontrol/flow_config.h"

#include <algorithm>

#include "api/flows.h"
#include "base/assert.h"

namespace ph::apiserver {

using flowcontrol::v1::FlowSchema, flowcontrol::v1::PriorityLevelConfiguration;

namespace {

constexpr std::string_view kServiceAccount = "system:serviceaccount:";

template <class Texts>
bool has(const Texts& list, std::string_view wanted) {
  return std::ranges::any_of(list, [&](const std::string& text) { return text == "*" || text == wanted; });
}

// "system:serviceaccount:SPACE:NAME"; a name of "*" is every account of the namespace.
bool is_account(const flowcontrol::v1::ServiceAccountSubject& account, std::string_view user) {
  if (!user.starts_with(kServiceAccount)) return false;
  user.remove_prefix(kServiceAccount.size());
  const std::string& space = account.namespace_();
  if (!user.starts_with(space) || user.size() <= space.size() || user[space.size()] != ':') return false;
  return account.name() == "*" || user.substr(space.size() + 1) == account.name();
}

bool subject_matches(const flowcontrol::v1::Subject& subject, const Identity& user) {
  if (subject.kind() == "User") return subject.user().name() == "*" || subject.user().name() == user.name;
  if (subject.kind() == "ServiceAccount") return is_account(subject.service_account(), user.name);
  if (subject.kind() != "Group") return false;
  const std::string& group = subject.group().name();
  return group == "*" || std::ranges::find(user.groups, group) != user.groups.end();
}

bool rule_matches(const flowcontrol::v1::ResourcePolicyRule& rule, const RequestInfo& request) {
  if (!has(rule.verbs(), request.verb) || !has(rule.api_groups(), request.group)) return false;
  const std::string resource = request.subresource.empty() ? request.resource : request.resource + "/" + request.subresource;
  if (!has(rule.resources(), resource)) return false;
  return request.namespace_name.empty() ? rule.cluster_scope() : has(rule.namespaces(), request.namespace_name);
}

// A pattern is a path, or ends in "/*" and means all below it.
bool path_matches(std::string_view pattern, std::string_view path) {
  if (pattern == "*" || pattern == path) return true;
  return pattern.ends_with("/*") && path.starts_with(pattern.substr(0, pattern.size() - 1));
}

bool rule_matches(const flowcontrol::v1::NonResourcePolicyRule& rule, const RequestInfo& request) {
  return has(rule.verbs(), request.verb) && std::ranges::any_of(rule.non_resource_urls(), [&](const std::string& pattern) {
           return path_matches(pattern, request.path);
         });
}

template <class Rules>
bool any_matches(const Rules& rules, const RequestInfo& request) {
  return std::ranges::any_of(rules, [&](const auto& rule) { return rule_matches(rule, request); });
}

std::string distinguisher(const FlowSchema& schema, const Identity& user, const RequestInfo& request) {
  const std::string& method = schema.spec().distinguisher_method().type();
  if (method == "ByUser") return user.name;
  return method == "ByNamespace" ? request.namespace_name : std::string();
}

LevelSpec read_level(const PriorityLevelConfiguration& object) {
  LevelSpec out{.name = object.metadata().name(), .uid = object.metadata().uid()};
  const auto& spec = object.spec();
  out.exempt = spec.type() == "Exempt";
  if (out.exempt) {
    out.shares = spec.exempt().nominal_concurrency_shares();
    out.lendable = spec.exempt().lendable_percent() / 100.0;
    return out;
  }
  const auto& limited = spec.limited();
  out.shares = limited.nominal_concurrency_shares();
  out.lendable = limited.lendable_percent() / 100.0;
  if (limited.has_borrowing_limit_percent()) out.borrowing = limited.borrowing_limit_percent() / 100.0;
  out.queues = limited.limit_response().type() == "Queue";
  const auto& queuing = limited.limit_response().queuing();
  out.queue_count = static_cast<std::size_t>(std::max(1, queuing.queues()));
  out.hand = std::min(out.queue_count, static_cast<std::size_t>(std::max(1, queuing.hand_size())));
  out.queue_length = static_cast<std::size_t>(std::max(0, queuing.queue_length_limit()));
  return out;
}

// Those that must be there and are not.
template <class T>
void add_mandatory(std::vector<T>& objects, const std::vector<T>& mandatory) {
  for (const T& one : mandatory) {
    const auto same = [&](const T& object) { return object.metadata().name() == one.metadata().name(); };
    if (std::ranges::none_of(objects, same)) objects.push_back(one);
  }
}

}  // namespace

bool schema_matches(const FlowSchema& schema, const Identity& user, const RequestInfo& request) {
  return std::ranges::any_of(schema.spec().rules(), [&](const flowcontrol::v1::PolicyRulesWithSubjects& rules) {
    if (std::ranges::none_of(rules.subjects(), [&](const auto& subject) { return subject_matches(subject, user); })) return false;
    return request.is_resource ? any_matches(rules.resource_rules(), request) : any_matches(rules.non_resource_rules(), request);
  });
}

FlowConfig FlowConfig::make(std::vector<FlowSchema> schemas, std::vector<PriorityLevelConfiguration> levels,
                            const SeriesOf& series) {
  add_mandatory(schemas, api::mandatory_flow_schemas());
  add_mandatory(levels, api::mandatory_priority_levels());
  std::ranges::sort(schemas, {}, [](const FlowSchema& schema) {
    return std::pair<int, std::string_view>(schema.spec().matching_precedence(), schema.metadata().name());
  });
  FlowConfig out;
  for (const auto& level : levels) out.levels_[level.metadata().name()] = std::make_shared<LevelSpec>(read_level(level));
  for (FlowSchema& schema : schemas) {
    const auto level = out.levels_.find(schema.spec().priority_level_configuration().name());
    if (level == out.levels_.end()) continue;
    auto in_use = std::make_shared<FlowSchemaInUse>();
    if (series) in_use->series = series(schema.metadata().name(), level->first);
    in_use->schema = std::move(schema);
    in_use->level = level->second;
    out.schemas_.push_back(std::move(in_use));
  }
  return out;
}

Flow FlowConfig::classify(const Identity& user, const RequestInfo& request) const {
  for (const auto& schema : schemas_) {
    if (schema_matches(schema->schema, user, request)) return {schema, distinguisher(schema->schema, user, request)};
  }
  // The mandatory catch-all takes everybody who is authenticated or not; and yet nothing must depend on what is stored.
  return {schemas_.back(), {}};
}

}  // namespace ph::apiserver
