// A transport over connections that can be given up: the next request then leaves on a new one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/transport.h"

namespace ph::election {

class Reconnecting final : public Transport {
 public:
  explicit Reconnecting(std::function<std::unique_ptr<Transport>()> connect) : connect_(std::move(connect)) {}

  // Throws what `connect` throws. A connection lives until its last request and stream have ended.
  Task<HttpResponse> send(HttpRequest request, bool stream) override;

  // What is under way goes on; later requests get a new connection.
  void give_up() { current_.reset(); }
  // Connections made.
  std::uint64_t connections() const { return connections_; }

 private:
  std::function<std::unique_ptr<Transport>()> connect_;
  std::shared_ptr<Transport> current_;
  std::uint64_t connections_ = 0;
};

}  // namespace ph::election
