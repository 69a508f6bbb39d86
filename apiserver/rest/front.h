// What may be used on the thread of a connection: all that is constant, published or has a lock of its own, and no way from there to
// what belongs to the executor. Code that runs anywhere (base/anywhere.h) is given this in the place of the Core.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "api/schema.h"
#include "apiserver/extensions.h"
#include "base/log.h"
#include "base/published.h"
#include "base/rng.h"
#include "base/time.h"

namespace ph::apiserver {

namespace audit {
class Auditor;
}
class FlowControl;
struct Served;
struct ServerOptions;
class ServerMetrics;

// What is served at one time.
struct Serving {
  bool ready = false;  // the caches are filled
  api::Scheme scheme = api::Scheme::builtin();
  std::map<const api::Resource*, std::shared_ptr<Served>> served;
  // Of what is stored under some prefixes not all can be read: by the prefix, why.
  std::map<std::string, std::string, std::less<>> unreadable;

  // Throws ApiError (500): not all of its objects can be read, so none are served.
  void check_readable(const Served& served) const;
  // Null when nothing of that name is served. What is returned is const there, but for its caches' `published`.
  std::shared_ptr<Served> find(std::string_view group, std::string_view version, std::string_view plural) const;
};

// Threads: any, once the server has been installed. Lives as long as the server.
struct Front {
  const ServerOptions& options;
  const Clock& clock;
  Rng& rng;  // one that any thread may use, if others than the executor's ever come here
  const Log& log;
  ServerMetrics* metrics = nullptr;  // of which only Request and Doors may be used; null: nothing is counted

  // Of the extensions: constant.
  const Authenticator* authenticator = nullptr;
  const Authorizer* authorizer = nullptr;
  const TableConverter* tables = nullptr;
  const std::map<std::string, std::unique_ptr<VirtualResource>>* virtual_resources = nullptr;
  const ForeignGroups* foreign = nullptr;

  const FlowControl* flows = nullptr;       // null: nobody has to wait
  const audit::Auditor* auditor = nullptr;  // null: nothing is audited

  Published<Serving> serving;  // never null

  Time now() const { return clock.now(); }
};

}  // namespace ph::apiserver
