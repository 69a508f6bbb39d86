// bootstrapsigner: a cluster-info whose kubeconfig changes, comes and goes, with signatures that users meddle with; tokens that are
// made, changed, deleted, and expire, with and without the token cleaner.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "api/json_text.h"
#include "api/sorted.h"
#include "base/hmac.h"
#include "tests/sim/builders.h"
#include "tests/sim/swarm/tokens.h"

namespace ph::sim::swarm {
namespace {

using core::v1::ConfigMap;
using core::v1::Secret;

constexpr const char* kInfo = "kube-public/cluster-info";
constexpr std::string_view kPrefix = "jws-kubeconfig-";

std::string without_padding(std::string text) {
  std::erase(text, '=');
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text;
}
std::string encoded(std::string_view bytes) {
  std::string out;
  api::append_base64(bytes, out);
  return without_padding(std::move(out));
}

// Whether `signature`, a JWS without its content, is one of `content` by this token.
bool verifies(const std::string& signature, const std::string& content, const Tokens::Signer& by) {
  const auto dots = signature.find("..");
  if (dots == std::string::npos) return false;
  const std::string header = signature.substr(0, dots);
  if (header != encoded(fmt::format(R"({{"alg":"HS256","kid":"{}"}})", by.id))) return false;
  return signature.substr(dots + 2) == encoded(hmac_sha256(by.secret, header + "." + encoded(content)));
}

using Members = std::map<std::string, std::string>;

// The signatures of a map, by token ID, or all else that it holds.
Members members(const ConfigMap& map, bool signatures) {
  Members out;
  for (const auto* entry : sorted(map.data())) {
    if (entry->first.starts_with(kPrefix) != signatures) continue;
    out.emplace(signatures ? entry->first.substr(kPrefix.size()) : entry->first, entry->second);
  }
  return out;
}

class BootstrapSigner final : public Swarm {
 public:
  Setup setup(Draw& draw) override {
    is_cleaned_ = !draw.chance(0.5);
    return loops(is_cleaned_ ? "bootstrapsigner,tokencleaner" : "bootstrapsigner");
  }
  // A late write would be one from a state that is no longer there: its revision keeps it off.
  Faults faults() const override { return two_managers(60s, 0.03); }

  void begin() override {
    cluster().create(make_namespace("kube-public"));
    secrets_.follow(cluster(), [this](const auto&, const auto*, const auto* after, const auto&) {
      const auto signer = after ? Tokens::signer(*after) : std::nullopt;
      if (signer) signers_[signer->id].insert(signer->secret);
    });
    maps_.follow(cluster(), [this](const auto& key, const auto* before, const auto* after, const auto& write) {
      if (write.author.ends_with(":bootstrap-signer")) by_the_loop(key, before, after);
    });
    make_info();
    for (int i = 0; i < 2; ++i) make_token();
  }

  void act() override {
    switch (draw().between(0, 10)) {
      case 0:
      case 1:
      case 2: return make_token();
      case 3:
      case 4: edit_one<Secret>(secrets_, [this](Secret& secret) { Tokens::change(draw(), cluster().now(), secret); }); return;
      case 5: remove_one(secrets_); return;
      case 6:
      case 7: return change_kubeconfig();
      case 8: return meddle();
      case 9:
        if (draw().chance(0.5)) remove_one(maps_);
        return make_info();
      default: cluster().advance(draw().up_to(15s));
    }
  }

  std::vector<std::string> missing() override {
    std::vector<std::string> out;
    std::vector<Tokens::Signer> signers;
    for (const auto& [key, secret] : secrets_.all()) {
      const auto until = Tokens::until(secret);
      const auto signer = Tokens::signer(secret);
      if (signer && until && *until > cluster().now()) out.push_back(key + " is yet to expire");
      // Timers do not notice when the clock jumps: it may go later than the clock says.
      if (is_cleaned_ && until && Tokens::is_token(secret)) out.push_back(key + " is yet to go");
      if (signer && !until) signers.push_back(*signer);
    }
    const ConfigMap* info = maps_.find(kInfo);
    if (!info || !info->data().contains("kubeconfig")) return out;
    Members signatures = members(*info, true);
    for (const Tokens::Signer& signer : signers) {
      const auto found = signatures.find(signer.id);
      if (found == signatures.end()) {
        out.push_back(signer.id + " has not signed");
        continue;
      }
      if (!verifies(found->second, info->data().at("kubeconfig"), signer))
        out.push_back(signer.id + " has signed something else");
      signatures.erase(found);
    }
    for (const auto& [id, signature] : signatures) out.push_back(id + " still signs");
    return out;
  }

 private:
  void by_the_loop(const std::string& key, const ConfigMap* before, const ConfigMap* after) {
    if (key != kInfo || !before || !after) return judge().never(key + " was made, deleted or changed by the loop");
    judge().reached("signatures written");
    if (members(*before, false) != members(*after, false)) judge().never("more than signatures was changed");
    if (before->binary_data_size() != after->binary_data_size()) judge().never("more than signatures was changed");
    const auto kubeconfig = after->data().find("kubeconfig");
    if (kubeconfig == after->data().end()) return judge().never("signatures were changed where there is nothing to sign");
    for (const auto& [id, signature] : members(*after, true)) {
      const bool good = std::ranges::any_of(signers_[id], [&](const std::string& secret) {
        return verifies(signature, kubeconfig->second, {.id = id, .secret = secret});
      });
      if (!good) judge().never(fmt::format("no token {} that there ever was has signed this", id));
    }
    if (members(*before, true).size() > members(*after, true).size()) judge().reached("signatures taken away");
  }

  // -- The workload
  std::string some_kubeconfig() { return fmt::format("apiVersion: v1\nkind: Config\n# {}\n", draw().between(0, 5)); }
  void make_info() {
    ConfigMap map = make_config_map(draw().chance(0.8) ? kInfo : "kube-public/other-info");
    if (draw().chance(0.9)) (*map.mutable_data())["kubeconfig"] = some_kubeconfig();
    attempt([&] { cluster().create(map); });
  }
  void make_token() {
    const Secret secret = Tokens::make(draw(), cluster().now());
    attempt([&] { cluster().create(secret); });
  }
  void change_kubeconfig() {
    const bool stays = draw().chance(0.9);
    edit_one<ConfigMap>(maps_, [&](ConfigMap& map) {
      if (stays) (*map.mutable_data())["kubeconfig"] = some_kubeconfig();
      else map.mutable_data()->erase("kubeconfig");
    });
  }
  // Signatures are taken away, falsified, and made up; other things are noted beside them.
  void meddle() {
    edit_one<ConfigMap>(maps_, [this](ConfigMap& map) {
      auto& data = *map.mutable_data();
      const auto ids = members(map, true);
      switch (ids.empty() ? 2 : draw().between(0, 3)) {
        case 0: data.erase(std::string(kPrefix) + ids.begin()->first); return;
        case 1: data[std::string(kPrefix) + ids.begin()->first] = "false"; return;
        case 2: data[std::string(kPrefix) + "ffffff"] = "made up"; return;
        default: data["note"] = fmt::format("{}", draw().between(0, 9));
      }
    });
  }

  bool is_cleaned_ = false;  // the token cleaner runs, too
  Shadow<Secret> secrets_;
  Shadow<ConfigMap> maps_;
  std::map<std::string, std::set<std::string>> signers_;  // the secrets that tokens ever had, by ID
};

}  // namespace

std::unique_ptr<Swarm> bootstrap_signer() { return std::make_unique<BootstrapSigner>(); }

}  // namespace ph::sim::swarm
