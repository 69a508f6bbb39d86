#include "pilothouse/kubectl_why.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "daemon/files.h"
#include "daemon/kubeconfig.h"
#include "daemon/part.h"
#include "daemon/program.h"
#include "daemon/server_access.h"
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

std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~/:").find(c) != std::string_view::npos;
    if (plain) {
      out.push_back(c);
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

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

std::vector<json> documents(std::string_view text) {
  std::vector<json> out;
  std::string one;
  const auto take = [&] {
    const bool blank = std::ranges::all_of(one, [](unsigned char c) { return std::isspace(c); });
    json document = blank ? json() : json::parse(api::yaml_to_json(one));
    one.clear();
    if (!document.is_null()) out.push_back(std::move(document));
  };
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (line.starts_with("---") && (line.size() == 3 || std::isspace(static_cast<unsigned char>(line[3])))) {
      take();
    } else {
      one.append(line).push_back('\n');
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  take();
  return out;
}

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

std::string content_of(const std::string& file) {
  if (file == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  auto content = daemon::read_file(file);
  if (!content) throw daemon::FileError(fmt::format("there is no file {}", file));
  return *content;
}

// -- Requests

struct Reply {
  int status = 0;
  std::string body;
};

Task<void> send(Transport& transport, HttpRequest request, Reply& reply) {
  const HttpResponse response = co_await transport.send(std::move(request), false);
  reply.status = response.status;
  for (const SharedBytes& piece : response.body) reply.body += *piece;
}

// One server, asked as whom the kubeconfig says.
class Server {
 public:
  Server(net::IoThreads& io, const Clock& clock, daemon::ClientConfig config)
      : config_(std::move(config)), transport_("client", clock, [&](Executor& executor) {
          net::ClientOptions options = daemon::client_options(config_);
          options.user_agent = user_agent("kubectl-why");
          options.connect_timeout = 10s;
          options.bearer_token = [this] { return config_.token; };
          return net::https_transport(io, executor, std::move(options));
        }) {}

  const std::string& url() const { return config_.server; }
  Reply ask(const std::string& target, const std::optional<std::string>& body) {
    HttpRequest request{.method = body ? "POST" : "GET", .target = target, .headers = {}, .body = body.value_or(""), .peer = {}};
    request.headers.add("Accept", "application/json");
    if (body) request.headers.add("Content-Type", "application/json");
    Reply reply;
    daemon::wait_for(transport_.executor(), [&] { return send(*transport_, request, reply); });
    return reply;
  }

 private:
  const daemon::ClientConfig config_;
  daemon::Part<Transport> transport_;
};

// What is wrong, in the server's words; `missing` when it is the page that is not there, not the pod.
std::runtime_error complaint(const Server& server, const Reply& reply, const std::string& missing) {
  const json status = json::parse(reply.body, nullptr, false);
  const bool told = status.is_object() && status.contains("message") && status["message"].is_string();
  const bool of_pod = told && status.contains("details") && status["details"].value("kind", "") == "pods";
  if (reply.status == 404 && !of_pod && !missing.empty()) return std::runtime_error(missing);
  if (told) return std::runtime_error(status["message"].get<std::string>());
  return std::runtime_error(fmt::format("{} answered {}: {}", server.url(), reply.status, reply.body));
}

std::string kubeconfig_path(const WhyOptions& options) {
  if (!options.kubeconfig.empty()) return options.kubeconfig;
  const char* listed = std::getenv("KUBECONFIG");
  std::string_view paths = listed ? listed : "";
  while (!paths.empty()) {
    const auto end = std::min(paths.find(':'), paths.size());
    const std::string path(paths.substr(0, end));
    if (!path.empty() && std::filesystem::exists(path)) return path;
    paths.remove_prefix(std::min(end + 1, paths.size()));
  }
  const char* home = std::getenv("HOME");
  return std::string(home ? home : "") + "/.kube/config";
}

daemon::ClientConfig scheduler_config(const WhyOptions& options, daemon::ClientConfig config) {
  if (options.scheduler_url.empty()) return config;
  config.server = options.scheduler_url;
  config.server_name.clear();
  if (!options.certificate_authority.empty()) config.ca_pem = content_of(options.certificate_authority);
  config.skip_verify = options.insecure_skip_tls_verify;
  return config;
}

// As it would be stored. It may be there already: the dry run makes one of another name.
json admitted(Server& apiserver, json pod, const std::string& namespace_name) {
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
std::string body_of(const WhyOptions& options, Server& apiserver, const std::string& namespace_name) {
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
  const daemon::ClientConfig config = daemon::load_kubeconfig(kubeconfig_path(options), {}, options.context);
  std::string space = options.namespace_name.empty() ? config.namespace_name : options.namespace_name;
  if (space.empty()) space = "default";
  const std::string target = why_target(options, space, name);

  const SystemClock clock;
  net::IoThreads io(1);
  Server apiserver(io, clock, config), scheduler(io, clock, scheduler_config(options, config));
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
