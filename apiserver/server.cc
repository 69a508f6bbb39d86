#include "apiserver/server.h"

#include "apiserver/extensions/custom_resources.h"
#include "apiserver/rest/begin.h"
#include "apiserver/rest/core.h"
#include "apiserver/rest/dispatch.h"
#include "apiserver/upkeep/upkeep.h"

namespace ph::apiserver {

struct ApiServer::Impl {
  Impl(Executor& executor, Rng& rng, Store& store, Log log, ServerOptions options)
      : core(executor, rng, store, std::move(log), std::move(options)), custom(core), upkeep(executor) {}

  Core core;
  CustomResources custom;
  Scope upkeep;
};

ApiServer::ApiServer(Executor& executor, Rng& rng, Store& store, Log log, ServerOptions options)
    : impl_(std::make_unique<Impl>(executor, rng, store, std::move(log), std::move(options))) {}

ApiServer::~ApiServer() = default;

void ApiServer::install(Extensions extensions) { impl_->core.install(std::move(extensions)); }

Task<void> ApiServer::start() {
  Core& core = impl_->core;
  co_await core.fill();
  co_await impl_->custom.fill();
  core.set_ready(true);
  impl_->upkeep.spawn(impl_->custom.follow());
  impl_->upkeep.spawn(expire_events(core));
  if (core.options.keep_api_services) {
    co_await make_api_services(core);
    impl_->upkeep.spawn(keep_api_services(core));
  }
  for (const auto& hook : core.extensions.at_start) co_await hook();
  if (core.options.keep_flow_schemas) impl_->upkeep.spawn(keep_flow_schemas(core));
  if (core.options.keep_kubernetes_service) impl_->upkeep.spawn(keep_kubernetes_service(core));
}

Task<void> ApiServer::stop() {
  impl_->core.set_ready(false);
  impl_->upkeep.cancel();
  impl_->core.close();
  co_return;
}

Task<HttpResponse> ApiServer::handle(HttpRequest request) { return dispatch(impl_->core, std::move(request)); }

std::optional<HttpResponse> ApiServer::begin(HttpRequest& request) { return begin_request(impl_->core.front, request); }

Task<HeadVerdict> ApiServer::judge_head(HttpRequest head) { return apiserver::judge_head(impl_->core, std::move(head)); }

Task<void> ApiServer::ensure(api::Object object) { return ensure_object(impl_->core, std::move(object)); }

ObjectReader& ApiServer::reader() { return impl_->core; }
const ServerOptions& ApiServer::options() const { return impl_->core.options; }
bool ApiServer::ready() const { return impl_->core.ready(); }

}  // namespace ph::apiserver
