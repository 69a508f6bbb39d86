#include "apiserver/authz/authorizers.h"

#include <algorithm>

namespace ph::apiserver {

namespace {

class Union final : public Authorizer {
 public:
  explicit Union(std::vector<Authorizer*> authorizers) : authorizers_(std::move(authorizers)) {}

  Soon<Decision> authorize_soon(Attributes attributes) override {
    if (is_master(attributes.user)) return Decision{Decision::Kind::Allow, {}};
    Decision so_far;
    for (std::size_t i = 0; i < authorizers_.size(); ++i) {
      Soon<Decision> answer = authorizers_[i]->authorize_soon(attributes);
      if (!answer.ready()) return ask_rest(attributes, i, std::move(answer), std::move(so_far));
      if (settles(so_far, answer.take())) break;
    }
    return so_far;
  }

  std::optional<Decision> authorize_here(const Attributes& attributes) const override {
    if (is_master(attributes.user)) return Decision{Decision::Kind::Allow, {}};
    Decision so_far;
    for (const Authorizer* authorizer : authorizers_) {
      std::optional<Decision> answer = authorizer->authorize_here(attributes);
      if (!answer) return std::nullopt;
      if (settles(so_far, std::move(*answer))) break;
    }
    return so_far;
  }

 private:
  static bool is_master(const Identity& user) { return std::ranges::find(user.groups, "system:masters") != user.groups.end(); }

  // As above, from number `i` on, whose answer is not there yet.
  Task<Decision> ask_rest(Attributes attributes, std::size_t i, Soon<Decision> answer, Decision so_far) {
    while (!settles(so_far, co_await answer) && ++i < authorizers_.size()) answer = authorizers_[i]->authorize_soon(attributes);
    co_return so_far;
  }

  // Adds what one of them says; true when the others need not be asked.
  static bool settles(Decision& so_far, Decision next) {
    if (next.kind != Decision::Kind::NoOpinion) {
      so_far = std::move(next);
      return true;
    }
    if (!next.reason.empty()) so_far.reason += (so_far.reason.empty() ? "" : "\n") + next.reason;
    return false;
  }

  std::vector<Authorizer*> authorizers_;
};

}  // namespace

std::unique_ptr<Authorizer> make_union(std::vector<Authorizer*> authorizers) {
  return std::make_unique<Union>(std::move(authorizers));
}

}  // namespace ph::apiserver
