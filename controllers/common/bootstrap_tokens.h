// Bootstrap tokens, with which machines join: Secrets of type bootstrap.kubernetes.io/token in kube-system.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "controllers/runtime/loop.h"

namespace ph::controllers {

inline constexpr const char* kTokenType = "bootstrap.kubernetes.io/token";
inline constexpr const char* kTokenNamespace = "kube-system";

// What loops need of a token; informers of it hold no other Secret.
struct BootstrapToken {
  ObjectKey object_key;
  std::string uid;
  Revision revision;
  bool deleting = false;
  std::string type;
  std::string id, secret;  // token-id, token-secret
  std::string expiration;  // RFC 3339; empty: none
  bool signs = false;      // usage-bootstrap-signing

  const ObjectKey& key() const { return object_key; }

  // Of any Secret.
  static std::shared_ptr<const BootstrapToken> decode(std::string_view protobuf);
};

// By type and namespace.
bool is_bootstrap_token(const BootstrapToken& token);

// Until when it may be used; nothing: for ever. One whose expiration cannot be read has expired long ago.
std::optional<Time> expiry(const BootstrapToken& token);

}  // namespace ph::controllers

namespace ph::informers {
template <>
struct Followed<controllers::BootstrapToken> {
  static detail::Decoder decoder();
};
}  // namespace ph::informers
