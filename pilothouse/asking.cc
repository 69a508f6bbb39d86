#include "pilothouse/asking.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <iterator>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/yaml_document.h"
#include "daemon/files.h"
#include "daemon/part.h"
#include "daemon/server_access.h"
#include "net/client.h"

namespace ph::pilothouse {

using nlohmann::json;

namespace {

Task<void> send(Transport& transport, HttpRequest request, Reply& reply) {
  const HttpResponse response = co_await transport.send(std::move(request), false);
  reply.status = response.status;
  reply.headers = response.headers;
  for (const SharedBytes& piece : response.body) reply.body += *piece;
}

}  // namespace

struct AskedServer::Impl {
  Impl(net::IoThreads& io, const Clock& clock, std::string user_agent, daemon::ClientConfig config_)
      : config(std::move(config_)), transport("client", clock, [&](Executor& executor) {
          net::ClientOptions options = daemon::client_options(config);
          options.user_agent = user_agent;
          options.connect_timeout = 10s;
          options.bearer_token = [this] { return config.token; };
          return net::https_transport(io, executor, std::move(options));
        }) {}

  const daemon::ClientConfig config;
  daemon::Part<Transport> transport;
};

AskedServer::AskedServer(net::IoThreads& io, const Clock& clock, std::string user_agent, daemon::ClientConfig config)
    : impl_(std::make_unique<Impl>(io, clock, std::move(user_agent), std::move(config))) {}
AskedServer::~AskedServer() = default;

const std::string& AskedServer::url() const { return impl_->config.server; }

Reply AskedServer::ask(const std::string& target, const std::optional<std::string>& body, Headers headers) {
  HttpRequest request{
      .method = body ? "POST" : "GET", .target = target, .headers = std::move(headers), .body = body.value_or(""), .peer = {}};
  if (request.headers.get("Accept").empty()) request.headers.add("Accept", "application/json");
  if (body) request.headers.add("Content-Type", "application/json");
  Reply reply;
  daemon::wait_for(impl_->transport.executor(), [&] { return send(*impl_->transport, request, reply); });
  return reply;
}

std::runtime_error complaint(const AskedServer& server, const Reply& reply, const std::string& missing) {
  const json status = json::parse(reply.body, nullptr, false);
  const bool told = status.is_object() && status.contains("message") && status["message"].is_string();
  const bool of_pod = told && status.contains("details") && status["details"].value("kind", "") == "pods";
  if (reply.status == 404 && !of_pod && !missing.empty()) return std::runtime_error(missing);
  if (told) return std::runtime_error(status["message"].get<std::string>());
  return std::runtime_error(fmt::format("{} answered {}: {}", server.url(), reply.status, reply.body));
}

void add_asking_flags(daemon::FlagSet& flags, AskingOptions& options) {
  flags.section("Output");
  flags.add("output", options.output, "text or json");
  flags.shorthand('o', "output");
  flags.section("Whom to ask");
  flags.add("kubeconfig", options.kubeconfig, "Else $KUBECONFIG, or ~/.kube/config");
  flags.add("context", options.context, "Of the kubeconfig, instead of the current one");
}

void check(const AskingOptions& options) {
  if (options.output == "text" || options.output == "json") return;
  throw daemon::FlagError(fmt::format("--output {}: text or json", options.output));
}

std::string kubeconfig_path(const std::string& given) {
  if (!given.empty()) return given;
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

std::string content_of(const std::string& file) {
  if (file == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  auto content = daemon::read_file(file);
  if (!content) throw daemon::FileError(fmt::format("there is no file {}", file));
  return *content;
}

std::vector<json> documents(std::string_view text) {
  std::vector<json> out;
  std::string one;
  const auto take = [&] {
    const bool blank = std::ranges::all_of(one, [](unsigned char c) { return std::isspace(c); });
    json document = blank ? json() : api::yaml_document(one);
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

}  // namespace ph::pilothouse
