#include "apiserver/rest/continue.h"

#include <array>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/json_text.h"

namespace ph::apiserver {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kVersion = "meta.k8s.io/v1";

std::string base64url(std::string_view bytes) {
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (const unsigned char c : bytes) {
    bits = bits << 8 | c;
    held += 8;
    while (held >= 6) {
      held -= 6;
      out.push_back(kAlphabet[bits >> held & 63]);
    }
  }
  if (held > 0) out.push_back(kAlphabet[bits << (6 - held) & 63]);
  return out;
}

std::optional<std::string> from_base64url(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const auto value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    held += 6;
    if (held >= 8) {
      held -= 8;
      out.push_back(static_cast<char>(bits >> held));
    }
  }
  return out;
}

constexpr int kTokenDepthMax = 100;

[[noreturn]] void refuse(std::string_view why) {
  throw api::bad_request(fmt::format("invalid continue token: continue key is not valid: {}", why));
}

}  // namespace

std::string encode_continue(const Continuation& continuation) {
  const nlohmann::json token = {{"v", kVersion}, {"rv", continuation.revision}, {"start", continuation.start}};
  return base64url(token.dump());
}

Continuation decode_continue(std::string_view token) {
  const auto text = from_base64url(token);
  if (!text) refuse("illegal base64 data");
  if (const std::string why = api::json_syntax_error(*text, kTokenDepthMax); !why.empty()) refuse(why);
  const nlohmann::json json = nlohmann::json::parse(*text, nullptr, false);
  if (!json.is_object()) refuse("not a token");
  const auto version = json.find("v");
  if (version == json.end() || *version != kVersion) refuse("unrecognized version");
  const auto revision = json.find("rv");
  const auto start = json.find("start");
  if (revision == json.end() || !revision->is_number_integer() || start == json.end() || !start->is_string()) {
    refuse("incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
  }
  Continuation continuation{revision->get<std::int64_t>(), start->get<std::string>()};
  if (continuation.revision == 0) refuse("incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
  if (continuation.start.empty()) refuse("encoded start key empty");
  return continuation;
}

}  // namespace ph::apiserver
