// What stands between a request and a verb: who asks (authentication), whether he may (authorization), and what the cluster
// makes of the object (admission). Everything here runs on the apiserver's executor, but for the functions that end in `_here`.
//
// Those two run anywhere (base/anywhere.h), on the thread of the connection as a rule, several at a time: they read what is published,
// and change nothing but what has a lock of its own. When that does not suffice they return nothing, and the executor is asked. What
// they say is never older than what the server has told anybody before.
//
// These doors may wait. A plugin that never does overrides the plain function; one that does (it asks somebody over the network)
// overrides the one that returns a Soon, which is the only one others call. Whoever waits bounds the wait himself, and may be dropped
// while he waits; what he is given refers to what outlives the wait.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/object.h"
#include "api/schema.h"
#include "api/selector.h"
#include "apiserver/cache/cache.h"
#include "base/soon.h"
#include "base/time.h"
#include "base/transport.h"

namespace google::protobuf {
class Message;
}

namespace ph::apiserver {

namespace audit {
class Trail;  // apiserver/audit/auditor.h
}

using google::protobuf::Message;

// What a request's path and method mean. Reference: "Kubernetes API concepts", "Request attributes used in authorization".
struct RequestInfo {
  bool is_resource = false;
  std::string verb;  // get list watch create update patch delete deletecollection; for other paths the method in lower case
  std::string group, version, resource, subresource;
  std::string namespace_name, name;
  std::string path;
  // How the path was written; whoever authorizes does not care, the router does.
  bool under_namespace = false;  // …/namespaces/NAMESPACE/RESOURCE…
  bool names_object = false;     // …/RESOURCE/NAME…; a field selector may set `name`, too
  bool by_watch_prefix = false;  // /api/v1/watch/…
  bool unknown_shape = false;    // parts that no resource has
  // What a list, a watch or the deletion of a collection is narrowed to; empty also where that cannot be read: it is narrowed to
  // nothing then, as far as authorization goes.
  std::vector<api::FieldSelector::Term> fields = {};
  std::vector<api::Requirement> labels = {};
};

// Throws ApiError for a path that cannot be parsed.
RequestInfo parse_request(const HttpRequest& request);

// What makes a name unfit for one part of a path; nothing when it is fit. "may not be '..'"
std::optional<std::string> bad_path_segment(std::string_view name);

// Reads what the caches hold. A null pointer or empty list when there is nothing.
class ObjectReader {
 public:
  virtual ~ObjectReader() = default;
  // What is served at present.
  virtual const api::Scheme& scheme() const = 0;
  virtual const api::Resource* resource(const api::Schema& schema) const = 0;
  virtual WatchCache* cache(const api::Resource& resource) = 0;
  // Decodes the object; none when it does not exist.
  virtual api::Object read(const api::Resource& resource, const ObjectKey& key) = 0;

  template <class T>
  std::unique_ptr<T> read(const ObjectKey& key) {
    return read(*resource(api::schema_of<T>()), key).template take<T>();
  }
};

// -- Authentication

class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // Somebody; or nobody, when the request carries no credentials this one knows; throws ApiError (401) for bad ones. The request
  // outlives the wait; of a head that is judged before its body the body is empty.
  virtual Soon<std::optional<Identity>> authenticate_soon(const HttpRequest& request) { return authenticate(request); }
  // The same, or nothing when only the executor can tell.
  virtual std::optional<std::optional<Identity>> authenticate_here(const HttpRequest&) const { return std::nullopt; }

 protected:
  virtual std::optional<Identity> authenticate(const HttpRequest&) { return std::nullopt; }
};

// -- Authorization

// What is asked. It refers to what outlives the answer.
struct Attributes {
  const Identity& user;
  const RequestInfo& request;
};

struct Decision {
  enum class Kind { Allow, Deny, NoOpinion } kind = Kind::NoOpinion;
  std::string reason;
  // What went wrong on the way. A request that is not allowed is answered with it (500), not with a refusal.
  std::string error = {};
};

struct RulesOfUser;  // apiserver/authz/rules.h

