#include "pilothouse/server_client.h"

#include "daemon/part.h"
#include "daemon/server_access.h"

namespace ph::pilothouse {
namespace {

// Soon: somebody waits at a terminal.
const daemon::ConnectOptions kConnect{.ping_after = 10s, .ping_timeout = 10s, .connect_timeout = 5s};

Task<void> fetch(Transport& transport, std::string target, const std::function<void(std::string_view)>& take, int& status) {
  HttpRequest request{.method = "GET", .target = std::move(target)};
  const HttpResponse response = co_await transport.send(std::move(request), true);
  while (const auto piece = co_await response.stream->next()) take(**piece);
  status = response.status;
}

}  // namespace

struct ServerClient::Impl {
  Impl(const std::filesystem::path& kubeconfig, const Clock& clock)
      : access(io, {.kubeconfig = kubeconfig.string()}, Log()),
        transport("client", clock, [this](Executor& executor) { return access.connect(executor, kConnect); }) {}

  net::IoThreads io{1};
  daemon::ServerAccess access;
  daemon::Part<Transport> transport;
};

ServerClient::ServerClient(const std::filesystem::path& kubeconfig, const Clock& clock)
    : impl_(std::make_unique<Impl>(kubeconfig, clock)) {}
ServerClient::~ServerClient() = default;

std::string ServerClient::url() const { return impl_->access.server(); }

int ServerClient::get(const std::string& target, std::function<void(std::string_view)> take) {
  int status = 0;
  daemon::wait_for(impl_->transport.executor(), [&] { return fetch(*impl_->transport, target, take, status); });
  return status;
}

}  // namespace ph::pilothouse
