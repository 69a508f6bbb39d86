// kubectl-why: `kubectl why`, which asks the scheduler why a pod is where it is, or would be (docs/why.md).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "daemon/flags.h"
#include "pilothouse/asking.h"

namespace ph::pilothouse {

struct WhyOptions {
  std::vector<std::string> words;  // pod NAME
  std::vector<std::string> files;
  std::string kubeconfig, context, namespace_name;
  std::string scheduler_url, certificate_authority;
  bool insecure_skip_tls_verify = false;
  std::string output = "text";
  bool admit = true, all_nodes = false;
  int runners_up = 3, nearest = 5;
  std::vector<std::string> add_nodes, drain, uncordon, label, taint;
  std::string like;
};

// The options must outlive the set.
void add_flags(daemon::FlagSet& flags, WhyOptions& options);

// -- The parts of a question; what is wrong with one is a FlagError.

// The name of the pod among the words: "pod NAME", "pod/NAME" or "NAME". Empty: there are none.
std::string pod_name(const std::vector<std::string>& words);
// Path and query. `namespace_name` and `pod` are empty when the pod is in the body.
std::string why_target(const WhyOptions& options, const std::string& namespace_name, const std::string& pod);
// The pod that a document is, or that it is a template of; null: it is no such document.
nlohmann::json pod_of(const nlohmann::json& document);

// The program. `args` without its name; returns the exit code.
int kubectl_why(const std::string& program, std::span<const std::string> args);

}  // namespace ph::pilothouse
