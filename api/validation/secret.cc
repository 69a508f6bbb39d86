// v1 Secret.
#include <fmt/format.h>

#include "api/json_text.h"
#include "api/validation/validation.h"

namespace ph::api {

using core::v1::Secret;

namespace {

constexpr std::size_t kBytesMax = 1024 * 1024;
constexpr int kDepthMax = 10'000;  // of JSON

void check_json(const Secret& secret, const std::string& key, Errors& errors) {
  const Path at = Path("data").key(key);
  const auto found = secret.data().find(key);
  if (found == secret.data().end()) return errors.required(at);
  // What the bytes are is nobody's business: the message does not show them.
  const std::string problem = json_syntax_error(found->second, kDepthMax);
  if (!problem.empty()) errors.invalid_text(at, "<secret contents redacted>", problem);
}

void check_type(const Secret& secret, Errors& errors) {
  const std::string& type = secret.type();
  const auto has = [&](const char* key) { return secret.data().contains(key); };
  if (type == "kubernetes.io/service-account-token") {
    const auto name = secret.metadata().annotations().find("kubernetes.io/service-account.name");
    if (name == secret.metadata().annotations().end() || name->second.empty()) {
      errors.required(Path("metadata").member("annotations").key("kubernetes.io/service-account.name"));
    }
  } else if (type == "kubernetes.io/dockercfg") {
    check_json(secret, ".dockercfg", errors);
  } else if (type == "kubernetes.io/dockerconfigjson") {
    check_json(secret, ".dockerconfigjson", errors);
  } else if (type == "kubernetes.io/basic-auth") {
    if (has("username") || has("password")) return;
    errors.required(Path("data").key("username"));
    errors.required(Path("data").key("password"));
  } else if (type == "kubernetes.io/ssh-auth") {
    const auto key = secret.data().find("ssh-privatekey");
    if (key == secret.data().end() || key->second.empty()) errors.required(Path("data").key("ssh-privatekey"));
  } else if (type == "kubernetes.io/tls") {
    if (!has("tls.crt")) errors.required(Path("data").key("tls.crt"));
    if (!has("tls.key")) errors.required(Path("data").key("tls.key"));
  }
}

}  // namespace

void validate(const Secret& secret, Errors& errors) {
  std::size_t bytes = 0;
  for (const auto* entry : sorted(secret.data())) {
    errors.invalid_each(Path("data").key(entry->first), entry->first, check_config_map_key(entry->first));
    bytes += entry->second.size();
  }
  if (bytes > kBytesMax) errors.too_long(Path("data"), kBytesMax);
  check_type(secret, errors);
}

void validate_update(const Secret& now, const Secret& old, Errors& errors) {
  check_immutable(now.type(), old.type(), Path("type"), errors);
  if (old.immutable()) {
    constexpr std::string_view kFrozen = "field is immutable when `immutable` is set";
    if (!now.immutable()) errors.forbidden(Path("immutable"), kFrozen);
    if (!same(now.data(), old.data())) errors.forbidden(Path("data"), kFrozen);
  }
  validate(now, errors);
}

}  // namespace ph::api
