#include "tests/sim/swarm/signing_requests.h"

#include <fmt/format.h>

#include "base/assert.h"
#include "controllers/common/certificate_requests.h"
#include "tests/sim/signing.h"

namespace ph::sim::swarm {
namespace {

using Request = certificates::v1::CertificateSigningRequest;

constexpr const char* kNode = "O=system:nodes,CN=system:node:a";

Task<Request> send_verdict(informers::Client& client, Request request) {
  Request answer;
  co_await client.update_message(request, "approval", answer);
  co_return answer;
}

}  // namespace

const std::vector<Wish>& wishes() {
  static const std::vector<Wish> all{
      {.word = "client", .signer = controllers::kApiserverClientSigner, .subject = "CN=bob", .usages = {"client auth"}},
      {.word = "wrong",
       .signer = controllers::kApiserverClientSigner,
       .subject = "CN=bob",
       .usages = {"server auth"},
       .is_good = false},
      {.word = "node",
       .signer = controllers::kKubeletClientSigner,
       .subject = kNode,
       .usages = {"digital signature", "client auth"},
       .is_kubelets = true},
      {.word = "named",
       .signer = controllers::kKubeletClientSigner,
       .subject = kNode,
       .alt_names = "DNS:a",
       .usages = {"digital signature", "client auth"},
       .is_good = false},
      {.word = "serving",
       .signer = controllers::kKubeletServingSigner,
       .subject = kNode,
       .alt_names = "DNS:a,IP:10.0.0.1",
       .usages = {"digital signature", "server auth"}},
      {.word = "nameless",
       .signer = controllers::kKubeletServingSigner,
       .subject = kNode,
       .usages = {"digital signature", "server auth"},
       .is_good = false},
      {.word = "other", .signer = "example.com/signer", .subject = "CN=bob", .usages = {"client auth"}, .is_of_others = true},
  };
  return all;
}

const Wish& wish_of(const std::string& name) {
  for (const Wish& wish : wishes()) {
    if (name.starts_with(wish.word + "-")) return wish;
  }
  PH_ASSERT(false);
  return wishes().front();
}

Request request_of(const Wish& wish, int number) {
  return make_signing_request(fmt::format("{}-{}", wish.word, number), wish.signer, signing_request(wish.subject, wish.alt_names),
                              wish.usages);
}

bool says(const Request& request, std::string_view type) {
  if (type.empty()) return request.status().conditions().empty();
  return controllers::has_condition(request, type);
}

void give_verdict(Cluster& cluster, const std::string& name, const std::string& type) {
  Request request = cluster.get<Request>(name);
  if (!says(request, "")) return;
  auto& condition = *request.mutable_status()->add_conditions();
  condition.set_type(type);
  condition.set_status("True");
  condition.set_reason("ByHand");
  cluster.call<Request>([&](informers::Client& client) { return send_verdict(client, request); });
}

}  // namespace ph::sim::swarm