class Authorizer {
 public:
  virtual ~Authorizer() = default;
  virtual Soon<Decision> authorize_soon(Attributes attributes) { return authorize(attributes); }
  // The same, or nothing when only the executor can tell.
  virtual std::optional<Decision> authorize_here(const Attributes&) const { return std::nullopt; }
  // Adds what it would allow the user in the namespace, as far as rules can say it. On the executor.
  virtual void add_rules(const Identity&, std::string_view, RulesOfUser&) {}

 protected:
  virtual Decision authorize(const Attributes&) { return {}; }
};

// -- Admission

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

class AdmissionTrace;  // apiserver/admission/trace.h

struct AdmissionRequest {
  const api::Resource* resource = nullptr;
  std::string subresource;
  std::string operation;  // CREATE UPDATE DELETE CONNECT
  ObjectKey key;          // name may be empty before generateName
  const Identity* user = nullptr;
  bool dry_run = false;
  api::Object* object = nullptr;            // null for DELETE; before the commit: when the object is being removed
  const api::Object* old_object = nullptr;  // UPDATE, DELETE
  std::vector<std::string>* warnings = nullptr;

  // How it was put, for plugins that show it to somebody outside.
  const api::Resource* spoken = nullptr;  // the version that the request is made in; null: `resource`
  const RequestOptions* options = nullptr;
  const ObjectVersions* versions = nullptr;
  Steady deadline = Steady::max();  // nobody waits for the write any longer

  // Somebody outside has changed the object, maybe put another one in its place: what the server itself sets is set once more, and all
  // plugins admit it `again`, once. What the plugin that wants this has to remember until then it may keep here.
  bool changed_outside = false;
  bool again = false;
  std::shared_ptr<void> kept;

  // Wants to know who has changed what. Each plugin's changes are noted behind it; one that asks several others notes theirs. Null: nobody.
  AdmissionTrace* trace = nullptr;
  audit::Trail* trail = nullptr;  // where webhooks may add annotations; null: the request is not audited
};

struct WriteContext;  // apiserver/registry/resource_rules.h

// One plugin; refused requests throw ApiError. What they are given outlives the waits.
class AdmissionPlugin {
 public:
  virtual ~AdmissionPlugin() = default;
  virtual std::string_view name() const = 0;
  virtual Soon<> admit_soon(AdmissionRequest& request) {
    admit(request);
    return {};
  }
  virtual Soon<> validate_soon(const AdmissionRequest& request) {
    validate(request);
    return {};
  }
  // Before each commit of the write, and again when it lost a race: what is demanded of other keys and written together with the
  // object (a quota). A dry run is asked too, and commits nothing.
  virtual Soon<> before_commit_soon(const AdmissionRequest& request, WriteContext& write) {
    before_commit(request, write);
    return {};
  }
  // Asked right before the commit when something in the store has changed since the plugins were asked (one of them has waited,
  // a race was lost): whether what was read then still allows the write.
  virtual void judge_again(const AdmissionRequest&) {}

 protected:
  virtual void admit(AdmissionRequest&) {}           // may change the object; runs after defaulting, before validation
  virtual void validate(const AdmissionRequest&) {}  // after all mutation
  virtual void before_commit(const AdmissionRequest&, WriteContext&) {}
};

// Of plugins that judge, besides objects, what a request brings that is none which is stored: a Binding, an Eviction, a review. They are
// asked in the order of all plugins, once.
class PartAdmission {
 public:
  virtual ~PartAdmission() = default;
  // False: there is no need to ask.
  virtual bool has_a_say() = 0;
  // May put another object in its place. The request outlives the wait.
  virtual Soon<> judge_part(AdmissionRequest& request) = 0;
};

// -- Resources that store nothing: reviews, token requests. `create` fills in the answer.
struct VirtualRequest {
  const RequestInfo* info = nullptr;
  const Identity* user = nullptr;
  Message* object = nullptr;
};
class VirtualResource {
 public:
  virtual ~VirtualResource() = default;
  virtual Task<void> create(VirtualRequest request) = 0;
};

}  // namespace ph::apiserver
