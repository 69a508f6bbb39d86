#include "controllers/legacy_service_account_token_cleaner/plan.h"

#include <nlohmann/json.hpp>

#include "api/times.h"

namespace ph::controllers::legacy_service_account_token_cleaner {
namespace {

using core::v1::ConfigMap;
using core::v1::Secret;

constexpr std::size_t kDaySize = 10;  // of 2006-01-02

std::optional<Time> parse_day(const std::string& day) {
  if (day.size() != kDaySize) return std::nullopt;
  return api::parse_rfc3339(day + "T00:00:00Z");
}

std::string day_of(Time time) { return api::rfc3339(time).substr(0, kDaySize); }

void add_secrets_of(const core::v1::VolumeSource& source, std::set<std::string>& out) {
  out.insert(source.azure_file().secret_name());
  out.insert(source.cephfs().secret_ref().name());
  out.insert(source.cinder().secret_ref().name());
  out.insert(source.flex_volume().secret_ref().name());
  for (const auto& part : source.projected().sources()) out.insert(part.secret().local_object_reference().name());
  out.insert(source.rbd().secret_ref().name());
  out.insert(source.secret().secret_name());
  out.insert(source.scale_io().secret_ref().name());
  out.insert(source.iscsi().secret_ref().name());
  out.insert(source.storageos().secret_ref().name());
  out.insert(source.csi().node_publish_secret_ref().name());
}

template <class Container>
void add_secrets_of_container(const Container& container, std::set<std::string>& out) {
  for (const auto& from : container.env_from()) out.insert(from.secret_ref().local_object_reference().name());
  for (const auto& variable : container.env()) out.insert(variable.value_from().secret_key_ref().local_object_reference().name());
}

}  // namespace

std::optional<Time> tracked_since(const ConfigMap& tracking) {
  const auto day = parse_day(text_at(tracking.data(), "since"));
  if (!day) return std::nullopt;
  return *day + std::chrono::days(1);
}

bool is_unused(const Secret& secret, Time now, Duration period) {
  const Time since = now - period;
  if (api::to_time(secret.metadata().creation_timestamp()) >= since || secret.metadata().has_deletion_timestamp()) return false;
  const auto last = secret.metadata().labels().find(kLastUsed);
  // Without a word it has not been used since uses are noted.
  if (last == secret.metadata().labels().end()) return true;
  return parse_day(last->second) && last->second < day_of(since);
}

bool is_generated(const Secret& secret, const core::v1::ServiceAccount& account) {
  return is_token_of(secret, account) && names_secret(account, secret.metadata().name());
}

Verdict judge(const Secret& secret, Time now, Duration period) {
  const std::string invalid_since = text_at(secret.metadata().labels(), kInvalidSince);
  if (!parse_day(invalid_since)) return Verdict::BecomesInvalid;
  return invalid_since < day_of(now - period) ? Verdict::Goes : Verdict::Stays;
}

std::string invalid_patch(const Secret& secret, Time now) {
  return nlohmann::json{{"metadata",
                         {{"uid", secret.metadata().uid()},
                          {"resourceVersion", secret.metadata().resource_version()},
                          {"labels", {{kInvalidSince, day_of(now)}}}}}}
      .dump();
}

std::set<std::string> secrets_of(const core::v1::PodSpec& pod) {
  std::set<std::string> out;
  for (const auto& each : pod.image_pull_secrets()) out.insert(each.name());
  for (const auto& volume : pod.volumes()) add_secrets_of(volume.volume_source(), out);
  for (const auto& container : pod.init_containers()) add_secrets_of_container(container, out);
  for (const auto& container : pod.containers()) add_secrets_of_container(container, out);
  for (const auto& container : pod.ephemeral_containers()) {
    add_secrets_of_container(container.ephemeral_container_common(), out);
  }
  out.erase("");
  return out;
}

}  // namespace ph::controllers::legacy_service_account_token_cleaner
