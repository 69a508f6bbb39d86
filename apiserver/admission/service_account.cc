// ServiceAccount: a pod runs as a service account of its namespace, `default` if it names none, and finds that account's
// token, the cluster's certificate and its namespace mounted where clients look for them.
// Upstream: plugin/pkg/admission/serviceaccount
#include <fmt/format.h>

#include <set>

#include "api/kinds.h"
#include "apiserver/admission/admission.h"
#include "apiserver/admission/decoded.h"

namespace ph::apiserver::admission {
namespace {

using core::v1::Container, core::v1::Pod, core::v1::PodSpec, core::v1::ServiceAccount, core::v1::Volume;

constexpr const char* kMountPath = "/var/run/secrets/kubernetes.io/serviceaccount";
constexpr const char* kVolumePrefix = "kube-api-access-";
constexpr const char* kMirror = "kubernetes.io/config.mirror";
constexpr const char* kEnforceSecrets = "kubernetes.io/enforce-mountable-secrets";
constexpr std::int64_t kTokenSeconds = 3607;  // an hour, and a mark that says the kubelet asked
constexpr int kFileMode = 0644;

bool has_mount(const Container& container) {
  return std::ranges::any_of(container.volume_mounts(), [](const auto& m) { return m.mount_path() == kMountPath; });
}

// A volume whose client made it by hand with our name is taken as ours.
std::string existing_volume(const PodSpec& spec) {
  for (const Volume& volume : spec.volumes()) {
    if (volume.name().starts_with(kVolumePrefix)) return volume.name();
  }
  return {};
}

void add_token_volume(PodSpec* spec, const std::string& name) {
  Volume* volume = spec->add_volumes();
  volume->set_name(name);
  auto* projected = volume->mutable_volume_source()->mutable_projected();
  projected->set_default_mode(kFileMode);
  auto* token = projected->add_sources()->mutable_service_account_token();
  token->set_path("token");
  token->set_expiration_seconds(kTokenSeconds);
  auto* certificate = projected->add_sources()->mutable_config_map();
  certificate->mutable_local_object_reference()->set_name("kube-root-ca.crt");
  auto* item = certificate->add_items();
  item->set_key("ca.crt");
  item->set_path("ca.crt");
  auto* file = projected->add_sources()->mutable_downward_api()->add_items();
  file->set_path("namespace");
  file->mutable_field_ref()->set_api_version("v1");
  file->mutable_field_ref()->set_field_path("metadata.namespace");
}

bool should_mount(const ServiceAccount& account, const PodSpec& spec) {
  if (spec.has_automount_service_account_token()) return spec.automount_service_account_token();
  if (account.has_automount_service_account_token()) return account.automount_service_account_token();
  return true;
}

void mount_token(PodSpec* spec, Rng& rng) {
  std::string name = existing_volume(*spec);
  const bool exists = !name.empty();
  bool mounted = false;
  const auto mount_into = [&](auto& containers) {
    for (Container& container : containers) {
      if (has_mount(container)) continue;
      if (name.empty()) name = kVolumePrefix + rng.text(5, kNameAlphabet);
      auto* mount = container.add_volume_mounts();
      mount->set_name(name);
      mount->set_read_only(true);
      mount->set_mount_path(kMountPath);
      mounted = true;
    }
  };
  mount_into(*spec->mutable_init_containers());
  mount_into(*spec->mutable_containers());
  if (mounted && !exists) add_token_volume(spec, name);
}

// The secrets that an account lets its pods have.
struct Mountable {
  explicit Mountable(const ServiceAccount& account) : account(account.metadata().name()) {
    for (const auto& secret : account.secrets()) secrets.insert(secret.name());
  }
  const std::string& account;
  std::set<std::string> secrets;
};

// What a container names that is not among them; empty when all is well. The rest of such sentences is the same.
template <class AnyContainer>
std::string foreign_in(const AnyContainer& container, std::string_view kind, const Mountable& mountable) {
  const auto say = [&](const std::string& where, const std::string& secret) {
    return fmt::format(
        "{} {} with {} referencing secret.secretName=\"{}\" is not allowed because service account {} does not "
        "reference that secret",
        kind, container.name(), where, secret, mountable.account);
  };
  for (const auto& env : container.env()) {
    if (!env.value_from().has_secret_key_ref()) continue;
    const std::string& name = env.value_from().secret_key_ref().local_object_reference().name();
    if (!mountable.secrets.contains(name)) return say("envVar " + env.name(), name);
  }
  for (const auto& from : container.env_from()) {
    if (!from.has_secret_ref()) continue;
    const std::string& name = from.secret_ref().local_object_reference().name();
    if (!mountable.secrets.contains(name)) return say("envFrom", name);
  }
  return {};
}

// The secrets a pod names that its account does not; empty when all is well.
std::string foreign_secret(const ServiceAccount& account, const PodSpec& spec) {
  const Mountable mountable(account);
  for (const Volume& volume : spec.volumes()) {
    if (!volume.volume_source().has_secret()) continue;
    const std::string& name = volume.volume_source().secret().secret_name();
    if (!mountable.secrets.contains(name)) {
      return fmt::format(
          "volume with secret.secretName=\"{}\" is not allowed because service account {} does not reference "
          "that secret",
          name, account.metadata().name());
    }
  }
  std::string found;
  for (const Container& container : spec.init_containers()) {
    if (found.empty()) found = foreign_in(container, "init container", mountable);
  }
  for (const Container& container : spec.containers()) {
    if (found.empty()) found = foreign_in(container, "container", mountable);
  }
  if (!found.empty()) return found;
  std::set<std::string> pull;
  for (const auto& secret : account.image_pull_secrets()) pull.insert(secret.name());
  for (int i = 0; i < spec.image_pull_secrets_size(); ++i) {
    const std::string& name = spec.image_pull_secrets(i).name();
    if (pull.contains(name)) continue;
    return fmt::format(
        "imagePullSecrets[{}].name=\"{}\" is not allowed because service account {} does not reference that "
        "imagePullSecret",
        i, name, account.metadata().name());
  }
  return {};
}

std::string foreign_secret_of_ephemeral(const ServiceAccount& account, const PodSpec& spec) {
  const Mountable mountable(account);
  for (const auto& each : spec.ephemeral_containers()) {
    std::string found = foreign_in(each.ephemeral_container_common(), "ephemeral container", mountable);
    if (!found.empty()) return found;
  }
  return {};
}

class ServiceAccounts final : public AdmissionPlugin {
 public:
  ServiceAccounts(ObjectReader& reader, Rng& rng) : accounts_(reader), rng_(rng) {}
  std::string_view name() const override { return "ServiceAccount"; }

