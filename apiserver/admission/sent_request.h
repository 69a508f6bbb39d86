// What the verbs hand to admission: the request with how it was put, for plugins that show it to somebody outside.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apiserver/access.h"
#include "base/time.h"

namespace ph::apiserver {

// How a request's options were put.
struct RequestOptions {
  std::string field_manager, field_validation;
  std::vector<std::string> dry_run;
  const meta::v1::DeleteOptions* deletion = nullptr;  // of a DELETE
};

// An object as the request's version of its kind, or another, shows it, and as it is stored; what a request for a part shows of it.
// `as`: one of the versions.
class ObjectVersions {
 public:
  virtual ~ObjectVersions() = default;
  virtual api::Object shown(const api::Object& stored, const api::Resource& as) const = 0;
  virtual api::Object stored(api::Object shown, const api::Resource& as) const = 0;
};

struct SentRequest : AdmissionRequest {
  const api::Resource* spoken = nullptr;  // the version that the request is made in; null: `resource`
  const RequestOptions* options = nullptr;
  const ObjectVersions* versions = nullptr;
  Steady deadline = Steady::max();  // nobody waits for the write any longer

  // Somebody outside has changed the object, maybe put another one in its place: what the server itself sets is set once more, and all
  // plugins admit it `again`, once. What the plugin that wants this has to remember until then it may keep here.
  bool changed_outside = false;
  bool again = false;
  std::shared_ptr<void> kept;
};

// Of plugins that judge, besides objects, what a request brings that is none which is stored: a Binding, an Eviction, a review. They are
// asked in the order of all plugins, once.
class PartAdmission {
 public:
  virtual ~PartAdmission() = default;
  // False: there is no need to ask.
  virtual bool has_a_say() = 0;
  // May put another object in its place. The request outlives the wait.
  virtual Soon<> judge_part(SentRequest& request) = 0;
};

// All that plugins are given is of this kind (rest/round.h).
inline SentRequest& as_sent(AdmissionRequest& request) { return static_cast<SentRequest&>(request); }
inline const SentRequest& as_sent(const AdmissionRequest& request) { return static_cast<const SentRequest&>(request); }

}  // namespace ph::apiserver
