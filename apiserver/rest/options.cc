#include "apiserver/rest/options.h"

#include <algorithm>
#include <charconv>
#include <expected>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/kinds.h"
#include "api/rules.h"
#include "apiserver/rest/negotiate.h"

namespace ph::apiserver {
namespace {

[[noreturn]] void refuse(std::string_view kind, const api::Errors& errors) {
  throw api::invalid(fmt::format("{}.meta.k8s.io", kind), "", errors.list());
}

void check(std::string_view kind, const api::Errors& errors) {
  if (!errors.empty()) refuse(kind, errors);
}

void check_list(const ListOptions& options, const Query& query, api::Errors& errors) {
  const api::Path match("resourceVersionMatch");
  if (options.send_initial_events) errors.forbidden(api::Path("sendInitialEvents"), "sendInitialEvents is forbidden for list");
  if (options.match.empty()) return;
  if (query.get("resourceVersion").empty()) {
    errors.forbidden(match, "resourceVersionMatch is forbidden unless resourceVersion is provided");
  }
  if (!options.continue_token.empty()) errors.forbidden(match, "resourceVersionMatch is forbidden when continue is provided");
  if (options.match != "Exact" && options.match != "NotOlderThan") {
    errors.not_supported(match, options.match, {"Exact", "NotOlderThan", ""});
  }
  if (options.match == "Exact" && query.get("resourceVersion") == "0") {
    errors.forbidden(match, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
  }
}

void check_watch(const ListOptions& options, api::Errors& errors) {
  const api::Path match("resourceVersionMatch");
  if (options.send_initial_events) {
    if (options.match != "NotOlderThan") {
      errors.forbidden(match, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
    }
  } else if (!options.match.empty()) {
    errors.forbidden(match, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
  }
  if (!options.continue_token.empty()) errors.forbidden(match, "resourceVersionMatch is forbidden when continue is provided");
  if (!options.match.empty() && options.match != "NotOlderThan") errors.not_supported(match, options.match, {"NotOlderThan"});
}

template <class Parse>
auto parse_selector(Parse parse, std::string_view text) {
  try {
    return parse(text);
  } catch (const api::DecodeError& error) {
    throw api::bad_request(error.what());
  }
}

// The first word of the User-Agent, as field managers are called when nobody says otherwise.
std::string default_manager(const HttpRequest& request) {
  const std::string_view agent = request.headers.get("User-Agent");
  std::string name(agent.substr(0, agent.find('/')));
  if (name.empty()) name = "unknown";
  return name.substr(0, 128);
}

void check_manager(std::string_view manager, api::Errors& errors) {
  const api::Path path("fieldManager");
  if (manager.size() > 128) errors.too_long(path, 128);
  if (std::ranges::any_of(manager, [](unsigned char c) { return c < 0x20 || c == 0x7f; })) {
    errors.invalid_text(path, manager, "should only contain printable characters");
  }
}

void check_dry_run(const std::vector<std::string>& values, api::Errors& errors) {
  if (std::ranges::all_of(values, [](const std::string& value) { return value == "All"; })) return;
  errors.not_supported_json(api::Path("dryRun"),
                            nlohmann::json(values).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), {"All"});
}

api::Unknown unknown_fields(std::string_view validation, api::Errors& errors) {
  if (validation.empty() || validation == "Warn") return api::Unknown::Warn;
  if (validation == "Strict") return api::Unknown::Strict;
  if (validation == "Ignore") return api::Unknown::Ignore;
  errors.not_supported(api::Path("fieldValidation"), validation, {"", "Ignore", "Strict", "Warn"});
  return api::Unknown::Warn;
}

void read_body(const HttpRequest& request, meta::v1::DeleteOptions& options) {
  try {
    switch (body_format(request)) {
      case Format::Protobuf: api::decode_envelope(request.body, options); return;
      case Format::Yaml: api::decode_json(api::yaml_to_json(request.body), options); return;
      case Format::Json: api::decode_json(request.body, options); return;
    }
  } catch (const api::DecodeError& error) {
    throw api::bad_request(error.what());
  }
}

void read_query(const Query& query, meta::v1::DeleteOptions& options) {
  if (const auto grace = query.integer("gracePeriodSeconds")) options.set_grace_period_seconds(*grace);
  if (query.has("orphanDependents")) options.set_orphan_dependents(query.flag("orphanDependents"));
  if (query.has("propagationPolicy")) options.set_propagation_policy(std::string(query.get("propagationPolicy")));
  for (const std::string& value : query.all("dryRun")) options.add_dry_run(value);
  if (const std::string_view uid = query.get("uid"); !uid.empty()) options.mutable_preconditions()->set_uid(std::string(uid));
  const std::string_view revision = query.get("resourceVersion");
  if (!revision.empty()) options.mutable_preconditions()->set_resource_version(std::string(revision));
}

}  // namespace

std::expected<Revision, std::string> read_revision(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return Revision{value};
  const bool digits = text.find_first_not_of("0123456789") == text.npos;
  return std::unexpected(fmt::format("strconv.ParseUint: parsing \"{}\": {}", text,
                                     digits && !text.empty() ? "value out of range" : "invalid syntax"));
}

namespace {

std::string invalid_revision(std::string_view text, const std::string& why) {
  return fmt::format("resourceVersion: Invalid value: \"{}\": {}", text, why);
}

}  // namespace

Revision parse_revision(std::string_view text) {
  const auto revision = read_revision(text);
  if (!revision) throw api::unforeseen(invalid_revision(text, revision.error()));
  return *revision;
}

ListOptions list_options(const Query& query, bool watch) {
  ListOptions options;
  options.labels = parse_selector(&api::LabelSelector::parse, query.get("labelSelector"));
  options.fields = parse_selector(&api::FieldSelector::parse, query.get("fieldSelector"));
  options.match = std::string(query.get("resourceVersionMatch"));
  options.timeout_seconds = query.integer("timeoutSeconds");
  options.limit = std::max<std::int64_t>(0, query.integer("limit").value_or(0));
  options.continue_token = std::string(query.get("continue"));
  options.bookmarks = query.flag("allowWatchBookmarks");
  if (query.has("sendInitialEvents")) options.send_initial_events = query.flag("sendInitialEvents");

  api::Errors errors;
  if (watch) {
    check_watch(options, errors);
  } else {
    check_list(options, query, errors);
  }
  check("ListOptions", errors);
  const std::string_view revision = query.get("resourceVersion");
  if (watch) {
    if (!revision.empty()) options.revision = parse_revision(revision);
    return options;
  }
  if (!options.continue_token.empty()) {
    options.continuation = decode_continue(options.continue_token);
    if (!revision.empty() && revision != "0")
      throw api::bad_request("specifying resource version is not allowed when using continue");
  } else if (!revision.empty()) {
    const auto read = read_revision(revision);
    if (!read) throw api::bad_request("invalid resource version: " + invalid_revision(revision, read.error()));
    options.revision = *read;
  }
  // Whatever the cache has is answered as it is.
  if (options.revision && options.revision->value == 0) options.limit = 0;
  return options;
}

WriteOptions write_options(const HttpRequest& request, const Query& query, std::string_view kind) {
  WriteOptions options;
  api::Errors errors;
  options.manager = std::string(query.get("fieldManager"));
  const bool is_patch = kind == "PatchOptions";
  if (is_patch && is_apply(request)) {
    if (options.manager.empty()) errors.required(api::Path("fieldManager"), "is required for apply patch");
    options.force = query.flag("force");
  } else if (is_patch && query.has("force")) {
    errors.forbidden(api::Path("force"), "may not be specified for non-apply patch");
  }
  check_manager(options.manager, errors);
  const auto dry_run = query.all("dryRun");
  check_dry_run(dry_run, errors);
  options.dry_run = !dry_run.empty();
  options.unknown = unknown_fields(query.get("fieldValidation"), errors);
  check(kind, errors);
  if (options.manager.empty()) options.manager = default_manager(request);
  return options;
}

meta::v1::DeleteOptions delete_options(const HttpRequest& request, const Query& query) {
  meta::v1::DeleteOptions options;
  if (request.body.empty()) {
    read_query(query, options);
  } else {
    read_body(request, options);
  }
  api::Errors errors;
  check_dry_run({options.dry_run().begin(), options.dry_run().end()}, errors);
  if (options.has_orphan_dependents() && options.has_propagation_policy()) {
    errors.invalid_text(api::Path("propagationPolicy"), options.propagation_policy(),
                        "orphanDependents and deletionPropagation cannot be both set");
  }
  const std::string& policy = options.propagation_policy();
  if (options.has_propagation_policy() && policy != "Foreground" && policy != "Background" && policy != "Orphan") {
    errors.not_supported(api::Path("propagationPolicy"), policy, {"Foreground", "Background", "Orphan", "nil"});
  }
  check("DeleteOptions", errors);
  return options;
}

bool is_dry_run(const meta::v1::DeleteOptions& options) { return options.dry_run_size() > 0; }

}  // namespace ph::apiserver
