#include "pilothouse/cis.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/files.h"
#include "daemon/kubeconfig.h"
#include "daemon/program.h"
#include "daemon/server_access.h"
#include "pilothouse/asking.h"
#include "pilothouse/version.h"

namespace ph::pilothouse {

using daemon::FlagError;
using nlohmann::json;

void add_flags(daemon::FlagSet& flags, CisOptions& options) {
  flags.section("What is looked at");
  flags.add("kubeconfig", options.kubeconfig, "The apiserver's; else $KUBECONFIG, or ~/.kube/config. It must let read /flagz");
  flags.add("context", options.context, "Of the kubeconfig, instead of the current one");
  flags.add("controller-manager", options.controller_manager,
            "Its secure port, as https://HOST:PORT; without it, it is not asked");
  flags.add("scheduler", options.scheduler, "The same of the scheduler");
  flags.add("data-dir", options.data_dir, "By default the apiserver's, when it is on this machine");
  flags.section("Output");
  flags.add("output", options.output, "text or json");
  flags.shorthand('o', "output");
}

// -- What is there

namespace {

daemon::FlagValues flags_of(AskedServer& server) {
  Headers headers;
  headers.add("Accept", "application/json;v=v1beta1;g=config.k8s.io;as=Flagz");
  const Reply reply = server.ask("/flagz", std::nullopt, std::move(headers));
  const json page = json::parse(reply.body, nullptr, false);
  if (reply.status != 200 || !page.is_object() || !page.contains("flags") || !page["flags"].is_object())
    throw complaint(server, reply);
  daemon::FlagValues out;
  for (const auto& [name, value] : page["flags"].items()) {
    if (value.is_string()) out.emplace(name, value.get<std::string>());
  }
  return out;
}

bool is_this_machine(const std::string& host) { return host == "localhost" || host == "::1" || host.starts_with("127."); }

// As whom the kubeconfig says. A port on this machine may show a certificate that it has made itself: then nothing is told
// there that somebody else could use, as a token is.
daemon::ClientConfig config_of(const daemon::ClientConfig& apiserver, const std::string& url) {
  daemon::ClientConfig out = apiserver;
  out.server = url;
  out.server_name.clear();
  if (is_this_machine(daemon::host_port(url).host)) {
    out.skip_verify = true;
    out.token.clear();
  }
  return out;
}

void add_file(std::vector<CisFile>& out, const std::filesystem::path& data_dir, const std::string& path) {
  if (const auto facts = daemon::file_facts(data_dir / path)) out.push_back({path, facts->mode, facts->uid});
}

// Nothing where there is none, or it is not to be read.
std::optional<std::string> readable(const std::string& file) {
  try {
    return file.empty() ? std::nullopt : daemon::read_file(file);
  } catch (const daemon::FileError&) {
    return std::nullopt;
  }
}

std::optional<std::vector<CisFile>> files_of(const CisOptions& options, const daemon::FlagValues& apiserver) {
  if (!options.data_dir.empty()) return cis_files(options.data_dir);
  const auto named = apiserver.find("data-dir");
  if (named == apiserver.end()) return std::nullopt;
  try {
    if (daemon::file_facts(std::filesystem::path(named->second) / "format")) return cis_files(named->second);
  } catch (const daemon::FileError&) {  // it is somebody else's
  }
  return std::nullopt;
}

CisFacts gather(const CisOptions& options) {
  const daemon::ClientConfig config = daemon::load_kubeconfig(kubeconfig_path(options.kubeconfig), {}, options.context);
  const SystemClock clock;
  net::IoThreads io(1);
  const auto ask = [&](const daemon::ClientConfig& whom) {
    AskedServer server(io, clock, user_agent("pilothouse-cis"), whom);
    return flags_of(server);
  };
  CisFacts facts;
  const daemon::FlagValues& apiserver = *(facts.of(CisPart::ApiServer).flags = ask(config));
  // Only `pilothouse up` has it: the parts of one process.
  const auto components = apiserver.find("components");
  const std::string within = components == apiserver.end() ? std::string() : components->second;
  const struct {
    CisPart part;
    const std::string& url;
    const char* name;
  } others[] = {{CisPart::ControllerManager, options.controller_manager, "controller-manager"},
                {CisPart::Scheduler, options.scheduler, "scheduler"}};
  for (const auto& other : others) {
    CisDaemon& daemon = facts.of(other.part);
    if (!other.url.empty()) daemon.flags = ask(config_of(config, other.url));
    else daemon.within_apiserver = within.find(other.name) != within.npos;
  }
  facts.files = files_of(options, apiserver);
  if (const auto file = apiserver.find("encryption-provider-config"); file != apiserver.end())
    facts.encryption = readable(file->second);
  return facts;
}

}  // namespace

std::vector<CisFile> cis_files(const std::filesystem::path& data_dir) {
  if (!daemon::file_facts(data_dir / "format"))
    throw daemon::FileError(fmt::format("there is no data directory {}", data_dir.string()));
  std::vector<CisFile> out;
  add_file(out, data_dir, ".");
  for (const std::filesystem::path& entry : daemon::directory_entries(data_dir))
    add_file(out, data_dir, entry.filename().string());
  for (const std::filesystem::path& key : daemon::directory_entries(data_dir / "pki"))
    add_file(out, data_dir, "pki/" + key.filename().string());
  return out;
}

// -- What is said of it

namespace {

struct Counts {
  std::array<int, 4> of{};
  explicit Counts(const std::vector<CisResult>& results) {
    for (const CisResult& each : results) ++of[static_cast<std::size_t>(each.verdict.status)];
  }
  int operator[](CisStatus status) const { return of[static_cast<std::size_t>(status)]; }
};

}  // namespace

std::string cis_table(const std::vector<CisResult>& results) {
  std::size_t width = 0;
  for (const CisResult& each : results) width = std::max(width, std::string_view(each.check->title).size());
  std::string out = fmt::format("{:<8}{:<16}{:<{}}   {}\n", "ITEM", "STATUS", "TITLE", width, "REASON");
  for (const auto& [check, verdict] : results) {
    out += fmt::format("{:<8}{:<16}{:<{}}   {}\n", check->item, status_text(verdict.status), check->title, width, verdict.reason);
  }
  const Counts counts(results);
  if (counts[CisStatus::Fail] > 0) out += "\nWhat helps (or --hardened, and none of these flags):\n";
  for (const auto& [check, verdict] : results) {
    if (verdict.status == CisStatus::Fail) out += fmt::format("{:<8}{}\n", check->item, check->remedy);
  }
  return out + fmt::format("\nCIS Kubernetes Benchmark {}: {} passed, {} failed, {} to be looked at, {} not applicable\n",
                           kCisVersion, counts[CisStatus::Pass], counts[CisStatus::Fail], counts[CisStatus::Manual],
                           counts[CisStatus::NotApplicable]);
}

std::string cis_json(const std::vector<CisResult>& results) {
  json items = json::array();
  for (const auto& [check, verdict] : results) {
    items.push_back({{"item", check->item},
                     {"title", check->title},
                     {"status", status_text(verdict.status)},
                     {"reason", verdict.reason},
                     {"remedy", check->remedy}});
  }
  const Counts counts(results);
  const json out{{"benchmark", kCisVersion},
                 {"items", std::move(items)},
                 {"passed", counts[CisStatus::Pass]},
                 {"failed", counts[CisStatus::Fail]},
                 {"manual", counts[CisStatus::Manual]},
                 {"notApplicable", counts[CisStatus::NotApplicable]}};
  return out.dump(2) + "\n";
}

int cis_program(const std::string& program, std::span<const std::string> args) {
  CisOptions options;
  daemon::FlagSet flags(program);
  add_flags(flags, options);
  return daemon::run_program(program, kVersion, flags, args, [&] {
    if (options.output != "text" && options.output != "json")
      throw FlagError(fmt::format("--output {}: text or json", options.output));
    const std::vector<CisResult> results = judge(gather(options));
    fmt::print("{}", options.output == "json" ? cis_json(results) : cis_table(results));
    return Counts(results)[CisStatus::Fail] > 0 ? 1 : 0;
  });
}

}  // namespace ph::pilothouse
