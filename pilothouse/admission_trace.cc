#include "pilothouse/admission_trace.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apiserver/admission/trace.h"
#include "base/ascii.h"
#include "daemon/program.h"
#include "pilothouse/asking.h"
#include "pilothouse/version.h"

namespace ph::pilothouse {

using daemon::FlagError;
using nlohmann::json;

void add_flags(daemon::FlagSet& flags, TraceOptions& options) {
  flags.section("What is asked");
  flags.add_array("filename", options.files, "A file (- is standard input) with objects; nothing of them is stored");
  flags.shorthand('f', "filename");
  flags.add("namespace", options.namespace_name, "Where objects without a namespace are; else the kubeconfig's");
  flags.shorthand('n', "namespace");
  add_asking_flags(flags, options.asking);
}

std::vector<json> changes_in(const Headers& headers) {
  std::vector<json> out;
  for (const auto& [name, value] : headers) {
    if (lower_ascii(name) != lower_ascii(apiserver::kAdmissionTraceHeader)) continue;
    json change = json::parse(value, nullptr, false);
    if (change.is_object()) out.push_back(std::move(change));
  }
  return out;
}

std::string changes_text(const std::vector<json>& changes) {
  std::size_t width = 0;
  const auto member = [](const json& change, const char* name) {
    const auto found = change.find(name);
    return found != change.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  for (const json& change : changes) width = std::max(width, member(change, "by").size());
  std::string out;
  for (const json& change : changes) {
    if (member(change, "op") == "none") {
      out += fmt::format("  ({})\n", member(change, "why"));
      continue;
    }
    out += fmt::format("  {:<{}}  {:<7}  {}", member(change, "by"), width, member(change, "op"), member(change, "path"));
    if (change.contains("value")) out += fmt::format(" = {}", change["value"].dump());
    out.push_back('\n');
  }
  return out.empty() ? "  nothing is changed\n" : out;
}

std::string path_for(const json& resources, std::string_view kind, std::string_view namespace_name) {
  if (!resources.is_object()) return {};
  const std::string version = resources.value("groupVersion", "");
  const json list = resources.value("resources", json::array());
  for (const json& resource : list) {
    const std::string name = resource.value("name", "");
    if (resource.value("kind", "") != kind || name.find('/') != name.npos) continue;
    const std::string root = fmt::format("{}/{}", version.find('/') == version.npos ? "/api" : "/apis", version);
    if (!resource.value("namespaced", false)) return fmt::format("{}/{}", root, name);
    return fmt::format("{}/namespaces/{}/{}", root, encoded(namespace_name), name);
  }
  return {};
}

namespace {

struct Traced {
  std::string what;  // "Pod web"
  std::vector<json> changes;
  std::string refusal;  // empty: it would be stored
};

std::string text_at(const json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Traced trace(AskedServer& server, const json& object, const std::string& namespace_name) {
  if (!object.is_object()) throw std::runtime_error("a document is no object");
  const std::string version = text_at(object, "apiVersion"), kind = text_at(object, "kind");
  if (version.empty() || kind.empty()) throw std::runtime_error("a document has no apiVersion, or no kind");
  const json metadata = object.value("metadata", json::object());
  const std::string own = metadata.is_object() ? text_at(metadata, "namespace") : std::string(),
                    name = metadata.is_object() ? text_at(metadata, "name") : std::string();
  const Reply listed =
      server.ask(fmt::format("{}/{}", version.find('/') == version.npos ? "/api" : "/apis", encoded(version)), std::nullopt);
  if (listed.status != 200 && listed.status != 404) throw complaint(server, listed);
  const std::string path = path_for(json::parse(listed.body, nullptr, false), kind, own.empty() ? namespace_name : own);
  if (path.empty()) throw std::runtime_error(fmt::format("{} serves no kind {} of {}", server.url(), kind, version));
  const Reply reply = server.ask(path + "?dryRun=All", object.dump(), {{apiserver::kAdmissionTraceHeader, "true"}});
  Traced out{.what = kind + " " + (name.empty() ? "without a name" : name), .changes = changes_in(reply.headers), .refusal = {}};
  // One that is there already is admitted all the same.
  if (reply.status >= 300 && reply.status != 409) out.refusal = complaint(server, reply).what();
  return out;
}

void print(const TraceOptions& options, const std::vector<Traced>& all) {
  if (options.asking.output == "json") {
    json out = json::array();
    for (const Traced& each : all) {
      out.push_back({{"object", each.what}, {"changes", each.changes}});
      if (!each.refusal.empty()) out.back()["refusal"] = each.refusal;
    }
    fmt::print("{}\n", out.dump(2));
    return;
  }
  for (const Traced& each : all) {
    fmt::print("{}\n{}", each.what, changes_text(each.changes));
    if (!each.refusal.empty()) fmt::print("  refused: {}\n", each.refusal);
  }
}

int run(const TraceOptions& options) {
  if (options.files.empty()) throw FlagError("which object? `admission-trace -f FILE`");
  check(options.asking);
  const daemon::ClientConfig config =
      daemon::load_kubeconfig(kubeconfig_path(options.asking.kubeconfig), {}, options.asking.context);
  std::string space = options.namespace_name.empty() ? config.namespace_name : options.namespace_name;
  if (space.empty()) space = "default";
  const SystemClock clock;
  net::IoThreads io(1);
  AskedServer server(io, clock, user_agent("admission-trace"), config);
  std::vector<Traced> all;
  for (const std::string& file : options.files) {
    for (const json& document : documents(content_of(file))) {
      const bool is_list = document.is_object() && text_at(document, "kind") == "List";
      const json items = is_list ? document.value("items", json::array()) : json::array({document});
      for (const json& item : items) all.push_back(trace(server, item, space));
    }
  }
  print(options, all);
  return std::ranges::all_of(all, [](const Traced& each) { return each.refusal.empty(); }) ? 0 : 1;
}

}  // namespace

int admission_trace(const std::string& program, std::span<const std::string> args) {
  TraceOptions options;
  daemon::FlagSet flags(program);
  add_flags(flags, options);
  return daemon::run_program(program, kVersion, flags, args, [&] { return run(options); });
}

}  // namespace ph::pilothouse
