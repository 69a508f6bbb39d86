#include "apiserver/rest/metrics.h"

#include <algorithm>
#include <array>
#include <set>

#include "apiserver/rest/core.h"

namespace ph::apiserver {
namespace {

constexpr std::string_view kComponent = "apiserver";
constexpr std::array<std::string_view, 2> kRequestKinds{"readOnly", "mutating"};
// Paths that are asked for so often that they are worth a series of their own.
constexpr std::array<std::string_view, 4> kPaths{"/healthz", "/livez", "/metrics", "/readyz"};

// Upstream's word for what is asked: the method, but for reads and deletions of collections, watches and applies.
std::string_view verb_of(const Call& call) {
  const std::string& verb = call.info.verb;
  if (verb == "list") return "LIST";
  if (verb == "watch") return "WATCH";
  if (verb == "get") return "GET";
  if (verb == "create" || verb == "post") return "POST";
  if (verb == "update" || verb == "put") return "PUT";
  if (verb == "patch") {
    return call.request.headers.get("content-type").starts_with("application/apply-patch") ? "APPLY" : "PATCH";
  }
  if (verb == "delete") return "DELETE";
  if (verb == "deletecollection") return "DELETECOLLECTION";
  return "other";
}

std::string_view scope_of(const RequestInfo& info) {
  if (!info.name.empty() || info.verb == "create") return "resource";
  if (!info.namespace_name.empty()) return "namespace";
  return info.is_resource ? "cluster" : "";
}

std::string_view path_of(const RequestInfo& info) {
  const auto known = std::ranges::find_if(kPaths, [&](std::string_view path) { return info.path.starts_with(path); });
  return known == kPaths.end() ? std::string_view() : *known;
}

// As upstream: of service accounts and people only their kind is told.
std::string_view label_of_user(const std::string& name) {
  static constexpr std::array<std::string_view, 5> kKnown{"admin", "client", "kube_proxy", "kubelet",
                                                          "system:serviceaccount:kube-system:default"};
  const auto known = std::ranges::find(kKnown, name);
  if (known != kKnown.end()) return *known;
  return name.find('@') != name.npos ? "email_id" : "other";
}

std::size_t size_of(const std::vector<SharedBytes>& pieces) {
  std::size_t size = 0;
  for (const SharedBytes& piece : pieces) size += piece->size();
  return size;
}

}  // namespace

std::size_t ServerMetrics::Hash::operator()(const Kind& kind) const {
  std::size_t out = std::hash<std::uint64_t>()(kind.serial);
  const auto mix = [&](std::size_t more) { out = out * 31 + more; };
  mix(std::hash<const void*>()(kind.subresource));
  mix(std::hash<std::string_view>()(kind.verb));
  mix(kind.scope.size() * 64 + kind.path.size() * 2 + kind.dry_run);
  return out;
}

ServerMetrics::ServerMetrics(Metrics& metrics, Core& core) : core_(core), families_{&metrics} {
  const auto authentication = [&](std::string_view result) {
    return Result{families_.authentications.with({result}), families_.authentication_duration.with({result})};
  };
  const auto authorization = [&](std::string_view result) {
    return Result{families_.authorizations.with({result}), families_.authorization_duration.with({result})};
  };
  known_ = authentication("success");
  unknown_ = authentication("error");
  allowed_ = authorization("allowed");
  denied_ = authorization("denied");
  hook_ = metrics.on_scrape(core.executor, [this] { show(); });
}

ServerMetrics::~ServerMetrics() = default;

void ServerMetrics::forget(const Served& served) {
  const std::lock_guard lock(mutex_);
  std::erase_if(kinds_, [&](const auto& entry) { return entry.first.served == &served; });
}

Steady ServerMetrics::now() const { return core_.executor.clock().steady(); }

ServerMetrics::Kind ServerMetrics::kind_of(const Call& call) {
  Kind kind{.verb = verb_of(call), .scope = scope_of(call.info), .dry_run = call.query.has("dryRun")};
  if (!call.info.is_resource) {
    kind.path = path_of(call.info);
    return kind;
  }
  kind.served = call.served;
  kind.serial = kind.served ? kind.served->serial : 0;
  if (kind.served && !call.info.subresource.empty()) kind.subresource = kind.served->resource->subresource(call.info.subresource);
  return kind;
}

ServerMetrics::OfKind& ServerMetrics::of(const Kind& kind) {
  const auto [found, fresh] = kinds_.try_emplace(kind);
  OfKind& out = found->second;
  if (!fresh) return out;
  const api::GroupVersionKind none;
  const api::GroupVersionKind& what = kind.served ? kind.served->resource->kind : none;
  const std::string_view resource = kind.served ? std::string_view(kind.served->resource->plural) : std::string_view();
  const std::string_view subresource = kind.subresource ? std::string_view(kind.subresource->name) : kind.path;
  const std::string_view dry_run = kind.dry_run ? "All" : "";
  out.duration =
      families_.duration.with({dry_run, kComponent, what.group, resource, kind.scope, subresource, kind.verb, what.version});
  const bool reads = kind.verb == "GET" || kind.verb == "LIST" || kind.verb == "WATCH";
  if (reads)
    out.sizes =
        families_.response_sizes.with({kComponent, what.group, resource, kind.scope, subresource, kind.verb, what.version});
  return out;
}

Counter ServerMetrics::answers(OfKind& of, const Kind& kind, int code) {
  for (const auto& [known, counter] : of.by_code) {
    if (known == code) return counter;
  }
  const api::GroupVersionKind none;
  const api::GroupVersionKind& what = kind.served ? kind.served->resource->kind : none;
  const std::string_view resource = kind.served ? std::string_view(kind.served->resource->plural) : std::string_view();
  const std::string_view subresource = kind.subresource ? std::string_view(kind.subresource->name) : kind.path;
  // system_client is always empty, which to Prometheus is the same as not being there.
  const Counter counter = families_.total.with({std::to_string(code), kind.dry_run ? "All" : "", "", kComponent, what.group,
                                                resource, kind.scope, subresource, kind.verb, what.version});
  of.by_code.emplace_back(code, counter);
  return counter;
}

// -- Requests

ServerMetrics::Request::Request(ServerMetrics* metrics) : metrics_(metrics) {
  if (metrics_) begun_ = metrics_->now();
}

ServerMetrics::Request::~Request() {
  if (kind_ >= 0) --metrics_->inflight_[kind_];
}

void ServerMetrics::Request::parsed(const Call& call) {
  const std::string& verb = call.info.verb;
  if (!metrics_ || verb == "watch") return;
  kind_ = verb == "get" || verb == "list" || verb == "head" ? 0 : 1;
  const int now = ++metrics_->inflight_[kind_];
  std::atomic<int>& most = metrics_->most_inflight_[kind_];
  for (int before = most; before < now && !most.compare_exchange_weak(before, now);) {
  }
}

void ServerMetrics::Request::answered(const Call& call, HttpResponse& response) {
  if (!metrics_ || call.watching) return;
  const Kind kind = kind_of(call);
  Histogram duration, sizes;
  Counter answers;
  {
    const std::lock_guard lock(metrics_->mutex_);
    OfKind& of = metrics_->of(kind);
    duration = of.duration;
    sizes = of.sizes;
    answers = metrics_->answers(of, kind, response.status);
  }
  duration.observe(metrics_->now() - begun_);
  answers.add();
  if (!sizes) return;
  if (response.next_piece) {
    response.next_piece = [next = std::move(response.next_piece), sizes, size = std::size_t{0}]() mutable {
      SharedBytes piece = next();
      if (piece) size += piece->size();
      else sizes.observe(static_cast<double>(size));
      return piece;
    };
    return;
  }
  if (!response.render) {
    sizes.observe(static_cast<double>(size_of(response.body)));
    return;
  }
  // Its size is known when it has been made, on whatever thread.
  response.render = [render = std::move(response.render), sizes] {
    std::vector<SharedBytes> body = render();
    sizes.observe(static_cast<double>(size_of(body)));
    return body;
  };
}

// -- Watches

ServerMetrics::Watching::Watching(ServerMetrics& metrics, const Call& call)
    : clock_(metrics.core_.executor.clock()), begun_(clock_.steady()) {
  const Kind kind = kind_of(call);
  {
    const std::lock_guard lock(metrics.mutex_);
    OfKind& of = metrics.of(kind);
    duration_ = of.duration;
    sizes_ = of.sizes;
    total_ = metrics.answers(of, kind, 200);
  }
  const api::GroupVersionKind& what = kind.served->resource->kind;
  const std::string_view resource = kind.served->resource->plural;
  const std::string_view subresource = kind.subresource ? std::string_view(kind.subresource->name) : std::string_view();
  const RequestFamilies& families = metrics.families_;
  open_ =
      Counted(families.longrunning.with({kComponent, what.group, resource, kind.scope, subresource, kind.verb, what.version}));
  events_ = families.watch_events.with({what.group, resource, what.version});
  event_sizes_ = families.watch_event_sizes.with({what.group, resource, what.version});
  initial_events_ = families.initial_events.with({what.group, resource});
  list_ = families.watch_list.with({what.group, resource, kind.scope, what.version});
}

ServerMetrics::Watching::~Watching() {
  duration_.observe(clock_.steady() - begun_);
  sizes_.observe(static_cast<double>(bytes_));
  total_.add();
}

// -- Access

void ServerMetrics::Doors::asked() {
  if (!metrics_) return;
  passed_ = Asked;
  begun_ = metrics_->now();
}

void ServerMetrics::Doors::known(const Identity& user) {
  if (!metrics_) return;
  passed_ = Known;
  user_ = label_of_user(user.name);
  known_ = metrics_->now();
}

void ServerMetrics::Doors::allowed() {
  if (!metrics_) return;
  passed_ = Allowed;
  allowed_ = metrics_->now();
}

Counter ServerMetrics::requests_of(std::string_view user) {
  const auto [found, fresh] = users_.try_emplace(user);
  if (fresh) found->second = families_.users.with({user});
  return found->second;
}

void ServerMetrics::Doors::count() const {
  if (passed_ == Unasked) return;
  const auto add = [](const Result& result, Duration took) {
    result.attempts.add();
    result.duration.observe(took);
  };
  if (passed_ == Asked) return add(metrics_->unknown_, metrics_->now() - begun_);
  add(metrics_->known_, known_ - begun_);
  Counter requests;
  {
    const std::lock_guard lock(metrics_->mutex_);
    requests = metrics_->requests_of(user_);
  }
  requests.add();
  if (passed_ == Allowed) return add(metrics_->allowed_, allowed_ - known_);
  add(metrics_->denied_, metrics_->now() - known_);
}

// -- Admission

ServerMetrics::Admission::Admission(ServerMetrics* metrics, std::string_view operation, bool validating)
    : metrics_(metrics && !metrics->core_.extensions.admission.empty() ? metrics : nullptr),
      operation_(operation),
      validating_(validating) {
  if (metrics_) begun_ = last_ = metrics_->now();
}

void ServerMetrics::Admission::passed() {
  if (!metrics_) return;
  const Steady now = metrics_->now();
  metrics_->admitted(plugin_++, operation_, validating_, false, now - std::exchange(last_, now));
}

ServerMetrics::Admission::~Admission() {
  if (!metrics_) return;
  const bool rejected = plugin_ < metrics_->core_.extensions.admission.size();
  const Steady now = rejected ? metrics_->now() : last_;
  if (rejected) metrics_->admitted(plugin_, operation_, validating_, true, now - last_);
  metrics_->admitted(std::nullopt, operation_, validating_, rejected, now - begun_);
}

void ServerMetrics::admitted(std::optional<std::size_t> plugin, std::string_view operation, bool validating, bool rejected,
                             Duration took) {
  // CREATE, UPDATE, DELETE and CONNECT differ in their first two letters.
  const std::uint64_t key = (plugin ? *plugin + 1 : 0) << 18 | static_cast<std::uint64_t>(operation[0]) << 10 |
                            static_cast<std::uint64_t>(operation[1]) << 2 | static_cast<std::uint64_t>(validating) << 1 |
                            static_cast<std::uint64_t>(rejected);
  Histogram& histogram = admission_[key];
  if (!histogram) {
    const std::string_view type = validating ? "validate" : "admit", refused = rejected ? "true" : "false";
    histogram = plugin ? families_.admission_plugin.with({core_.extensions.admission[*plugin]->name(), operation, refused, type})
                       : families_.admission_step.with({operation, refused, type});
  }
  histogram.observe(took);
}

// -- What is stored

void ServerMetrics::show() {
  for (std::size_t i = 0; i < kRequestKinds.size(); ++i) {
    families_.inflight.with({kRequestKinds[i]}).set(most_inflight_[i].exchange(inflight_[i]));
  }
  std::set<const WatchCache*> seen;
  for (const api::Resource& resource : core_.scheme().resources()) {
    const WatchCache* cache = core_.cache(resource);
    if (!cache || resource.stored_as || !seen.insert(cache).second) continue;
    const std::string& group = resource.kind.group;
    const WatchCache::Stats stats = cache->stats();
    const auto size = static_cast<double>(cache->size());
    families_.storage_objects.with({qualified_resource(resource)}).set(size);
    families_.resource_objects.with({group, resource.plural}).set(size);
    families_.events_received.with({group, resource.plural}).set(static_cast<double>(stats.changes));
    families_.cache_bytes.with({group, resource.plural}).set(static_cast<double>(stats.bytes));
    families_.cache_events.with({group, resource.plural}).set(static_cast<double>(stats.events_held));
    families_.window_bytes.with({group, resource.plural}).set(static_cast<double>(stats.window_bytes));
    families_.backlog_bytes.with({group, resource.plural}).set(static_cast<double>(stats.backlog_bytes));
    families_.squeezed_events.with({group, resource.plural}).set(static_cast<double>(stats.squeezed));
    families_.terminated_watches.with({group, resource.plural}).set(static_cast<double>(stats.expired));
  }
}

}  // namespace ph::apiserver
