#include "apiserver/rest/begin.h"

#include <algorithm>

#include "api/errors.h"
#include "apiserver/flowcontrol/flow_control.h"
#include "apiserver/parts/parts.h"
#include "apiserver/rest/aside.h"
#include "apiserver/rest/audited.h"
#include "apiserver/rest/body.h"
#include "apiserver/rest/deadline.h"
#include "apiserver/rest/identity.h"
#include "apiserver/rest/managers.h"
#include "apiserver/rest/options.h"
#include "apiserver/rest/respond.h"
#include "apiserver/rest/routes.h"
#include "apiserver/rest/verbs.h"
#include "base/anywhere.h"

namespace ph::apiserver {
namespace {

// Whether those who serve built-in groups are asked for such a path; of any other nobody knows anything.
bool is_of_built_in_group(std::string_view path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  if (path == "api" || path.starts_with("api/")) return true;
  if (!path.starts_with("apis/")) return false;
  const std::string_view group = path.substr(5, path.find('/', 5) - 5);
  return std::ranges::any_of(api::Scheme::builtin().resources(),
                             [&](const api::Resource& resource) { return resource.kind.group == group; });
}

// Whether somebody is let in; false: the executor has to ask. What is refused is thrown, and counted.
bool let_in(const Front& front, Call& call) {
  ServerMetrics::Doors doors(front.metrics);
  doors.asked();
  try {
    std::optional<Identity> user = authenticate_here(front, call.request);
    if (!user || is_impersonation(call.request)) return false;
    doors.known(*user);
    open_trail(front, call, *user);
    call.user = std::move(*user);
    if (front.flows) {
      std::optional<Flow> flow = front.flows->classify_here(call.user, call.info);
      if (!flow) return false;
      call.flow = std::move(*flow);
    }
    if (!authorize_here(front, call.user, call.info, call.trail.get())) return false;
    doors.allowed();
  } catch (...) {
    doors.count();
    explain_refusal(call);
    throw;
  }
  doors.count();
  return call.let_in = true;
}

// Reads a new object and gives it what it has of its own.
void read_new(const Front& front, Call& call) {
  const Served& served = *call.served;
  const WriteOptions options = write_options(call.request, call.query, "CreateOptions");
  call.decoded = read_body(call.request, *served.resource->schema, options.unknown, call.warnings);
  audit_object(call, call.decoded);
  if (served.stored_as) return;
  match_namespace(call, call.decoded);
  prepare_new(served, call.decoded, front.now(), front.rng);
  if (!options.manager.empty()) {
    record_plain(served, call.decoded, nullptr, options.manager, call.info.subresource, front.now());
  }
  call.prepared = true;
}

// Reads what is put in the place of another object.
void read_put(Call& call) {
  const WriteOptions options = write_options(call.request, call.query, "UpdateOptions");
  call.decoded = read_body(call.request, *call.served->resource->schema, options.unknown, call.warnings);
  audit_object(call, call.decoded);
}

// Makes of the object that is published what the request wants to be made of it. What cannot be made the executor refuses: it may
// see another object.
void draft(const Front& front, Call& call) {
  if (call.served->stored_as || call.served->converter) return;
  const std::optional<EntryRef> entry = call.served->cache->look(call.key().text());
  if (!entry || !*entry || (*entry)->protobuf->size() >= kLarge) return;
  const std::vector<std::string> warnings = call.warnings;
  try {
    call.info.verb == "patch" ? draft_patch(front, call, *entry) : draft_put(front, call, *entry);
  } catch (const api::ApiError&) {
    call.warnings = warnings;
  }
}

// What a verb can do here of a resource that is stored. What is large is the helper's (aside.h).
std::optional<HttpResponse> begin_verb(const Front& front, Call& call) {
  const std::string& verb = call.info.verb;
  if (verb == "get") return get_here(front, call);
  if (verb == "list") return list_here(front, call);
  if (call.request.body.size() >= kLarge) return std::nullopt;
  if (verb == "create") read_new(front, call);
  if (verb == "update") read_put(call);
  if (verb == "update" || verb == "patch") draft(front, call);
  return std::nullopt;
}

std::optional<HttpResponse> begin_resource(const Front& front, const Serving& serving, Call& call) {
  if (call.served == nullptr && foreign_group(front, call.info)) return std::nullopt;
  if (call.served == nullptr) return answer_unknown(call);
  if (!serving.ready) return std::nullopt;
  serving.check_readable(*call.served);
  const RequestInfo& info = call.info;
  check_route(*call.served->resource, info, call.request.method);
  const bool writes_status = info.subresource == "status" && (info.verb == "update" || info.verb == "patch");
  if (!info.subresource.empty() && !writes_status) return std::nullopt;
  if (!writes_status && !call.served->resource->has_verb(info.verb)) {
    throw api::method_not_allowed(call.served->qualified, info.verb);
  }
  const std::string& name = call.served->qualified;
  const bool is_virtual = front.virtual_resources && front.virtual_resources->contains(name);
  if (is_virtual || part_verb(name, {}, info.verb) || call.served->cache == nullptr) return std::nullopt;
  return begin_verb(front, call);
}

std::optional<HttpResponse> first_steps(const Front& front, Begun& begun) {
  Call& call = begun.call;
  const std::shared_ptr<const Serving> serving = front.serving.get();
  call.info = parse_request(call.request);
  begun.measured.parsed(call);
  call.query = Query::parse(call.request.query());
  if (call.info.is_resource) call.held = serving->find(call.info.group, call.info.version, call.info.resource);
  call.served = call.held.get();
  choose_form(front, call);
  begun.limit = time_limit(front.options, call.info, call.query);
  check_size(front.options, call.request.body.size());
  if (!let_in(front, call) || !call.info.is_resource) return std::nullopt;
  if (call.unacceptable) std::rethrow_exception(call.unacceptable);
  return begin_resource(front, *serving, call);
}

std::string quoted_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c == '\n' || c == '\r' ? ' ' : c);
  }
  return out + "\"";
}

