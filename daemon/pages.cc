#include "daemon/pages.h"

#include <algorithm>
#include <optional>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/times.h"
#include "base/accept.h"

namespace ph::daemon {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kText[] = "text/plain; charset=utf-8";
constexpr char kGroup[] = "config.k8s.io";
constexpr char kAcceptable[] = "application/json, application/yaml, application/vnd.kubernetes.protobuf, text/plain";
constexpr std::string_view kWarning =
    "Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for "
    "debugging "
    "purposes only.\n";

// What a client gets of a page: the text, or a document of that version.
struct Form {
  enum class Media { Text, Json, Yaml } media;
  std::string version;
};

// Throws ApiError (406).
Form form_of(const HttpRequest& request, std::string_view kind) {
  for (const MediaRange& range : accepted(request)) {
    if (range.parameter("as").empty()) {
      if (range.covers("text/plain")) return {Form::Media::Text, {}};
      continue;
    }
    const std::string version(range.parameter("v"));
    if (range.parameter("as") != kind || range.parameter("g") != kGroup || (version != "v1beta1" && version != "v1alpha1"))
      continue;
    if (range.covers("application/json")) return {Form::Media::Json, version};
    if (range.covers("application/yaml")) return {Form::Media::Yaml, version};
  }
  throw api::not_acceptable(kAcceptable);
}

HttpResponse document(const Form& form, const char* kind, const char* endpoint, const std::string& component,
                      const Json& fields) {
  Json out{{"kind", kind}, {"apiVersion", fmt::format("{}/{}", kGroup, form.version)}, {"metadata", {{"name", component}}}};
  out.update(fields);
  HttpResponse response = form.media == Form::Media::Json
                              ? text_response(200, "application/json", out.dump() + "\n")
                              : text_response(200, "application/yaml", api::json_to_yaml(nlohmann::json(out)));
  if (form.version == "v1alpha1") {
    response.headers.add(
        "Warning", fmt::format("299 - \"This version of the {} endpoint is deprecated. Please use a newer version.\"", endpoint));
  }
  return response;
}

HttpResponse flagz(const std::string& component, const FlagValues& flags, const HttpRequest& request) {
  const Form form = form_of(request, "Flagz");
  if (form.media != Form::Media::Text) return document(form, "Flagz", "flagz", component, {{"flags", flags}});
  std::string out = fmt::format("\n{} flagz\n{}\n", component, kWarning);
  for (const auto& [name, value] : flags) out += fmt::format("{}={}\n", name, value);
  return text_response(200, kText, std::move(out));
}

struct Status {
  std::string component, binary_version, emulation_version;
  const Clock* clock;
  Time started;
  std::vector<std::string> paths;
};

// "Sat Nov 28 21:05:16 UTC 2026", as Go's UnixDate.
std::string unix_date(Time time) {
  return fmt::format("{:%a %b %e %H:%M:%S UTC %Y}",
                     fmt::gmtime(std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count()));
}

HttpResponse statusz(const Status& status, const HttpRequest& request) {
  const Form form = form_of(request, "Statusz");
  const auto up =
      std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(status.clock->now() - status.started).count());
  if (form.media != Form::Media::Text) {
    return document(form, "Statusz", "statusz", status.component,
                    {{"startTime", api::rfc3339(status.started)},
                     {"uptimeSeconds", up},
                     {"binaryVersion", status.binary_version},
                     {"emulationVersion", status.emulation_version},
                     {"paths", status.paths}});
  }
  return text_response(
      200, kText,
      fmt::format(
          "\n{} statusz\n{}\nStarted: {}\nUp: {} hr {:02} min {:02} sec\nBinary version: {}\nEmulation version: {}\nPaths: {}\n",
          status.component, kWarning, unix_date(status.started), up / 3600, up / 60 % 60, up % 60, status.binary_version,
          status.emulation_version, fmt::join(status.paths, " ")));
}

// Coroutines of their own: a lambda's captures would end with the lambda.
Task<HttpResponse> ready(HttpResponse response) { co_return response; }
Task<HttpResponse> text(std::string content_type, std::function<Task<std::string>()> body) {
  co_return text_response(200, std::move(content_type), co_await body());
}
Task<std::string> config_text(std::string name, std::string config) { co_return fmt::format("{{\"{}\":{}}}", name, config); }

}  // namespace

Page text_page(std::string path, std::string content_type, std::function<Task<std::string>()> body) {
  return {std::move(path), [content_type = std::move(content_type), body = std::move(body)](const HttpRequest&) {
            return text(content_type, body);
          }};
}

Page configz_page(std::string name, std::function<std::string()> config) {
  return text_page("/configz", "application/json",
                   [name = std::move(name), config = std::move(config)] { return config_text(name, config()); });
}

Page flagz_page(std::string component, std::function<FlagValues()> flags) {
  return {"/flagz", [component = std::move(component), flags = std::move(flags)](const HttpRequest& request) {
            return ready(flagz(component, flags(), request));
          }};
}

FlagValues flag_values(const FlagSet& flags) {
  FlagValues out;
  for (const FlagSet::Flag* flag : flags.flags()) out.emplace(flag->name, flag->text());
  return out;
}

Page statusz_page(std::string component, std::string version, const Clock& clock, std::vector<std::string> paths) {
  std::ranges::sort(paths);
  if (version.starts_with('v')) version.erase(0, 1);
  const auto minor_end = version.find('.', version.find('.') + 1);
  return {"/statusz",
          [status = Status{.component = std::move(component),
                           .binary_version = version,
                           .emulation_version = version.substr(0, minor_end),
                           .clock = &clock,
                           .started = clock.now(),
                           .paths = std::move(paths)}](const HttpRequest& request) { return ready(statusz(status, request)); }};
}

HttpResponse text_response(int status, std::string content_type, std::string body) {
  HttpResponse response{.status = status};
  response.headers.add("Content-Type", std::move(content_type));
  response.headers.add("X-Content-Type-Options", "nosniff");
  response.headers.add("Cache-Control", "no-cache, private");
  response.body.push_back(share(std::move(body)));
  return response;
}

HttpResponse status_response(const api::ApiError& error) {
  HttpResponse response{.status = error.code()};
  response.headers.add("Content-Type", "application/json");
  response.body.push_back(share(api::encode_json(error.status())));
  return response;
}

}  // namespace ph::daemon
