// csrcleaner: requests that are approved, issued, denied, failed or left alone, and the hours that pass.
#include <fmt/format.h>

#include "api/times.h"
#include "tests/sim/swarm/signing_requests.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using Request = certificates::v1::CertificateSigningRequest;

constexpr Duration kPeriod = 1h;

class CertificateCleaner final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops("csrcleaner"); }
  Faults faults() const override { return two_managers(60s, 0.03); }

  void begin() override {
    requests_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (write.author.ends_with(":certificate-controller")) by_the_loop(key, before, after);
    });
    for (int i = 0; i < 5; ++i) make();
  }

  void act() override {
    switch (draw().between(0, 9)) {
      case 0:
      case 1:
      case 2: return make();
      case 3:
      case 4: return decide("Approved");
      case 5: return decide("Denied");
      case 6: return speak();
      case 7: remove_one(requests_); return;
      default: cluster().advance(draw().up_to(draw().chance(0.1) ? 26h : 2h));
    }
  }

  // What is not due yet may stay, and is not waited for: half a day is more than the run has.
  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [key, request] : requests_.all()) {
      const auto due = due_at(request);
      if (due && *due + kPeriod + 1min < cluster().now()) out.push_back(key + " is still there");
    }
    return out;
  }

  // A fresh start looks at once, not at the end of its hour.
  bool may_write_at_rest(const std::string& line) const override {
    return line.find(":certificate-controller /registry/certificatesigningrequests/") != std::string::npos;
  }

 private:
  // After that moment; nothing: never, as it is.
  static std::optional<Time> due_at(const Request& request) {
    std::optional<Time> out;
    const auto note = [&](const meta::v1::Time& since, Duration after) {
      const Time due = api::to_time(since) + after;
      out = out ? std::min(*out, due) : due;
    };
    if (says(request, "")) note(request.metadata().creation_timestamp(), 24h);
    for (const auto& condition : request.status().conditions()) {
      if (condition.type() == "Approved") note(condition.last_update_time(), request.status().certificate().empty() ? 24h : 1h);
      if (condition.type() == "Denied" || condition.type() == "Failed") note(condition.last_update_time(), 1h);
    }
    return out;
  }

  void by_the_loop(const std::string& key, const Request* before, const Request* after) {
    if (!before || after) return judge().never(key + " was made or changed by the loop");
    judge().reached("requests deleted by the loop");
    const auto due = due_at(*before);
    if (!due) return judge().never(key + " was deleted, and says nothing that would let it");
    if (*due > latest()) judge().never(fmt::format("{} was deleted {} s before its time", key, (*due - latest()) / 1s));
    if (says(*before, "")) judge().reached("pending requests deleted");
  }

  void make() {
    const Request request = request_of(draw().of(wishes()), draw().between(0, 5));
    attempt([&] { cluster().create(request); });
  }

  void decide(const std::string& type) {
    const auto keys = requests_.keys();
    if (keys.empty()) return;
    const std::string& key = draw().of(keys);
    if (says(*requests_.find(key), "")) attempt([&] { give_verdict(cluster(), key, type); });
  }

  // What signers say.
  void speak() {
    const auto keys = requests_.keys();
    if (keys.empty()) return;
    attempt([&] {
      Request request = cluster().get<Request>(draw().of(keys));
      if (!says(request, "Approved") || says(request, "Failed") || !request.status().certificate().empty()) return;
      auto& condition = *request.mutable_status()->add_conditions();
      condition.set_type("Failed");
      condition.set_status("True");
      condition.set_reason("NotToday");
      cluster().update_status(request);
    });
  }

  Shadow<Request> requests_;
};

}  // namespace

std::unique_ptr<Swarm> certificate_cleaner() { return std::make_unique<CertificateCleaner>(); }

}  // namespace ph::sim::swarm
