// serviceaccount: namespaces come and begin to end; accounts are deleted, and made by others.
#include <fmt/format.h>

#include "tests/sim/builders.h"
#include "tests/sim/swarm/shadow.h"
#include "tests/sim/swarm/swarm.h"

namespace ph::sim::swarm {
namespace {

using core::v1::Namespace;
using core::v1::ServiceAccount;

class ServiceAccounts final : public Swarm {
 public:
  Setup setup(Draw&) override { return loops("serviceaccount"); }
  Faults faults() const override { return two_managers(60s, 0.03); }

  void begin() override {
    spaces_.follow(cluster());
    accounts_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (!write.author.ends_with(":service-account-controller")) return;
      if (before || !after) judge().never(key + " was changed or deleted by the loop");
      if (!key.ends_with("/default")) judge().never(key + " was made by the loop");
      judge().reached("accounts made");
    });
  }

  void act() override {
    const std::string space = fmt::format("space-{}", draw().between(0, 7));
    switch (draw().between(0, 5)) {
      case 0:
      case 1:
      case 2: attempt([&] { cluster().create(make_namespace(space)); }); return;
      case 3: attempt([&] { cluster().remove<Namespace>(space); }); return;
      case 4: attempt([&] { cluster().remove<ServiceAccount>(space + "/default"); }); return;
      default: return make_account(space);
    }
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    for (const auto& [name, space] : spaces_.all()) {
      if (!space.metadata().has_deletion_timestamp() && !accounts_.find(name + "/default"))
        out.push_back(name + " has no account");
    }
    return out;
  }

 private:
  void make_account(const std::string& space) {
    if (!spaces_.find(space)) return;
    ServiceAccount account;
    account.mutable_metadata()->set_namespace_(space);
    account.mutable_metadata()->set_name(draw().chance(0.5) ? "default" : "other");
    attempt([&] { cluster().create(account); });
  }

  Shadow<Namespace> spaces_;
  Shadow<ServiceAccount> accounts_;
};

}  // namespace

std::unique_ptr<Swarm> service_account() { return std::make_unique<ServiceAccounts>(); }

}  // namespace ph::sim::swarm
