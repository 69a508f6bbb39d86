#include "apiserver/rest/dispatch.h"

#include <algorithm>
#include <charconv>

#include "api/errors.h"
#include "apiserver/flowcontrol/flow_control.h"
#include "apiserver/parts/parts.h"
#include "apiserver/rest/audited.h"
#include "apiserver/rest/begin.h"
#include "apiserver/rest/conversions.h"
#include "apiserver/rest/deadline.h"
#include "apiserver/rest/identity.h"
#include "apiserver/rest/respond.h"
#include "apiserver/rest/routes.h"
#include "apiserver/rest/verbs.h"
#include "base/soon.h"
#include "base/within.h"

namespace ph::apiserver {
namespace {

[[noreturn]] void refuse_verb(const Call& call) { throw api::method_not_allowed(call.served->qualified, call.info.verb); }

Verb verb_of(std::string_view name) {
  if (name == "get") return &get;
  if (name == "list") return &list;
  if (name == "watch") return &watch;
  if (name == "create") return &create;
  if (name == "update") return &update;
  if (name == "patch") return &patch;
  if (name == "delete") return &remove;
  if (name == "deletecollection") return &remove_collection;
  return nullptr;
}

// Null for those that are not served here (exec, attach, portforward, proxy).
Verb subresource_verb(const Call& call) {
  if (call.info.subresource == "status") return verb_of(call.info.verb);
  return part_verb(call.served->qualified, call.info.subresource, call.info.verb);
}

Task<HttpResponse> answer_subresource(Core& core, Call& call) {
  call.subresource = call.served->resource->subresource(call.info.subresource);
  const std::string name = call.served->qualified + "/" + call.info.subresource;
  const auto made = core.extensions.virtual_resources.find(name);
  if (made != core.extensions.virtual_resources.end()) co_return co_await create_virtual(core, call, *made->second);
  const auto handled = core.extensions.subresources.find(name);
  if (handled != core.extensions.subresources.end()) {
    co_return co_await handled->second->handle(call.request, call.info, call.user);
  }
  const Verb verb = subresource_verb(call);
  if (verb == nullptr) throw api::page_not_found();
  co_return co_await verb(core, call);
}

Task<HttpResponse> answer_resource(Core& core, Call& call) {
  if (call.served == nullptr) {
    ForeignGroup* const foreign = foreign_group(core.front, call.info);
    if (!foreign) co_return answer_unknown(call);
    co_return co_await foreign->handle(call.request, call.info, call.user);
  }
  if (!core.ready()) throw api::unavailable("the server is starting or stopping");
  if (!core.store.unreadable().empty()) core.front.serving.get()->check_readable(*call.served);
  check_route(*call.served->resource, call.info, call.request.method);
  if (!call.info.subresource.empty()) co_return co_await answer_subresource(core, call);
  if (!call.served->resource->has_verb(call.info.verb)) refuse_verb(call);

  const auto made = core.extensions.virtual_resources.find(call.served->qualified);
  if (made != core.extensions.virtual_resources.end()) co_return co_await create_virtual(core, call, *made->second);
  if (const Verb own = part_verb(call.served->qualified, {}, call.info.verb)) co_return co_await own(core, call);
  if (call.served->cache == nullptr) throw api::page_not_found();
  const Verb verb = verb_of(call.info.verb);
  if (verb == nullptr) refuse_verb(call);
  co_return co_await verb(core, call);
}

Task<HttpResponse> answer_path(Core& core, Call& call) {
  for (const auto& handler : core.extensions.paths) {
    if (auto response = co_await handler->try_handle(call.request, call.user)) co_return std::move(*response);
  }
  co_return answer_unknown(call);
}

// Who asks, and whether he may. The references outlive the wait.
Soon<> admit_user(Core& core, Call& call, ServerMetrics::Doors& doors, Told told = Told::AtOnce) {
  doors.asked();
  return then(authenticate(core, call.request), [&core, &call, &doors, told](Identity user) {
    doors.known(user);
    open_trail(core.front, call, user, told);
    return then(impersonate(core, call.request, call.info, std::move(user)), [&core, &call, &doors](Identity acting) {
      audit_impersonation(call, acting);
      call.user = std::move(acting);
      if (core.flows) call.flow = core.flows->classify(call.user, call.info);
      return then(authorize(core, call.user, call.info, call.trail.get()), [&doors] { doors.allowed(); });
    });
  });
}

Task<void> let_in(Core& core, Call& call) {
  ServerMetrics::Doors doors(core.metrics.get());
  try {
    co_await admit_user(core, call, doors);
  } catch (...) {
    doors.count();
    explain_refusal(call);
    throw;
  }
  doors.count();
}

// A list takes seats by the objects it may have to look at.
int width_of(const Call& call) {
  constexpr std::size_t kObjects = 100, kMost = 10;
  if (call.info.verb != "list" || !call.served || !call.served->cache || !call.info.name.empty()) return 1;
  std::size_t objects = call.served->cache->size(), limit = 0;
  const std::string_view text = call.query.get("limit");
  std::from_chars(text.data(), text.data() + text.size(), limit);
  if (limit > 0) objects = std::min(objects, limit);
  return static_cast<int>(std::clamp<std::size_t>((objects + kObjects - 1) / kObjects, 1, kMost));
}

Task<HttpResponse> answer(Core& core, Call& call) {
  if (!call.let_in) co_await let_in(core, call);
  Seat seat;
  if (call.flow) {
    seat = co_await core.flows->enter(call.flow, width_of(call));
    if (!seat) co_return answer_too_many();
  }
  if (!call.info.is_resource) co_return co_await answer_path(core, call);
  if (call.unacceptable) std::rethrow_exception(call.unacceptable);
  co_return co_await answer_resource(core, call);
}

// Whatever goes wrong is an answer.
Task<HttpResponse> always(Core& core, Call& call, Task<HttpResponse> answer) {
  std::exception_ptr error;
  try {
    co_return co_await answer;
  } catch (...) {
    error = std::current_exception();
  }
  co_return answer_error(core.front, call, std::move(error));
}

// A write, shared by the task that carries it out and the one that waits for it.
struct Write {
  Call call;
  std::optional<HttpResponse> response;
  Event over;  // answered, or out of time
};

Task<void> carry_out(Core& core, std::shared_ptr<Write> write) {
  write->response = co_await always(core, write->call, answer(core, write->call));
  write->over.set();
}

// What an answer says that comes before the write has ended. The rest is at work, maybe on another thread.
Call without_body(const Call& call) {
  Call out;
  out.request = {.method = call.request.method, .target = call.request.target, .headers = call.request.headers};
  out.audit_id = call.audit_id;
  out.trail = call.trail;
  out.info = call.info;
  out.query = call.query;
  out.user = call.user;
  out.flow = call.flow;
  out.form = call.form;
  out.served = call.served;
  out.subresource = call.subresource;
  return out;
}

// Whoever waits may give up: the write goes on. Its commit may be on its way, and what it has taken (addresses, ports) must not
// be given back before the outcome is known.
Task<HttpResponse> answer_write(Core& core, Call& call, Duration limit) {
  const auto write = std::make_shared<Write>();
  write->call = std::move(call);
  write->call.deadline = core.executor.clock().steady() + limit;
  core.writes().spawn(carry_out(core, write));
  const Alarm alarm(limit, write->over);
  co_await write->over.wait();
  if (!write->response) {
    call = without_body(write->call);
    throw out_of_time();
  }
  call = std::move(write->call);
  co_return std::move(*write->response);
}

Task<HttpResponse> answer_in_time(Core& core, Begun& begun) {
  Call& call = begun.call;
  const bool reads = call.request.method == "GET" || call.request.method == "HEAD";
  if (begun.limit && !reads) co_return co_await answer_write(core, call, *begun.limit);
  if (begun.limit) call.deadline = core.executor.clock().steady() + *begun.limit;
  co_return co_await answer(core, call);
}

void check_announced_size(const Core& core, const HttpRequest& head) {
  std::size_t length = 0;
  const std::string_view text = head.headers.get("Content-Length");
  std::from_chars(text.data(), text.data() + text.size(), length);
  check_size(core.options, length);
}

}  // namespace

Task<HttpResponse> dispatch(Core& core, HttpRequest request) {
  if (!request.begun) {
    if (auto response = begin_request(core.front, request)) co_return std::move(*response);
  }
  const auto begun = std::static_pointer_cast<Begun>(std::move(request.begun));
  begun->call.request = std::move(request);
  prepare_conversions(begun->call);
  HttpResponse response = co_await always(core, begun->call, answer_in_time(core, *begun));
  response = finish(core.front, begun->call, begun->measured, std::move(response));
  response.spent = begun;
  co_return response;
}

// Nothing is counted of a request that goes on: it is judged again, and counted, when it is whole.
Task<HeadVerdict> judge_head(Core& core, HttpRequest head) {
  Call call;
  call.request = std::move(head);
  call.audit_id = audit_id_of(core.front, call.request);
  if (core.front.auditor != nullptr) call.received = core.now();
  ServerMetrics::Doors doors(core.metrics.get());
  meta::v1::Status refusal;
  try {
    call.info = parse_request(call.request);
    choose_form(core.front, call);
    co_await admit_user(core, call, doors, Told::AtTheEnd);
    check_announced_size(core, call.request);
    co_return HeadVerdict{.user = std::move(call.user.name)};
  } catch (const api::ApiError& error) {
    refusal = error.status();
    explain_refusal(call);
  }
  ServerMetrics::Request measured(core.metrics.get());
  if (call.info.is_resource) call.held = core.find(call.info.group, call.info.version, call.info.resource);
  call.served = call.held.get();
  measured.parsed(call);
  doors.count();
  audit_received(core.front, call);
  co_return HeadVerdict{.refusal = finish(core.front, call, measured, answer_status(call.form, refusal))};
}

}  // namespace ph::apiserver
