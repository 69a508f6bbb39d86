#include "election/guarded_transport.h"

namespace ph::election {
namespace {

bool writes(const HttpRequest& request) {
  return request.method == "POST" || request.method == "PUT" || request.method == "PATCH" || request.method == "DELETE";
}

class Guarded final : public Transport {
 public:
  Guarded(Transport& inner, std::shared_ptr<Leadership> leadership, const Clock& clock)
      : inner_(inner), leadership_(std::move(leadership)), clock_(clock) {}

  Task<HttpResponse> send(HttpRequest request, bool stream) override {
    if (writes(request)) {
      const auto term = leadership_->term_for_write(clock_.steady());
      if (!term) {
        leadership_->count_refused();
        throw NotLeading("not sent: no lease is held for certain");
      }
      request.headers.set(api::kFenceHeader, term->fence_header);
    }
    co_return co_await inner_.send(std::move(request), stream);
  }

 private:
  Transport& inner_;
  const std::shared_ptr<Leadership> leadership_;
  const Clock& clock_;
};

}  // namespace

std::unique_ptr<Transport> guarded_transport(Transport& inner, std::shared_ptr<Leadership> leadership, const Clock& clock) {
  return std::make_unique<Guarded>(inner, std::move(leadership), clock);
}

}  // namespace ph::election
