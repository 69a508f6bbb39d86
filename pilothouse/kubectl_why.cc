#include "pilothouse/kubectl_why.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "daemon/kubeconfig.h"
#include "daemon/program.h"
#include "net/client.h"
#include "pilothouse/version.h"
#include "scheduler/why/json.h"
#include "scheduler/why/text.h"

namespace ph::pilothouse {

using daemon::FlagError;
using nlohmann::json;

// -- Flags

void add_flags(daemon::FlagSet& flags, WhyOptions& options) {
  flags.take_words(options.words, "[pod NAME]");
  flags.section("What is asked");
  flags.add("namespace", options.namespace_name, "The pod's namespace; else the kubeconfig's");
  flags.shorthand('n', "namespace");
  flags.add_array(
      "filename", options.files,
      "A file (- is standard input) with a pod that is not there, or a workload with a template of one; nodes in it are "
      "imagined, too");
  flags.shorthand('f', "filename");
  flags.add("admit", options.admit, "The apiserver admits the pod of a file first, as a dry run");
  flags.section("What if");
  flags.add_array("add-nodes", options.add_nodes, "So many more nodes like --like; or COUNT:NODE");
  flags.add("like", options.like, "The node that added ones are like");
  flags.add_array("drain", options.drain, "This node were cordoned and emptied");
  flags.add_array("uncordon", options.uncordon, "This node were open for pods again");
  flags.add_array("label", options.label, "NODE:KEY=VALUE: the node had the label; NODE:KEY-: it had not");
  flags.add_array("taint", options.taint, "NODE:KEY=VALUE:EFFECT: the node had the taint; NODE:KEY-: it had not");
  flags.section("Output");
  flags.add("output", options.output, "text, json or yaml");
  flags.shorthand('o', "output");
  flags.add("all-nodes", options.all_nodes, "The names of all nodes");
  flags.add("runners-up", options.runners_up, "How many nodes' scores besides the chosen one's");
  flags.add("nearest", options.nearest, "How many of the nodes that were nearly let through");
  flags.section("Whom to ask");
  flags.add("kubeconfig", options.kubeconfig, "Else $KUBECONFIG, or ~/.kube/config");
  flags.add("context", options.context, "Of the kubeconfig, instead of the current one");
  flags.add(
      "scheduler-url", options.scheduler_url,
      "A scheduler's secure port, https://HOST:10259; without it the apiserver is asked, which knows as long as the scheduler "
      "runs in its process");
  flags.add("certificate-authority", options.certificate_authority, "Of the scheduler's certificate; else the kubeconfig's");
  flags.add("insecure-skip-tls-verify", options.insecure_skip_tls_verify, "Whatever certificate the scheduler shows");
}

std::string pod_name(const std::vector<std::string>& words) {
  if (words.empty()) return {};
  const auto is_kind = [](std::string_view word) { return word == "pod" || word == "pods" || word == "po"; };
  std::string name = words.back();
  if (words.size() == 1) {
    const auto slash = name.find('/');
    if (slash == name.npos && !is_kind(name)) return name;
    if (slash != name.npos && is_kind(name.substr(0, slash)) && slash + 1 < name.size()) return name.substr(slash + 1);
  } else if (words.size() == 2 && is_kind(words.front()) && !name.empty() && name.find('/') == name.npos) {
    return name;
  }
  throw FlagError("what about which pod? `kubectl why pod NAME`, or `kubectl why -f FILE`");
}

namespace {

// COUNT:NODE
std::string added(const std::string& value, const std::string& like) {
  if (value.find(':') != value.npos) return value;
  if (like.empty()) throw FlagError(fmt::format("--add-nodes {}: like which node? --like NODE", value));
  return value + ":" + like;
}

}  // namespace

std::string why_target(const WhyOptions& options, const std::string& namespace_name, const std::string& pod) {
  if (!options.like.empty() && options.add_nodes.empty()) throw FlagError("--like: how many? --add-nodes COUNT");
  std::string out = fmt::format("/debug/why?runnersUp={}&nearest={}", options.runners_up, options.nearest);
  const auto add = [&](std::string_view name, std::string_view value) { out += fmt::format("&{}={}", name, encoded(value)); };
  if (!pod.empty()) add("pod", namespace_name + "/" + pod);
  for (const std::string& value : options.add_nodes) add("addNodes", added(value, options.like));
  for (const std::string& value : options.drain) add("drain", value);
  for (const std::string& value : options.uncordon) add("uncordon", value);
  for (const std::string& value : options.label) add("label", value);
  for (const std::string& value : options.taint) add("taint", value);
  return out;
}

// -- Files

namespace {

// The object that a member is; null: there is none.
const json* inside(const json* object, const char* member) {
  if (!object) return nullptr;
  const auto found = object->find(member);
  return found == object->end() || !found->is_object() ? nullptr : &*found;
}

}  // namespace

json pod_of(const json& document) {
  if (!document.is_object()) return nullptr;
  if (document.value("kind", "") == "Pod") return document;
  const json* spec = inside(&document, "spec");
  if (const json* job = inside(spec, "jobTemplate")) spec = inside(job, "spec");
  const json* pattern = inside(spec, "template");
  if (!pattern) return nullptr;
  json pod = *pattern;
  pod["apiVersion"] = "v1";
  pod["kind"] = "Pod";
  if (const json* metadata = inside(&document, "metadata")) {
    for (const char* member : {"name", "namespace"}) {
      if (metadata->contains(member)) pod["metadata"][member] = (*metadata)[member];
    }
  }
  return pod;
}

namespace {

daemon::ClientConfig scheduler_config(const WhyOptions& options, daemon::ClientConfig config) {
  if (options.scheduler_url.empty()) return config;
  config.server = options.scheduler_url;
  config.server_name.clear();
  if (!options.certificate_authority.empty()) config.ca_pem = content_of(options.certificate_authority);
  config.skip_verify = options.insecure_skip_tls_verify;
  return config;
}

// As it would be stored. It may be there already: the dry run makes one of another name.
json admitted(AskedServer& apiserver, json pod, const std::string& namespace_name) {
  json& metadata = pod["metadata"];
  const std::string name = metadata.value("name", metadata.value("generateName", "pod"));
  metadata.erase("name");
  metadata["generateName"] = name + "-";
  metadata["namespace"] = namespace_name;
  const Reply reply = apiserver.ask(fmt::format("/api/v1/namespaces/{}/pods?dryRun=All", encoded(namespace_name)), pod.dump());
  if (reply.status != 201) throw complaint(apiserver, reply, {});
  json out = json::parse(reply.body);
  out["metadata"]["name"] = name;
  return out;
}

// What the files hold, as the body of a question.
std::string body_of(const WhyOptions& options, AskedServer& apiserver, const std::string& namespace_name) {
  json items = json::array();
  for (const std::string& file : options.files) {
    for (json& document : documents(content_of(file))) {
      json list = json::array({document});
      if (document.is_object() && document.value("kind", "") == "List") list = document.value("items", json::array());
      for (json& item : list) {
        json pod = pod_of(item);
        if (pod.is_null()) {
          items.push_back(std::move(item));
          continue;
        }
        const json metadata = pod.value("metadata", json::object());
        const std::string own = metadata.value("namespace", namespace_name);
        pod["metadata"]["namespace"] = own;
        items.push_back(options.admit ? admitted(apiserver, std::move(pod), own) : std::move(pod));
      }
    }
  }
  return json{{"apiVersion", "v1"}, {"kind", "List"}, {"items", std::move(items)}}.dump();
}

void print(const WhyOptions& options, const std::string& answer) {
  if (options.output == "json") {
    fmt::print("{}\n", nlohmann::ordered_json::parse(answer).dump(2));
  } else if (options.output == "yaml") {
    fmt::print("{}", api::json_to_yaml(json::parse(answer)));
  } else {
    fmt::print("{}", scheduler::why::to_text(scheduler::why::from_json(answer), {.all_nodes = options.all_nodes}));
  }
}

int run(const WhyOptions& options) {
  const std::string name = pod_name(options.words);
  if (name.empty() == options.files.empty()) {
    throw FlagError("either a pod that there is (`kubectl why pod NAME`), or one of a file (`kubectl why -f FILE`)");
  }
  if (options.output != "text" && options.output != "json" && options.output != "yaml") {
    throw FlagError(fmt::format("--output {}: text, json or yaml", options.output));
  }
  const daemon::ClientConfig config = daemon::load_kubeconfig(kubeconfig_path(options.kubeconfig), {}, options.context);
  std::string space = options.namespace_name.empty() ? config.namespace_name : options.namespace_name;
  if (space.empty()) space = "default";
  const std::string target = why_target(options, space, name);

  const SystemClock clock;
  net::IoThreads io(1);
  AskedServer apiserver(io, clock, user_agent("kubectl-why"), config),
      scheduler(io, clock, user_agent("kubectl-why"), scheduler_config(options, config));
  std::optional<std::string> body;
  if (!options.files.empty()) body = body_of(options, apiserver, space);
  const Reply reply = scheduler.ask(target, body);
  if (reply.status != 200) {
    throw complaint(scheduler, reply,
                    fmt::format("{} has no /debug/why: name a scheduler of Pilothouse's with --scheduler-url https://HOST:10259",
                                scheduler.url()));
  }
  print(options, reply.body);
  return 0;
}

}  // namespace

int kubectl_why(const std::string& program, std::span<const std::string> args) {
  WhyOptions options;
  daemon::FlagSet flags(program);
  add_flags(flags, options);
  return daemon::run_program(program, kVersion, flags, args, [&] { return run(options); });
}

}  // namespace ph::pilothouse
