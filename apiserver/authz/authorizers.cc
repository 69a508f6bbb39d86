#include "apiserver/authz/authorizers.h"

#include <algorithm>

#include "apiserver/authz/rules.h"

namespace ph::apiserver {

namespace {

// What those have said who have been asked.
class Heard {
 public:
  // True when the others need not be asked.
  bool settled_by(Decision next) {
    if (next.kind != Decision::Kind::NoOpinion) {
      said_ = std::move(next);
      errors_.clear();
      return true;
    }
    if (!next.reason.empty()) said_.reason += (said_.reason.empty() ? "" : "\n") + next.reason;
    if (!next.error.empty()) errors_.push_back(std::move(next.error));
    return false;
  }
  Decision decision() {
    if (!errors_.empty()) said_.error = join_errors(errors_);
    return std::move(said_);
  }

 private:
  Decision said_;
  std::vector<std::string> errors_;
};

class Union final : public Authorizer {
 public:
  explicit Union(std::vector<Authorizer*> authorizers) : authorizers_(std::move(authorizers)) {}

  Soon<Decision> authorize_soon(Attributes attributes) override {
    if (is_master(attributes.user)) return Decision{Decision::Kind::Allow, {}};
    Heard so_far;
    for (std::size_t i = 0; i < authorizers_.size(); ++i) {
      Soon<Decision> answer = authorizers_[i]->authorize_soon(attributes);
      if (!answer.ready()) return ask_rest(attributes, i, std::move(answer), std::move(so_far));
      if (so_far.settled_by(answer.take())) break;
    }
    return so_far.decision();
  }

  std::optional<Decision> authorize_here(const Attributes& attributes) const override {
    if (is_master(attributes.user)) return Decision{Decision::Kind::Allow, {}};
    Heard so_far;
    for (const Authorizer* authorizer : authorizers_) {
      std::optional<Decision> answer = authorizer->authorize_here(attributes);
      if (!answer) return std::nullopt;
      if (so_far.settled_by(std::move(*answer))) break;
    }
    return so_far.decision();
  }

 private:
  static bool is_master(const Identity& user) { return std::ranges::find(user.groups, "system:masters") != user.groups.end(); }

  // As above, from number `i` on, whose answer is not there yet.
  Task<Decision> ask_rest(Attributes attributes, std::size_t i, Soon<Decision> answer, Heard so_far) {
    while (!so_far.settled_by(co_await answer) && ++i < authorizers_.size()) answer = authorizers_[i]->authorize_soon(attributes);
    co_return so_far.decision();
  }

  std::vector<Authorizer*> authorizers_;
};

}  // namespace

std::unique_ptr<Authorizer> make_union(std::vector<Authorizer*> authorizers) {
  return std::make_unique<Union>(std::move(authorizers));
}

}  // namespace ph::apiserver