  void admit(AdmissionRequest& request) override {
    if (!is_for(request, "", "pods") || request.operation != "CREATE") return;
    Pod& pod = request.object->as<Pod>();
    if (pod.metadata().annotations().contains(kMirror)) return check_mirror(request, pod);
    auto* spec = pod.mutable_spec();
    if (spec->service_account_name().empty()) spec->set_service_account_name("default");
    spec->set_service_account(spec->service_account_name());

    const std::shared_ptr<const ServiceAccount> account = find(request, *spec);
    enforce_secrets(request, *account, *spec, foreign_secret);
    if (should_mount(*account, *spec)) mount_token(spec, rng_);
    if (spec->image_pull_secrets().empty()) {
      for (const auto& secret : account->image_pull_secrets()) *spec->add_image_pull_secrets() = secret;
    }
  }

  // Also of what others have made of the pod since, and of what comes to it later.
  void validate(const AdmissionRequest& request) override {
    if (!is_of(request, "", "pods") || !request.object) return;
    const Pod& pod = request.object->as<Pod>();
    const bool is_new = request.operation == "CREATE" && request.subresource.empty(),
               is_joined = request.operation == "UPDATE" && request.subresource == "ephemeralcontainers";
    if (!is_new && !is_joined) return;
    if (is_new && pod.metadata().annotations().contains(kMirror)) return check_mirror(request, pod);
    const std::shared_ptr<const ServiceAccount> account = find(request, pod.spec());
    enforce_secrets(request, *account, pod.spec(), is_new ? foreign_secret : foreign_secret_of_ephemeral);
  }

 private:
  std::shared_ptr<const ServiceAccount> find(const AdmissionRequest& request, const PodSpec& spec) {
    const std::string& name = spec.service_account_name();
    auto account = accounts_.find({request.key.namespace_name, name});
    if (account) return account;
    throw refuse(request, fmt::format("error looking up service account {}/{}: serviceaccount \"{}\" not found",
                                      request.key.namespace_name, name, name));
  }

  // `foreign`: what of the pod is not the account's.
  static void enforce_secrets(const AdmissionRequest& request, const ServiceAccount& account, const PodSpec& spec,
                              std::string (*foreign)(const ServiceAccount&, const PodSpec&)) {
    const auto found = account.metadata().annotations().find(kEnforceSecrets);
    if (found == account.metadata().annotations().end() || found->second != "true") return;
    const std::string problem = foreign(account, spec);
    if (!problem.empty()) throw refuse(request, problem);
  }

  // A mirror pod stands for one the kubelet runs from a file: it can have none of what the API holds.
  static void check_mirror(const AdmissionRequest& request, const Pod& pod) {
    if (!pod.spec().service_account_name().empty()) {
      throw refuse(request, "a mirror pod may not reference service accounts");
    }
    const auto has_token = [](const Volume& volume) {
      return std::ranges::any_of(volume.volume_source().projected().sources(),
                                 [](const auto& source) { return source.has_service_account_token(); });
    };
    if (std::ranges::any_of(pod.spec().volumes(), [](const Volume& v) { return v.volume_source().has_secret(); })) {
      throw refuse(request, "a mirror pod may not reference secrets");
    }
    if (std::ranges::any_of(pod.spec().volumes(), has_token)) {
      throw refuse(request, "a mirror pod may not use ServiceAccountToken volume projections");
    }
  }

  Decoded<ServiceAccount> accounts_;
  Rng& rng_;
};

}  // namespace

std::unique_ptr<AdmissionPlugin> service_account(const AdmissionWorld& world) {
  return std::make_unique<ServiceAccounts>(world.reader, world.rng);
}

}  // namespace ph::apiserver::admission
