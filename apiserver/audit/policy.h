// What is audited, and how much of it: the rules of a policy file, of which the first that matches a request decides.
// Reference: "Auditing", kube-apiserver audit configuration (audit.k8s.io/v1).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/access.h"

namespace ph::apiserver::audit {

// Each holds what the ones before it hold.
enum class Level : unsigned char { None, Metadata, Request, RequestResponse };
enum class Stage : unsigned char { RequestReceived, ResponseStarted, ResponseComplete, Panic };

std::string_view level_name(Level level);
std::string_view stage_name(Stage stage);

// A set of stages.
class Stages {
 public:
  void add(Stage stage) { bits_ |= 1u << static_cast<unsigned>(stage); }
  void add(Stages others) { bits_ |= others.bits_; }
  bool has(Stage stage) const { return (bits_ >> static_cast<unsigned>(stage) & 1u) != 0; }
  bool operator==(const Stages&) const = default;

 private:
  unsigned bits_ = 0;
};

struct GroupResources {
  std::string group;
  std::vector<std::string> resources, resource_names;  // empty: all
};

// Lists that are empty match everything.
struct Rule {
  Level level = Level::None;
  std::vector<std::string> users, user_groups, verbs;
  std::vector<GroupResources> resources;
  std::vector<std::string> namespaces, non_resource_urls;
  Stages omit_stages;
  std::optional<bool> omit_managed_fields;  // nothing: as the policy says
};

struct Policy {
  std::vector<Rule> rules;
  Stages omit_stages;  // besides those of a rule
  bool omit_managed_fields = false;
};

// What a policy says of one request.
struct Judgement {
  Level level = Level::None;
  Stages omitted;
  bool omit_managed_fields = false;
};

// `user` is null when nobody could tell who asks: rules that name users or groups do not match. Threads: any.
Judgement judge(const Policy& policy, const Identity* user, const RequestInfo& request);

// A policy file, JSON or YAML. What it has and no policy knows, or has twice, goes to `complaints`: upstream reads on, and so is done here.
// Throws std::invalid_argument: it is no policy, or not a valid one; problems are told with upstream's paths and words.
Policy read_policy(std::string_view text, std::vector<std::string>& complaints);

}  // namespace ph::apiserver::audit
