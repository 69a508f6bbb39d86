#include "apiserver/authz/authorizers.h"

#include <algorithm>

namespace ph::apiserver {

namespace {

class Union final : public Authorizer {
 public:
  explicit Union(std::vector<Authorizer*> authorizers) : authorizers_(std::move(authorizers)) {}

  Decision authorize(const Attributes& attributes) override {
    if (std::ranges::find(attributes.user.groups, "system:masters") != attributes.user.groups.end()) {
      return {Decision::Kind::Allow, {}};
    }
    std::string reasons;
    for (Authorizer* authorizer : authorizers_) {
      Decision decision = authorizer->authorize(attributes);
      if (decision.kind != Decision::Kind::NoOpinion) return decision;
      if (!decision.reason.empty()) reasons += (reasons.empty() ? "" : "\n") + decision.reason;
    }
    return {Decision::Kind::NoOpinion, std::move(reasons)};
  }

 private:
  std::vector<Authorizer*> authorizers_;
};

}  // namespace

std::unique_ptr<Authorizer> make_union(std::vector<Authorizer*> authorizers) {
  return std::make_unique<Union>(std::move(authorizers));
}

}  // namespace ph::apiserver
