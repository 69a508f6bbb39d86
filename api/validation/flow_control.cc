// flowcontrol.apiserver.k8s.io/v1 FlowSchema and PriorityLevelConfiguration.
#include <cmath>

#include <fmt/format.h>

#include "api/flows.h"
#include "api/validation/validation.h"

namespace ph::api {

using namespace flowcontrol::v1;
using Strings = google::protobuf::RepeatedPtrField<std::string>;

namespace {

constexpr std::int32_t kPrecedenceMax = 10'000, kQueuesMax = 10'000'000;
constexpr double kEntropyBitsMax = 60;

// -- Rules of a flow schema

// There is one, and "*" stands alone. `what`: of what there may be no others.
void check_list(const Strings& values, std::string_view when_none, std::string_view what, const Path& path, Errors& errors) {
  if (values.empty()) return errors.required(path, when_none);
  check_lone_star(values, what, path, errors);
}

void check_verbs(const Strings& verbs, const Path& path, Errors& errors) {
  static const std::vector<std::string> kVerbs = {"create", "delete", "deletecollection", "get",  "list",
                                                  "patch",  "proxy",  "update",           "watch"};
  check_list(verbs, "verbs must contain at least one value", "verbs", path, errors);
  if (std::ranges::find(verbs, "*") != verbs.end()) return;
  const bool known =
      std::ranges::all_of(verbs, [](const std::string& verb) { return std::ranges::find(kVerbs, verb) != kVerbs.end(); });
  if (!known) errors.not_supported_json(path, json_of(verbs), kVerbs);
}

void check_namespaces(const ResourcePolicyRule& rule, const Path& path, Errors& errors) {
  const Strings& spaces = rule.namespaces();
  if (spaces.empty() && rule.cluster_scope()) return;
  check_list(spaces, "resource rules that are not cluster scoped must supply at least one namespace", "namespaces", path, errors);
  for (int i = 0; i < spaces.size(); ++i) {
    if (spaces[i] == "*") continue;
    for (const std::string& complaint : check_dns1123_label(spaces[i])) {
      errors.invalid_text(path.index(static_cast<std::size_t>(i)), spaces[i],
                          fmt::format("each member of this list must be '*' or a DNS-1123 label; {}", complaint));
    }
  }
}

void check_resource_rule(const ResourcePolicyRule& rule, const Path& path, Errors& errors) {
  check_verbs(rule.verbs(), path.member("verbs"), errors);
  check_list(rule.api_groups(), "resource rules must supply at least one api group", "api groups", path.member("apiGroups"),
             errors);
  check_list(rule.resources(), "resource rules must supply at least one resource", "resources", path.member("resources"), errors);
  check_namespaces(rule, path.member("namespaces"), errors);
}

// What is wrong with a URL's path; empty when nothing is.
std::string_view url_path_error(std::string_view path) {
  if (path.empty()) return "must not be empty";
  if (path == "/") return {};
  if (!path.starts_with('/')) return "must start with slash";
  if (path.find(' ') != path.npos) return "must not contain white-space";
  if (path.find("//") != path.npos) return "must not contain double slash";
  const auto stars = std::ranges::count(path, '*');
  return stars > 1 || (stars == 1 && !path.ends_with("/*")) ? "wildcard can only do suffix matching" : "";
}

void check_other_rule(const NonResourcePolicyRule& rule, const Path& path, Errors& errors) {
  check_verbs(rule.verbs(), path.member("verbs"), errors);
  const Path urls = path.member("nonResourceURLs");
  check_list(rule.non_resource_urls(), "nonResourceURLs must contain at least one value", "non-resource URLs", urls, errors);
  for (int i = 0; i < rule.non_resource_urls_size(); ++i) {
    const std::string& url = rule.non_resource_urls(i);
    const std::string_view why = url == "*" ? std::string_view() : url_path_error(url);
    if (!why.empty()) errors.invalid_text(urls.index(static_cast<std::size_t>(i)), url, why);
  }
}

void check_service_account(const ServiceAccountSubject& account, const Path& path, Errors& errors) {
  if (account.name().empty()) errors.required(path.member("name"));
  else if (account.name() != "*") check_subdomain(account.name(), path.member("name"), errors);
  if (account.namespace_().empty()) errors.required(path.member("namespace"), "must specify namespace for service account");
  else check_label(account.namespace_(), path.member("namespace"), errors);
}

void check_subject(const Subject& subject, const Path& path, Errors& errors) {
  struct Member {
    std::string_view kind, name;
    bool is_set;
  };
  const Member members[] = {{"ServiceAccount", "serviceAccount", subject.has_service_account()},
                            {"User", "user", subject.has_user()},
                            {"Group", "group", subject.has_group()}};
  if (std::ranges::find(members, subject.kind(), &Member::kind) == std::end(members)) {
    return errors.not_supported(path.member("kind"), subject.kind(), {"Group", "ServiceAccount", "User"});
  }
  for (const Member& member : members) {
    const Path at = path.member(member.name);
    if (member.kind == subject.kind() && !member.is_set) {
      errors.required(at, fmt::format("{} is required when subject kind is '{}'", member.name, member.kind));
    } else if (member.kind != subject.kind() && member.is_set) {
      errors.forbidden(at, fmt::format("{} is forbidden when subject kind is not '{}'", member.name, member.kind));
    }
  }
  if (subject.kind() == "User" && subject.has_user() && subject.user().name().empty())
    errors.required(path.member("user").member("name"));
  if (subject.kind() == "Group" && subject.has_group() && subject.group().name().empty()) {
    errors.required(path.member("group").member("name"));
  }
  if (subject.kind() == "ServiceAccount" && subject.has_service_account()) {
    check_service_account(subject.service_account(), path.member("serviceAccount"), errors);
  }
}

void check_rule(const PolicyRulesWithSubjects& rule, const Path& path, Errors& errors) {
  const Path subjects = path.member("subjects"), resources = path.member("resourceRules"),
             others = path.member("nonResourceRules");
  if (rule.subjects().empty()) errors.required(subjects, "subjects must contain at least one value");
  for (int i = 0; i < rule.subjects_size(); ++i)
    check_subject(rule.subjects(i), subjects.index(static_cast<std::size_t>(i)), errors);
  if (rule.resource_rules().empty() && rule.non_resource_rules().empty()) {
    errors.required(path, "at least one of resourceRules and nonResourceRules has to be non-empty");
  }
  for (int i = 0; i < rule.resource_rules_size(); ++i) {
    check_resource_rule(rule.resource_rules(i), resources.index(static_cast<std::size_t>(i)), errors);
  }
  for (int i = 0; i < rule.non_resource_rules_size(); ++i) {
    check_other_rule(rule.non_resource_rules(i), others.index(static_cast<std::size_t>(i)), errors);
  }
}

// -- Priority levels

// The bits it takes to deal a hand of cards from a deck.
double entropy_bits(std::int32_t deck, std::int32_t hand) { return std::ceil(std::log2(static_cast<double>(deck)) * hand); }

void check_queuing(const QueuingConfiguration& queuing, const Path& path, Errors& errors) {
  constexpr std::string_view kPositive = "must be positive";
  if (queuing.queue_length_limit() <= 0) errors.invalid(path.member("queueLengthLimit"), queuing.queue_length_limit(), kPositive);
  const Path queues = path.member("queues"), hand = path.member("handSize");
  if (queuing.queues() <= 0) errors.invalid(queues, queuing.queues(), kPositive);
  else if (queuing.queues() > kQueuesMax)
    errors.invalid(queues, queuing.queues(), fmt::format("must not be greater than {}", kQueuesMax));
  if (queuing.hand_size() <= 0) {
    errors.invalid(hand, queuing.hand_size(), kPositive);
  } else if (queuing.hand_size() > queuing.queues()) {
    errors.invalid(hand, queuing.hand_size(), fmt::format("should not be greater than queues ({})", queuing.queues()));
  } else if (entropy_bits(queuing.queues(), queuing.hand_size()) > kEntropyBitsMax) {
    errors.invalid(hand, queuing.hand_size(),
                   fmt::format("required entropy bits of deckSize {} and handSize {} should not be greater than {:.0f}",
                               queuing.queues(), queuing.hand_size(), kEntropyBitsMax));
  }
}

void check_limit_response(const LimitResponse& response, const Path& path, Errors& errors) {
  const Path queuing = path.member("queuing");
  if (response.type() == "Reject") {
    if (response.has_queuing()) errors.forbidden(queuing, "must be nil if limited.limitResponse.type is not Limited");
  } else if (response.type() == "Queue") {
    if (!response.has_queuing()) errors.required(queuing, "must not be empty if limited.limitResponse.type is Limited");
    else check_queuing(response.queuing(), queuing, errors);
  } else {
    errors.not_supported(path.member("type"), response.type(), {"Queue", "Reject"});
  }
}

template <class Configuration>
void check_shares(const Configuration& configuration, const Path& path, Errors& errors) {
  if (configuration.nominal_concurrency_shares() < 0) {
    errors.invalid(path.member("nominalConcurrencyShares"), configuration.nominal_concurrency_shares(),
                   "must be a non-negative integer");
  }
}

template <class Configuration>
void check_lendable(const Configuration& configuration, const Path& path, Errors& errors) {
  if (configuration.lendable_percent() < 0 || configuration.lendable_percent() > 100) {
    errors.invalid(path.member("lendablePercent"), configuration.lendable_percent(), "must be between 0 and 100, inclusive");
  }
}

void check_limited(const LimitedPriorityLevelConfiguration& limited, const Path& path, Errors& errors) {
  check_shares(limited, path, errors);
  check_limit_response(limited.limit_response(), path.member("limitResponse"), errors);
  check_lendable(limited, path, errors);
  if (limited.borrowing_limit_percent() < 0) {
    errors.invalid(path.member("borrowingLimitPercent"), limited.borrowing_limit_percent(),
                   "if specified, must be a non-negative integer");
  }
}

// Of the exempt level only its shares are the cluster's to choose.
void check_mandatory(const PriorityLevelConfiguration& level, const Path& path, Errors& errors) {
  const PriorityLevelConfiguration* fixed = mandatory_priority_level(level.metadata().name());
  if (fixed == nullptr) return;
  PriorityLevelConfigurationSpec wanted = fixed->spec();
  const bool exempt = wanted.has_exempt();
  if (exempt && level.spec().has_exempt()) *wanted.mutable_exempt() = level.spec().exempt();
  else if (exempt) wanted.clear_exempt();
  if (same(wanted, level.spec())) return;
  errors.invalid_message(path, level.spec(),
                         fmt::format("spec of '{}'{} must equal the fixed value", level.metadata().name(),
                                     exempt ? " except the 'spec.exempt' field" : ""));
}

template <class Conditions>
void check_conditions(const Conditions& conditions, const Path& path, Errors& errors) {
  std::set<std::string_view> types;
  for (int i = 0; i < conditions.size(); ++i) {
    const Path type = path.index(static_cast<std::size_t>(i)).member("type");
    if (conditions[i].type().empty()) errors.required(type);
    else if (!types.insert(conditions[i].type()).second) errors.duplicate(type, conditions[i].type());
  }
}

}  // namespace

void validate(const FlowSchema& schema, Errors& errors) {
  const FlowSchemaSpec& spec = schema.spec();
  const std::string& name = schema.metadata().name();
  const Path path("spec"), precedence = path.member("matchingPrecedence");
  if (spec.matching_precedence() <= 0) {
    errors.invalid(precedence, spec.matching_precedence(), "must be a positive value");
  } else if (spec.matching_precedence() > kPrecedenceMax) {
    errors.invalid(precedence, spec.matching_precedence(), fmt::format("must not be greater than {}", kPrecedenceMax));
  } else if (spec.matching_precedence() == 1 && name != "exempt") {
    errors.invalid(precedence, 1, "only the schema named 'exempt' may have matchingPrecedence 1");
  }
  if (spec.has_distinguisher_method()) {
    const std::string& type = spec.distinguisher_method().type();
    if (type != "ByNamespace" && type != "ByUser") {
      errors.not_supported_json(path.member("distinguisherMethod").member("type"), fmt::format(R"({{"Type":{}}})", quote(type)),
                                {"ByNamespace", "ByUser"});
    }
  }
  const Path level = path.member("priorityLevelConfiguration").member("name");
  if (spec.priority_level_configuration().name().empty()) errors.required(level, "must reference a priority level");
  else check_subdomain(spec.priority_level_configuration().name(), level, errors);
  for (int i = 0; i < spec.rules_size(); ++i)
    check_rule(spec.rules(i), path.member("rules").index(static_cast<std::size_t>(i)), errors);
  const FlowSchema* fixed = mandatory_flow_schema(name);
  if (fixed != nullptr && !same(fixed->spec(), spec)) {
    errors.invalid_message(path, spec, fmt::format("spec of '{}' must equal the fixed value", name));
  }
}

void validate_update(const FlowSchema& now, const FlowSchema&, Errors& errors) { validate(now, errors); }

void validate_status(const FlowSchema& now, const FlowSchema&, Errors& errors) {
  check_conditions(now.status().conditions(), Path("status").member("conditions"), errors);
}

void validate(const PriorityLevelConfiguration& level, Errors& errors) {
  const PriorityLevelConfigurationSpec& spec = level.spec();
  const Path path("spec"), type = path.member("type"), limited = path.member("limited"), exempt = path.member("exempt");
  if ((level.metadata().name() == "exempt") != (spec.type() == "Exempt")) {
    errors.invalid_text(type, spec.type(), "must be 'Exempt' if and only if `name` is 'exempt'");
  }
  if (spec.type() == "Exempt") {
    if (spec.has_limited()) errors.forbidden(limited, "must be nil if the type is not Limited");
    if (spec.has_exempt()) {
      check_shares(spec.exempt(), exempt, errors);
      check_lendable(spec.exempt(), exempt, errors);
    }
  } else if (spec.type() == "Limited") {
    if (spec.has_exempt()) errors.forbidden(exempt, "must be nil if the type is Limited");
    if (!spec.has_limited()) errors.required(limited, "must not be empty when type is Limited");
    else check_limited(spec.limited(), limited, errors);
  } else {
    errors.not_supported(type, spec.type(), {"Exempt", "Limited"});
  }
  check_mandatory(level, path, errors);
}

void validate_update(const PriorityLevelConfiguration& now, const PriorityLevelConfiguration&, Errors& errors) {
  validate(now, errors);
}

void validate_status(const PriorityLevelConfiguration& now, const PriorityLevelConfiguration&, Errors& errors) {
  check_conditions(now.status().conditions(), Path("status").member("conditions"), errors);
}

}  // namespace ph::api
