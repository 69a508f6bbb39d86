#include "daemon/delegated_access.h"

#include <algorithm>

#include <fmt/format.h>

#include "api/errors.h"
#include "api/sorted.h"
#include "authentication/v1.pb.h"
#include "authorization/v1.pb.h"
#include "base/bearer.h"
#include "daemon/pages.h"
#include "net/encoding.h"

namespace ph::daemon {
namespace {

constexpr std::size_t kRememberedMax = 4096;

bool in_group(const Identity& user, std::string_view group) { return std::ranges::find(user.groups, group) != user.groups.end(); }

Identity anonymous() { return {.name = "system:anonymous", .uid = {}, .groups = {"system:unauthenticated"}, .extra = {}}; }

HttpResponse forbidden(const Identity& user, const Wish& wish, const std::string& reason) {
  const std::string what =
      wish.resource.empty()
          ? fmt::format("path \"{}\"", wish.path)
          : fmt::format("resource \"{}\"", wish.resource + (wish.subresource.empty() ? "" : "/" + wish.subresource));
  meta::v1::Status status;
  status.set_status("Failure");
  status.set_code(403);
  status.set_reason("Forbidden");
  status.set_message(
      fmt::format("forbidden: User \"{}\" cannot {} {}{}{}", user.name, wish.verb, what, reason.empty() ? "" : ": ", reason));
  return status_response(api::ApiError(std::move(status)));
}

Identity identity_of(const authentication::v1::UserInfo& user) {
  Identity out{.name = user.username(), .uid = user.uid(), .groups = {user.groups().begin(), user.groups().end()}, .extra = {}};
  for (const auto* entry : sorted(user.extra())) {
    const auto& values = entry->second.items();
    out.extra.emplace_back(entry->first, std::vector<std::string>(values.begin(), values.end()));
  }
  if (!in_group(out, "system:authenticated")) out.groups.push_back("system:authenticated");
  return out;
}

authorization::v1::SubjectAccessReviewSpec question(const Identity& user, const Wish& wish) {
  authorization::v1::SubjectAccessReviewSpec spec;
  spec.set_user(user.name);
  spec.set_uid(user.uid);
  spec.mutable_groups()->Assign(user.groups.begin(), user.groups.end());
  for (const auto& [key, values] : user.extra) (*spec.mutable_extra())[key].mutable_items()->Assign(values.begin(), values.end());
  if (wish.resource.empty()) {
    spec.mutable_non_resource_attributes()->set_path(wish.path);
    spec.mutable_non_resource_attributes()->set_verb(wish.verb);
    return spec;
  }
  auto& attributes = *spec.mutable_resource_attributes();
  attributes.set_verb(wish.verb);
  attributes.set_version("v1");
  attributes.set_resource(wish.resource);
  attributes.set_subresource(wish.subresource);
  attributes.set_name(wish.name);
  return spec;
}

}  // namespace

bool DelegatedAccess::open_to_all(const std::string& path) const {
  return std::ranges::any_of(options_.always_allow_paths, [&](const std::string& allowed) {
    if (allowed.ends_with('*')) return path.starts_with(allowed.substr(0, allowed.size() - 1));
    return path == allowed || "/" + path == allowed;
  });
}

const DelegatedAccess::Remembered* DelegatedAccess::recall(Cache& cache, const std::string& key) const {
  const auto found = cache.find(key);
  return found != cache.end() && found->second.until > clock_.now() ? &found->second : nullptr;
}

void DelegatedAccess::remember(Cache& cache, std::string key, Remembered what) {
  if (cache.size() >= kRememberedMax) cache.clear();
  cache.insert_or_assign(std::move(key), std::move(what));
}

Task<std::optional<Identity>> DelegatedAccess::authenticate(const HttpRequest& request) {
  if (auto user = net::proxied_user(request, proxy_)) {
    if (!in_group(*user, "system:authenticated")) user->groups.push_back("system:authenticated");
    co_return user;
  }
  if (request.peer.identity) {
    Identity user = *request.peer.identity;
    if (!in_group(user, "system:authenticated")) user.groups.push_back("system:authenticated");
    co_return user;
  }
  const std::string token(bearer_token(request));
  // Whoever shows a certificate that does not verify is not nobody; a good token still says who he is.
  if (token.empty() && request.peer.certificate_refused) co_return std::nullopt;
  if (token.empty()) co_return anonymous();
  if (!ask_tokens_) co_return std::nullopt;
  const std::string key = net::sha256(token);  // the token itself is not kept
  if (const Remembered* known = recall(tokens_, key)) co_return known->user;
  authentication::v1::TokenReview review;
  review.mutable_spec()->set_token(token);
  review = co_await ask_tokens_->create(std::move(review));
  Remembered outcome{.until = clock_.now() + options_.token_cache_ttl};
  if (review.status().authenticated()) outcome.user = identity_of(review.status().user());
  remember(tokens_, key, outcome);
  co_return outcome.user;
}

Task<DelegatedAccess::Word> DelegatedAccess::authorize(const Identity& user, const Wish& wish) {
  if (wish.resource.empty() && open_to_all(wish.path)) co_return Word{true, {}};
  if (in_group(user, "system:masters")) co_return Word{true, {}};
  if (!ask_rights_) co_return Word();
  authorization::v1::SubjectAccessReview review;
  *review.mutable_spec() = question(user, wish);
  // The question itself is the key: names and groups may hold any letter, and nobody may be taken for somebody else.
  const std::string key = api::encode_envelope(review);
  if (const Remembered* known = recall(rights_, key)) co_return Word{known->allowed, known->reason};
  review = co_await ask_rights_->create(std::move(review));
  const bool allowed = review.status().allowed() && !review.status().denied();
  const Duration ttl = allowed ? options_.authorized_cache_ttl : options_.unauthorized_cache_ttl;
  remember(rights_, key, {.until = clock_.now() + ttl, .allowed = allowed, .reason = review.status().reason()});
  co_return Word{allowed, review.status().reason()};
}

Task<DelegatedAccess::Verdict> DelegatedAccess::admit(const HttpRequest& request, Wish wish) {
  Verdict verdict;
  try {
    auto user = co_await authenticate(request);
    if (!user) {
      verdict.refusal = status_response(api::unauthorized());
      co_return verdict;
    }
    verdict.user = std::move(*user);
    const Word word = co_await authorize(verdict.user, wish);
    if (!word.allowed) verdict.refusal = forbidden(verdict.user, wish, word.reason);
  } catch (const std::exception& error) {
    log_.error("the apiserver could not be asked about a request", "path", wish.path, "err", error.what());
    verdict.refusal = status_response(api::internal("the apiserver could not be asked about this request"));
  }
  co_return verdict;
}

}  // namespace ph::daemon
