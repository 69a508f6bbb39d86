// A policy file. Upstream: apiserver/pkg/audit/policy/reader.go, apis/audit/validation
#include <array>
#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/error_text.h"
#include "api/json_text.h"
#include "api/names.h"
#include "api/rules.h"
#include "api/yaml_duplicates.h"
#include "apiserver/audit/policy.h"

namespace ph::apiserver::audit {
namespace {

using api::Path;
using nlohmann::json;

constexpr std::array kLevels{Level::None, Level::Metadata, Level::Request, Level::RequestResponse};
constexpr std::array kStages{Stage::RequestReceived, Stage::ResponseStarted, Stage::ResponseComplete, Stage::Panic};

template <class Value, std::size_t N>
std::optional<Value> named(const std::array<Value, N>& values, std::string_view (*name_of)(Value), std::string_view name) {
  for (const Value value : values) {
    if (name_of(value) == name) return value;
  }
  return std::nullopt;
}

template <class Value, std::size_t N>
std::vector<std::string> names_of(const std::array<Value, N>& values, std::string_view (*name_of)(Value)) {
  std::vector<std::string> out;
  for (const Value value : values) out.emplace_back(name_of(value));
  return out;
}

// The members of one object. What none of them asks for is told at the end.
class Members {
 public:
  Members(const json& object, Path path, std::vector<std::string>& unknown) : object_(object), path_(path), unknown_(unknown) {
    if (!object.is_object())
      throw std::invalid_argument(fmt::format("{}: {} is no object", where(), api::json_type_name(object)));
  }

  Path at(std::string_view name) const { return path_.text().empty() ? Path(name) : path_.member(name); }

  // Null: it says nothing of it.
  const json* find(std::string_view name) {
    known_.emplace_back(name);
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }
  std::string text(std::string_view name) {
    const json* value = find(name);
    if (value == nullptr) return {};
    if (!value->is_string()) refuse(name, *value, "string");
    return *value;
  }
  std::optional<bool> flag(std::string_view name) {
    const json* value = find(name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_boolean()) refuse(name, *value, "boolean");
    return value->get<bool>();
  }
  const json& list(std::string_view name) {
    static const json kNone = json::array();
    const json* value = find(name);
    if (value == nullptr) return kNone;
    if (!value->is_array()) refuse(name, *value, "list");
    return *value;
  }
  std::vector<std::string> texts(std::string_view name) {
    std::vector<std::string> out;
    for (const json& item : list(name)) {
      if (!item.is_string()) refuse(name, item, "string");
      out.push_back(item);
    }
    return out;
  }

  void end() {
    for (const auto& [name, value] : object_.items()) {
      if (std::ranges::find(known_, name) == known_.end())
        unknown_.push_back(fmt::format("unknown field \"{}\"", at(name).text()));
    }
  }

 private:
  std::string where() const { return path_.text().empty() ? "the policy" : path_.text(); }
  [[noreturn]] void refuse(std::string_view name, const json& value, std::string_view wanted) const {
    throw std::invalid_argument(fmt::format("{}: {} instead of {}", at(name).text(), api::json_type_name(value), wanted));
  }