void add_warning(HttpResponse& response, const std::string& warning) {
  response.headers.add("Warning", "299 - " + quoted_text(warning));
}

void add_headers(HttpResponse& response, const Call& call) {
  response.headers.set("Audit-Id", call.audit_id);
  add_flow_headers(call.flow, response);
  if (!response.headers.has("Cache-Control")) response.headers.add("Cache-Control", "no-cache, private");
  const std::string* const deprecation = call.served && !call.served->deprecation.empty() ? &call.served->deprecation : nullptr;
  if (deprecation) add_warning(response, *deprecation);
  for (auto warning = call.warnings.begin(); warning != call.warnings.end(); ++warning) {
    const bool told = (deprecation && *warning == *deprecation) || std::find(call.warnings.begin(), warning, *warning) != warning;
    if (!told) add_warning(response, *warning);
  }
  if (!call.trace) return;
  for (const std::string& line : call.trace->lines()) response.headers.add(kAdmissionTraceHeader, line);
}

}  // namespace

std::optional<HttpResponse> begin_request(const Front& front, HttpRequest& request) {
  const Anywhere anywhere;
  const auto begun = std::make_shared<Begun>(front.metrics);
  Call& call = begun->call;
  call.request = std::move(request);
  call.audit_id = audit_id_of(front, call.request);
  if (front.auditor != nullptr) call.received = front.now();
  std::optional<HttpResponse> response;
  try {
    response = first_steps(front, *begun);
  } catch (...) {
    response = answer_error(front, call, std::current_exception());
  }
  if (response) count_dispatched(call.flow);
  if (response) return finish(front, call, begun->measured, std::move(*response));
  request = std::move(call.request);
  request.begun = begun;
  return std::nullopt;
}

void choose_form(const Front& front, Call& call) {
  const bool protobuf = !call.served || call.served->resource->schema->descriptor || call.info.subresource == "scale";
  try {
    call.form = negotiate(call.request, call.info.verb == "watch", front.tables != nullptr, protobuf);
  } catch (const api::ApiError&) {
    call.unacceptable = std::current_exception();
  }
}

void check_size(const ServerOptions& options, std::size_t size) {
  if (size > options.body_max) throw api::too_large("limit is " + std::to_string(options.body_max));
}

ForeignGroup* foreign_group(const Front& front, const RequestInfo& info) {
  if (!front.foreign || front.foreign->empty()) return nullptr;
  const auto found = front.foreign->find(info.group + "/" + info.version);
  return found == front.foreign->end() ? nullptr : found->second.get();
}

HttpResponse answer_unknown(const Call& call) {
  if (is_of_built_in_group(call.info.path)) throw api::page_not_found();
  return answer_no_page();
}

HttpResponse answer_error(const Front& front, const Call& call, std::exception_ptr error) {
  try {
    std::rethrow_exception(std::move(error));
  } catch (const api::ApiError& refusal) {
    return answer_status(call.form, refusal.status());
  } catch (const std::exception& failure) {
    front.log.error("request failed", "method", call.request.method, "target", call.request.target, "error", failure.what());
    return answer_status(call.form, api::internal(failure.what()).status());
  }
}

HttpResponse finish(const Front& front, Call& call, ServerMetrics::Request& measured, HttpResponse response) {
  add_headers(response, call);
  audit_answer(front, call, response);
  measured.answered(call, response);
  return response;
}

std::string audit_id_of(const Front& front, const HttpRequest& request) {
  const std::string_view id = request.headers.get("Audit-ID");
  return id.empty() ? front.rng.uuid() : std::string(id);
}

}  // namespace ph::apiserver
