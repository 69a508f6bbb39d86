#include "election/reconnecting.h"

namespace ph::election {
namespace {

// The connection outlives the stream that came from it: members end in reverse order.
class OwningStream final : public BodyStream {
 public:
  OwningStream(std::shared_ptr<Transport> connection, std::unique_ptr<BodyStream> inner)
      : connection_(std::move(connection)), inner_(std::move(inner)) {}
  Task<std::optional<SharedBytes>> next() override { return inner_->next(); }

 private:
  std::shared_ptr<Transport> connection_;
  std::unique_ptr<BodyStream> inner_;
};

}  // namespace

Task<HttpResponse> Reconnecting::send(HttpRequest request, bool stream) {
  if (!current_) {
    current_ = connect_();
    ++connections_;
  }
  const std::shared_ptr<Transport> connection = current_;
  HttpResponse response = co_await connection->send(std::move(request), stream);
  if (response.stream) response.stream = std::make_unique<OwningStream>(connection, std::move(response.stream));
  co_return response;
}

}  // namespace ph::election
