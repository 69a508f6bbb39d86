// The first steps of a request, which need nothing that belongs to the executor: what it means, who asks, and whether he may. Reads of
// what the caches have published are answered, and new objects are read.
#pragma once

#include <exception>
#include <optional>
#include <string>

#include "apiserver/rest/core.h"

namespace ph::apiserver {

// A request that goes on to the executor, and what is known of it.
struct Begun {
  explicit Begun(ServerMetrics* metrics) : measured(metrics) {}

  Call call;                      // but for the HttpRequest, which it goes with
  std::optional<Duration> limit;  // how long it may take
  ServerMetrics::Request measured;
};

// Its answer; else it has been begun (HttpRequest::begun). Never throws. Threads: any.
std::optional<HttpResponse> begin_request(const Front& front, HttpRequest& request);

// -- What every answer needs. Threads: any.

// The form of the answer. What cannot be given is an error only when there is something to give.
void choose_form(const Front& front, Call& call);
// Throws ApiError (413).
void check_size(const ServerOptions& options, std::size_t size);
// Of a path that nobody knows. Throws ApiError (404) where a built-in group would have to.
// Who else serves that group and version; null: nobody.
ForeignGroup* foreign_group(const Front& front, const RequestInfo& info);
HttpResponse answer_unknown(const Call& call);
// What went wrong, as an answer.
HttpResponse answer_error(const Front& front, const Call& call, std::exception_ptr error);
// With the headers that all answers have; audited and counted.
HttpResponse finish(const Front& front, Call& call, ServerMetrics::Request& measured, HttpResponse response);
std::string audit_id_of(const Front& front, const HttpRequest& request);

}  // namespace ph::apiserver