  const json& object_;
  const Path path_;
  std::vector<std::string>& unknown_;
  std::vector<std::string> known_;
};

Stages read_stages(Members& members, api::Errors& errors) {
  Stages out;
  const std::vector<std::string> names = members.texts("omitStages");
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (const auto stage = named(kStages, &stage_name, names[i])) {
      out.add(*stage);
    } else {
      errors.invalid_text(members.at("omitStages").index(i), names[i],
                          fmt::format("allowed stages are {}", fmt::join(names_of(kStages, &stage_name), ",")));
    }
  }
  return out;
}

Level read_level(Members& members, api::Errors& errors) {
  const std::string name = members.text("level");
  if (const auto level = named(kLevels, &level_name, name)) return *level;
  if (name.empty()) errors.required(members.at("level"));
  else errors.not_supported(members.at("level"), name, names_of(kLevels, &level_name));
  return Level::None;
}

std::vector<std::string> read_urls(Members& members, api::Errors& errors) {
  std::vector<std::string> urls = members.texts("nonResourceURLs");
  for (std::size_t i = 0; i < urls.size(); ++i) {
    const std::string& url = urls[i];
    if (url == "*") continue;
    const Path path = members.at("nonResourceURLs").index(i);
    if (!url.starts_with('/')) errors.invalid_text(path, url, "non-resource URL rules must begin with a '/' character");
    if (url.find('*') < url.size() - (url.empty() ? 0 : 1)) {
      errors.invalid_text(path, url, "non-resource URL wildcards '*' must be the final character of the rule");
    }
  }
  return urls;
}

GroupResources read_resources(const json& document, Path path, std::vector<std::string>& unknown, api::Errors& errors) {
  Members members(document, path, unknown);
  GroupResources out{members.text("group"), members.texts("resources"), members.texts("resourceNames")};
  if (!out.group.empty()) {
    const auto complaints = api::check_dns1123_subdomain(out.group);
    if (!complaints.empty()) errors.invalid_text(members.at("group"), out.group, fmt::format("{}", fmt::join(complaints, ",")));
  }
  if (!out.resource_names.empty() && out.resources.empty()) {
    errors.invalid(members.at("resourceNames"), json(out.resource_names).dump(),
                   "using resourceNames requires at least one resource");
  }
  members.end();
  return out;
}

Rule read_rule(const json& document, Path path, std::vector<std::string>& unknown, api::Errors& errors) {
  Members members(document, path, unknown);
  Rule rule;
  rule.level = read_level(members, errors);
  rule.users = members.texts("users");
  rule.user_groups = members.texts("userGroups");
  rule.verbs = members.texts("verbs");
  rule.namespaces = members.texts("namespaces");
  rule.non_resource_urls = read_urls(members, errors);
  const json& resources = members.list("resources");
  for (std::size_t i = 0; i < resources.size(); ++i) {
    rule.resources.push_back(read_resources(resources[i], members.at("resources").index(i), unknown, errors));
  }
  rule.omit_stages = read_stages(members, errors);
  rule.omit_managed_fields = members.flag("omitManagedFields");
  if (!rule.non_resource_urls.empty() && (!rule.resources.empty() || !rule.namespaces.empty())) {
    errors.invalid(members.at("nonResourceURLs"), json(rule.non_resource_urls).dump(),
                   "rules cannot apply to both regular resources and non-resource URLs");
  }
  members.end();
  return rule;
}

void check_kind(Members& members) {
  const std::string version = members.text("apiVersion"), kind = members.text("kind");
  if (version != "audit.k8s.io/v1") throw std::invalid_argument(fmt::format("unknown group version field {} in policy", version));
  if (kind != "Policy") throw std::invalid_argument(fmt::format("the kind is \"{}\", not Policy", kind));
  (void)members.find("metadata");
}

Policy read_document(const json& document, std::vector<std::string>& unknown) {
  Members members(document, Path(), unknown);
  check_kind(members);
  Policy policy;
  api::Errors errors;
  policy.omit_stages = read_stages(members, errors);
  policy.omit_managed_fields = members.flag("omitManagedFields").value_or(false);
  const json& rules = members.list("rules");
  for (std::size_t i = 0; i < rules.size(); ++i) {
    policy.rules.push_back(read_rule(rules[i], Path("rules").index(i), unknown, errors));
  }
  members.end();
  if (!errors.empty()) throw std::invalid_argument(api::text_of(errors.list()));
  if (policy.rules.empty()) throw std::invalid_argument("loaded illegal policy with 0 rules");
  return policy;
}

}  // namespace

Policy read_policy(std::string_view text, std::vector<std::string>& complaints) {
  json document;
  try {
    document = json::parse(api::yaml_body_to_json(text), nullptr, false);
    for (const std::string& twice : api::yaml_duplicates(text)) complaints.push_back(twice);
  } catch (const api::DecodeError& error) {
    throw std::invalid_argument(error.what());
  }
  return read_document(document, complaints);
}

}  // namespace ph::apiserver::audit
