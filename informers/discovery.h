// Discovery: which resources a server offers, those included that this program was not made with. Reference: "API Discovery",
// "The Kubernetes API: Aggregated discovery".
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/schema.h"
#include "informers/client.h"

namespace ph::informers {

// What a server said at one moment. Immutable.
struct Discovery {
  // A resource in the version that its group prefers, or the first that has it. `names`: what owner references may call its kind,
  // one a served version.
  struct Offer {
    api::ResourceRef resource;
    std::vector<api::GroupVersionKind> names;
  };
  std::vector<Offer> offers;                    // by group, plural
  std::map<std::string, std::string> failures;  // "group/version" → why nobody knows what it has

  // In upstream's words; empty when nothing failed.
  std::string complaint() const;
};

// Reads discovery: the aggregated documents where the server offers them, else those of each group and version. What has not
// changed is not sent again. A resource is the same object as long as it is offered and is what it was; it lives as long as
// somebody holds it. It has no schema: nothing here knows more of its objects than their metadata.
// Belongs to the client's executor; the client outlives it.
class Discoverer {
 public:
  explicit Discoverer(Client& client) : client_(client) {}

  // What the server offers now. Throws api::ApiError when it does not even say which groups there are, and TransportError.
  Task<std::shared_ptr<const Discovery>> look();

 private:
  // What one group version has, or why nobody knows.
  struct Piece {
    std::string group, version, failure;
    std::vector<api::Resource> resources;
  };
  using Pieces = std::vector<Piece>;  // of a group those of preferred versions first

  Task<Pieces> look_at(std::string root);
  Task<Pieces> look_at_each(std::string root, std::string groups);
  Task<Piece> look_at_one(std::string path, std::string group, std::string version);
  Task<const Client::Document*> read(std::string path);
  std::shared_ptr<const Discovery> put_together(const Pieces& pieces);

  Client& client_;
  std::map<std::string, Client::Document> read_;                           // by path
  std::map<std::pair<std::string, std::string>, api::ResourceRef> known_;  // of the last look, by group and plural
};

}  // namespace ph::informers
