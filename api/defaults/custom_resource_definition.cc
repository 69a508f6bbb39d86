// apiextensions.k8s.io/v1 CustomResourceDefinition.
#include <algorithm>

#include "api/defaults/defaults.h"

namespace ph::api {

void set_defaults(apiextensions::v1::CustomResourceDefinition& definition) {
  auto& spec = *definition.mutable_spec();
  auto& names = *spec.mutable_names();
  if (names.singular().empty()) {
    std::string singular = names.kind();
    for (char& c : singular) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    names.set_singular(singular);
  }
  if (names.list_kind().empty() && !names.kind().empty()) names.set_list_kind(names.kind() + "List");
  if (!spec.has_conversion()) spec.mutable_conversion()->set_strategy("None");
  auto& webhook = *spec.mutable_conversion();
  if (webhook.webhook().client_config().has_service()) {
    auto& service = *webhook.mutable_webhook()->mutable_client_config()->mutable_service();
    if (!service.has_port()) service.set_port(443);
  }
}

}  // namespace ph::api
