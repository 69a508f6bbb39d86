// The rows of configuration, events, service accounts and role bindings.
#include <fmt/format.h>

#include "api/times.h"
#include "apiserver/tables/printers/cells.h"
#include "base/ascii.h"

namespace ph::apiserver {

namespace {

constexpr Column kConfigMapColumns[] = {{"Name", "string", "name"}, {"Data", "string"}, {"Age", "string"}};

void print_config_map(const core::v1::ConfigMap& map, Time now, Row& row) {
  row.cells = {map.metadata().name(), static_cast<std::int64_t>(map.data().size() + map.binary_data().size()),
               age(map.metadata().creation_timestamp(), now)};
}

constexpr Column kSecretColumns[] = {{"Name", "string", "name"}, {"Type", "string"}, {"Data", "string"}, {"Age", "string"}};

void print_secret(const core::v1::Secret& secret, Time now, Row& row) {
  row.cells = {secret.metadata().name(), secret.type(), static_cast<std::int64_t>(secret.data().size()),
               age(secret.metadata().creation_timestamp(), now)};
}

constexpr Column kServiceAccountColumns[] = {{"Name", "string", "name"}, {"Age", "string"}};

void print_service_account(const core::v1::ServiceAccount& account, Time now, Row& row) {
  row.cells = {account.metadata().name(), age(account.metadata().creation_timestamp(), now)};
}

constexpr Column kEventColumns[] = {
    {"Last Seen", "string"},        {"Type", "string"},           {"Reason", "string"},  {"Object", "string"},
    {"Subobject", "string", "", 1}, {"Source", "string", "", 1},  {"Message", "string"}, {"First Seen", "string", "", 1},
    {"Count", "string", "", 1},     {"Name", "string", "name", 1}};

// What core and events.k8s.io call by different names.
struct EventView {
  const meta::v1::ObjectMeta& metadata;
  const core::v1::ObjectReference& object;
  const core::v1::EventSource& source;
  const meta::v1::Time &first, &last;
  const meta::v1::MicroTime& time;
  const std::string &type, &reason, &message, &controller, &instance;
  int count;
  const meta::v1::MicroTime* series_last;
  int series_count;
};

std::string object_text(const core::v1::ObjectReference& object) {
  const std::string kind = lower_ascii(object.kind());
  return object.name().empty() ? kind : kind + "/" + object.name();
}

std::string source_text(const EventView& event) {
  const std::string& component = event.source.component().empty() ? event.controller : event.source.component();
  const std::string& host = event.source.host().empty() ? event.instance : event.source.host();
  return host.empty() ? component : component + ", " + host;
}

std::string trimmed(const std::string& text) {
  static constexpr std::string_view kSpace = " \t\r\n\v\f";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

void print(const EventView& event, Time now, Row& row) {
  const std::string first = api::is_zero(event.first) ? age(event.time, now) : age(event.first, now);
  std::string last = api::is_zero(event.last) ? first : age(event.last, now);
  std::int64_t count = event.count == 0 ? 1 : event.count;
  if (event.series_last) {
    last = age(*event.series_last, now);
    count = event.series_count;
  }
  row.cells = {last,
               event.type,
               event.reason,
               object_text(event.object),
               event.object.field_path(),
               source_text(event),
               trimmed(event.message),
               first,
               count,
               event.metadata.name()};
}

void print_event(const core::v1::Event& e, Time now, Row& row) {
  print({e.metadata(), e.involved_object(), e.source(), e.first_timestamp(), e.last_timestamp(), e.event_time(), e.type(),
         e.reason(), e.message(), e.reporting_component(), e.reporting_instance(), e.count(),
         e.has_series() ? &e.series().last_observed_time() : nullptr, e.series().count()},
        now, row);
}

void print_new_event(const events::v1::Event& e, Time now, Row& row) {
  print({e.metadata(), e.regarding(), e.deprecated_source(), e.deprecated_first_timestamp(), e.deprecated_last_timestamp(),
         e.event_time(), e.type(), e.reason(), e.note(), e.reporting_controller(), e.reporting_instance(), e.deprecated_count(),
         e.has_series() ? &e.series().last_observed_time() : nullptr, e.series().count()},
        now, row);
}

constexpr Column kRoleBindingColumns[] = {{"Name", "string", "name"},  {"Role", "string"},
                                          {"Age", "string"},           {"Users", "string", "", 1},
                                          {"Groups", "string", "", 1}, {"ServiceAccounts", "string", "", 1}};

template <class Binding>
void print_binding(const Binding& binding, Time now, Row& row) {
  std::vector<std::string> users, groups, accounts;
  for (const auto& subject : binding.subjects()) {
    if (subject.kind() == "User") users.push_back(subject.name());
    else if (subject.kind() == "Group") groups.push_back(subject.name());
    else if (subject.kind() == "ServiceAccount") accounts.push_back(subject.namespace_() + "/" + subject.name());
  }
  row.cells = {binding.metadata().name(),
               fmt::format("{}/{}", binding.role_ref().kind(), binding.role_ref().name()),
               age(binding.metadata().creation_timestamp(), now),
               fmt::format("{}", fmt::join(users, ", ")),
               fmt::format("{}", fmt::join(groups, ", ")),
               fmt::format("{}", fmt::join(accounts, ", "))};
}

}  // namespace

extern const Printer kConfigMapPrinter = printer_of<core::v1::ConfigMap, print_config_map>(kConfigMapColumns);
extern const Printer kSecretPrinter = printer_of<core::v1::Secret, print_secret>(kSecretColumns);
extern const Printer kServiceAccountPrinter = printer_of<core::v1::ServiceAccount, print_service_account>(kServiceAccountColumns);
extern const Printer kEventPrinter = printer_of<core::v1::Event, print_event>(kEventColumns);
extern const Printer kNewEventPrinter = printer_of<events::v1::Event, print_new_event>(kEventColumns);
extern const Printer kRoleBindingPrinter =
    printer_of<rbac::v1::RoleBinding, print_binding<rbac::v1::RoleBinding>>(kRoleBindingColumns);
extern const Printer kClusterRoleBindingPrinter =
    printer_of<rbac::v1::ClusterRoleBinding, print_binding<rbac::v1::ClusterRoleBinding>>(kRoleBindingColumns);

}  // namespace ph::apiserver
