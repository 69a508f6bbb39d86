// What is told of a request at one of its stages: audit.k8s.io/v1 Event.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/audit/policy.h"
#include "base/time.h"
#include "base/transport.h"

namespace ph::apiserver::audit {

struct ObjectReference {
  std::string resource, namespace_name, name, uid, group, version, resource_version, subresource;
};

// The body of an answer, in the form it has.
struct AnswerBody {
  std::string content_type;
  std::vector<SharedBytes> pieces;
};

// Makes the JSON text of an object; empty: there is none to show. Of const data: it may run on any thread.
using ObjectText = std::function<std::string()>;

struct Event {
  Level level = Level::None;
  std::string id;
  Stage stage = Stage::RequestReceived;
  std::string uri, verb;
  Identity user;  // without a name: nobody knows who it was
  std::optional<Identity> impersonated;
  std::vector<std::string> source_ips;
  std::string user_agent;
  std::optional<ObjectReference> object;
  int code = 0;                            // of the answer; 0: there is none yet
  std::string words;                       // why there is no answer, though all went well
  std::shared_ptr<const AnswerBody> body;  // of the answer, when it may be a Status, or is to be shown; or null
  ObjectText request_object, response_object;
  bool omit_managed_fields = false;
  Time received, at;
  std::map<std::string, std::string> annotations;
};

// Events are made once and read by many. Threads: any.
using EventRef = std::shared_ptr<const Event>;

// The JSON text. `with_kind`: begin with kind and apiVersion (items of a list leave them out). `with_objects`: request and response as
// far as the level shows them; without, they are left out, and an annotation says so. Never throws: an object that cannot be shown is
// left out.
std::string json_of(const Event& event, bool with_kind, bool with_objects = true);
// A body as JSON; empty when it is no object. Throws what its codec throws.
std::string json_of(const AnswerBody& body);
// One line in the words of the legacy format.
std::string words_of(const Event& event);

}  // namespace ph::apiserver::audit
