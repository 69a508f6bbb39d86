// What the audit is told of a request on its way. Without a policy, and for requests that it does not want, all of this is one look at
// a pointer. Nothing here is told of headers, so no credentials either.
#pragma once

#include <vector>

#include "apiserver/audit/auditor.h"
#include "apiserver/rest/core.h"
#include "apiserver/rest/encode.h"

namespace ph::apiserver {

namespace audited {
void open(const Front& front, Call& call, const Identity& user, bool tell);
void answer(const Front& front, Call& call, HttpResponse& response);
void object(const Call& call, const api::Object& object);
void sent_body(const Call& call, bool is_yaml);
}  // namespace audited

// When it is told that a request has come: a head may be judged whose request is told of when all of it has come.
enum class Told { AtOnce, AtTheEnd };

// Who asks is known: from here on the request has a trail, if the policy wants it. Throws ApiError (500): it must not go on unless that
// is written, and it cannot be.
inline void open_trail(const Front& front, Call& call, const Identity& user, Told told = Told::AtOnce) {
  if (front.auditor != nullptr) audited::open(front, call, user, told == Told::AtOnce);
}
// A request whose trail was opened without telling of it has come, after all.
void audit_received(const Front& front, const Call& call);

// As whom somebody acts.
inline void audit_impersonation(const Call& call, const Identity& acting) {
  if (!call.trail) return;
  audit::Event& event = call.trail->event();
  if (acting.name != event.user.name || acting.groups != event.user.groups) event.impersonated = acting;
}

// What the request brings has been read: an object; a patch; options of a deletion.
inline void audit_object(const Call& call, const api::Object& object) {
  if (call.trail) audited::object(call, object);
}
inline void audit_patch(const Call& call) {
  if (call.trail) audited::sent_body(call, true);
}
inline void audit_deletion(const Call& call) {
  if (call.trail) audited::sent_body(call, false);
}

// What it is answered with, when that is a stored object or a list of them. Only of calls with a trail.
void audit_entry(const Encoding& encoding, const Call& call, const EntryRef& entry);
void audit_list(const Encoding& encoding, const Call& call, const std::vector<EntryRef>& entries,
                const meta::v1::ListMeta& metadata);

// The answer is complete but for its body, which may be made later: then that is when its event is made.
inline void audit_answer(const Front& front, Call& call, HttpResponse& response) {
  if (front.auditor != nullptr) audited::answer(front, call, response);
}

}  // namespace ph::apiserver
