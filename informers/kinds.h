// Kinds: the resources that discovery names and somebody wants to follow, each with a copy of its metadata, as they come and go.
// The contract is docs/informers.md, "Kinds".
#pragma once

#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "informers/discovery.h"
#include "informers/informer.h"
#include "informers/metadata_view.h"
#include "informers/reflector.h"

namespace ph::informers {

// One resource that is followed. Whoever holds it may go on reading when it is offered no more: its copy then stands still.
struct Kind {
  // The same for a group and plural as long as the process lives, and no other's.
  std::size_t number;
  api::ResourceRef resource;
  std::shared_ptr<Informer<MetadataView>> metadata;
  Steady since;  // when it began to be followed
};
using KindRef = std::shared_ptr<const Kind>;

// Looks at discovery every thirty seconds, and whenever it is asked to. A kind that is offered no more is stopped and dropped at the
// next look; one of a group version that does not answer stays. Belongs to the executor of the informers, which own it.
class Kinds {
 public:
  using Wanted = bool (*)(const api::Resource&);

  Kinds(Executor& executor, Client& client, Informers& informers, Rng& rng, Log log);
  ~Kinds();

  // From now on all those are followed for which `when` holds.
  void want(Wanted when);
  bool is_asked_for() const { return !wanted_.empty(); }
  // Ends the looking; whoever waits goes on.
  void stop();

  // By group and plural. Valid until the caller waits.
  const std::vector<KindRef>& list() const { return list_; }
  // Null when it is not followed (any more).
  KindRef of_number(std::size_t number) const;
  // What an owner reference names, by any version that is served.
  KindRef of_name(std::string_view api_version, std::string_view kind) const;

  // Grows when a kind comes or goes.
  std::uint64_t version() const { return version_; }
  // Resumes when version() is not `seen`, or they were stopped.
  Task<void> wait_change(std::uint64_t seen);
  // Resumes after the first look that was answered.
  Task<void> wait_known();
  // Every copy is complete, or has been tried for so long: what cannot be listed holds nobody up for ever.
  bool settled(Duration patience) const;
  // … for half a minute.
  Task<void> wait_settled();
  // Looks at discovery, after this call began. Throws when it is not answered.
  Task<void> refresh();

 private:
  struct Held {
    KindRef kind;
    std::vector<api::GroupVersionKind> names;
  };
  using Name = std::pair<std::string, std::string>;  // group, plural

  Task<void> run();
  Task<Duration> look();
  void take(const Discovery& found);
  bool is_wanted(const api::Resource& resource) const;
  std::size_t number_of(const Name& name);
  void index();
  bool is_settled(const Kind& kind, Duration patience) const;

  Executor& executor_;
  Informers& informers_;
  Log log_;
  Discoverer discoverer_;
  detail::Backoff backoff_;
  std::set<Wanted> wanted_;
  std::map<Name, std::size_t> numbers_;
  std::map<Name, Held> held_;
  std::vector<KindRef> list_;
  std::map<std::size_t, KindRef> by_number_;
  std::map<std::string, KindRef, std::less<>> by_name_;  // "apps/v1/Deployment"
  std::uint64_t version_ = 0;
  std::shared_ptr<const Discovery> found_;  // of the last look that was answered
  std::uint64_t begun_ = 0, ended_ = 0;     // looks
  std::exception_ptr failure_;              // of the last look
  bool stopped_ = false;
  ph::Event asked_, looked_, changed_;
  Scope scope_;
};

// What can be listed, watched and deleted, but events, which are many, and nobody's owners.
bool is_collectable(const api::Resource& resource);

}  // namespace ph::informers
