// JSON patch, with the behaviour and the words of the library upstream uses (evanphx/json-patch).
#include <charconv>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/json_text.h"
#include "api/patch/patch.h"
#include "api/patch/patch_document.h"

namespace ph::api {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kOperationsMax = 10'000;
constexpr std::size_t kCopiedBytesMax = 3 * 1024 * 1024;
constexpr std::size_t kUnknownMax = 100;
// Of the document with what is put into it.
constexpr std::size_t kDepthMax = DecodeOptions().depth_max;

// ~1 and ~0 of a reference token.
std::string unescape(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    const bool escape = token[i] == '~' && i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1');
    out += !escape ? token[i] : token[i + 1] == '0' ? '~' : '/';
    if (escape) ++i;
  }
  return out;
}

[[noreturn]] void bad_index(long long index) {
  throw ApplyError(fmt::format("Unable to access invalid index: {}: invalid index referenced", index));
}

// An index as Go's Atoi reads one.
long long index_of(std::string_view key) {
  long long out = 0;
  const std::string_view digits = key.starts_with('+') ? key.substr(1) : key;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    throw ApplyError(
        fmt::format("value was not a proper array index: '{0}': strconv.Atoi: parsing \"{0}\": invalid syntax", key));
  }
  return out;
}

// Negative indices count from the end; `size` itself is allowed where something may be added.
std::size_t position(std::string_view key, std::size_t size) {
  const long long index = index_of(key);
  const auto length = static_cast<long long>(size);
  if (index >= length || index < -length) bad_index(index);
  return static_cast<std::size_t>(index < 0 ? index + length : index);
}

// The member or element `key` of a container; null when an object has no such member.
PatchNode* child(PatchNode& container, const std::string& key) {
  if (container.is_array()) return &container.items().at(position(key, container.items().size()));
  const auto found = container.members().find(key);
  return found == container.members().end() ? nullptr : &found->second;
}

// Where a path leads: the containers on the way, from the document's root, and the name within the last one.
struct Place {
  std::vector<PatchNode*> way;  // empty: the path does not lead to a container
  std::string key;

  explicit operator bool() const { return !way.empty(); }
  PatchNode& container() const { return *way.back(); }
};

Place find(PatchNode& document, std::string_view path) {
  auto slash = path.find('/');
  if (slash == path.npos) return {};
  Place place;
  PatchNode* at = &document;
  while (true) {
    const auto next = path.find('/', slash + 1);
    std::string token = unescape(path.substr(slash + 1, next == path.npos ? path.npos : next - slash - 1));
    if (!at->is_object() && !at->is_array()) return {};
    place.way.push_back(at);
    if (next == path.npos) {
      place.key = std::move(token);
      return place;
    }
    try {
      at = child(*at, token);
    } catch (const ApplyError&) {
      return {};
    }
    if (at == nullptr) return {};
    slash = next;
  }
}

// The document grows deeper only so far: whoever reads it goes as deep as it is.
void hold(const Place& place, std::size_t height) {
  if (place.way.size() + height > kDepthMax) throw ApplyError("exceeded max depth");
  std::size_t below = place.way.size();
  for (PatchNode* node : place.way) node->hold(height, below--);
}

void add(const Place& place, PatchNode value) {
  hold(place, value.height());
  PatchNode& container = place.container();
  if (container.is_object()) {
    container.members().insert_or_assign(place.key, std::move(value));
    return;
  }
  PatchItems& items = container.items();
  items.insert(place.key == "-" ? items.size() : position(place.key, items.size() + 1), std::move(value));
}

PatchNode take(const Place& place) {
  PatchNode& container = place.container();
  if (container.is_array()) return container.items().take(position(place.key, container.items().size()));
  const auto found = container.members().find(place.key);
  if (found == container.members().end()) {
    throw ApplyError(fmt::format("Unable to remove nonexistent key: {}: missing value", place.key));
  }
  PatchNode out = std::move(found->second);
  container.members().erase(found);
  return out;
}

// Adds to an error where it happened.
template <class F>
auto in(std::string_view operation, std::string_view path, F&& act) {
  try {
    return act();
  } catch (const ApplyError& error) {
    throw ApplyError(fmt::format("error in {} for path: '{}': {}", operation, path, error.what()));
  }
}

[[noreturn]] void missing(std::string_view operation, std::string_view what, std::string_view path) {
  throw ApplyError(fmt::format("{} operation does not apply: doc is missing {}: {}: missing value", operation, what, path));
}

class Patcher {
 public:
  explicit Patcher(Json document) : document_(std::move(document)) {}

  void apply(Json& operation) {
    const auto found = operation.find("op");
    const std::string op = found != operation.end() && found->is_string() ? found->get<std::string>() : "unknown";
    if (op == "add") return add_value(operation);
    if (op == "remove") return remove_value(operation);
    if (op == "replace") return replace_value(operation);
    if (op == "move") return move_value(operation);
    if (op == "copy") return copy_value(operation);
    if (op == "test") return test_value(operation);
    throw ApplyError(fmt::format("Unexpected kind: {}", op));
  }

  Json result() { return std::move(document_).take(); }

 private:
  static std::string path_of(const Json& operation, std::string_view op, const char* member) {
    const auto found = operation.find(member);
    if (found == operation.end() || !found->is_string()) {
      throw ApplyError(
          fmt::format("{} operation failed to decode {}: operation missing {} field: missing value", op, member, member));
    }
    return found->get<std::string>();
  }

  static Json take_value(Json& operation) {
    const auto found = operation.find("value");
    return found == operation.end() ? Json() : std::move(*found);
  }

  Place container_of(std::string_view path, std::string_view operation, std::string_view what) {
    Place place = find(document_, path);
    if (!place) missing(operation, what, path);
    return place;
  }

  void add_value(Json& operation) {
    const std::string path = path_of(operation, "add", "path");
    const Place place = find(document_, path);
    if (!place) missing("add", "path", fmt::format("\"{}\"", path));
    in("add", path, [&] { add(place, PatchNode(take_value(operation))); });
  }

  void remove_value(const Json& operation) {
    const std::string path = path_of(operation, "remove", "path");
    const Place place = find(document_, path);
    if (!place) missing("remove", "path", fmt::format("\"{}\"", path));
    in("remove", path, [&] { take(place); });
  }

  void replace_value(Json& operation) {
    const std::string path = path_of(operation, "replace", "path");
    PatchNode value(take_value(operation));
    if (path.empty()) {
      if (!value.is_object() && !value.is_array()) throw ApplyError("replace operation value must be object or array");
      document_ = std::move(value);
      return;
    }
    const Place place = container_of(path, "replace", "path");
    PatchNode& container = place.container();
    // A member that is missing is added, unlike RFC 6902 says.
    if (container.is_object()) return add(place, std::move(value));
    PatchNode* target = nullptr;
    try {
      target = child(container, place.key);
    } catch (const ApplyError&) {
      missing("replace", "key", path);
    }
    hold(place, value.height());
    *target = std::move(value);
  }

  void move_value(const Json& operation) {
    const std::string from = path_of(operation, "move", "from");
    const Place source = container_of(from, "move", "from path");
    PatchNode moved = in("move", from, [&] { return take(source); });
    const std::string path = path_of(operation, "move", "path");
    const Place target = container_of(path, "move", "destination path");
    in("move", path, [&] { add(target, std::move(moved)); });
  }

  void copy_value(const Json& operation) {
    const std::string from = path_of(operation, "copy", "from");
    const Place source = container_of(from, "copy", "from path");
    const PatchNode* value = in("copy", from, [&] { return child(source.container(), source.key); });
    const std::string path = path_of(operation, "copy", "path");
    const Place target = container_of(path, "copy", "destination path");
    Json copied = value ? value->copy() : Json();
    copied_bytes_ += copied.dump(-1, ' ', false, Json::error_handler_t::replace).size();
    if (copied_bytes_ > kCopiedBytesMax) {
      throw ApplyError(
          fmt::format("Unable to complete the copy, the accumulated size increase of copy is {}, exceeding the limit {}",
                      copied_bytes_, kCopiedBytesMax));
    }
    in("copy", path, [&] { add(target, PatchNode(std::move(copied))); });
  }

  void test_value(const Json& operation) {
    const std::string path = path_of(operation, "test", "path");
    const auto found = operation.find("value");
    const Json& wanted = found == operation.end() ? kNull : *found;
    const PatchNode* value = &document_;
    if (!path.empty()) {
      const Place place = container_of(path, "test", "path");
      value = in("test", path, [&] { return child(place.container(), place.key); });
    }
    const bool equal = value ? value->equals(wanted) : wanted.is_null();
    if (!equal) throw ApplyError(fmt::format("testing value {} failed: test failed", path));
  }

  inline static const Json kNull;
  PatchNode document_;
  std::size_t copied_bytes_ = 0;
};

// A member of an operation as upstream's type has it: text, or nothing.
void check_text(const Json& operation, const char* member) {
  const auto found = operation.find(member);
  if (found == operation.end() || found->is_string() || found->is_null()) return;
  throw DecodeError(fmt::format("json: cannot unmarshal {} into Go struct field jsonPatchOp.{} of type string",
                                json_type_name(*found), member));
}

}  // namespace

std::vector<std::string> check_json_patch(const Json& patch) {
  std::vector<std::string> unknown;
  if (patch.is_null()) return unknown;
  if (!patch.is_array()) {
    throw DecodeError(
        fmt::format("json: cannot unmarshal {} into Go value of type []handlers.jsonPatchOp", json_type_name(patch)));
  }
  for (std::size_t i = 0; i < patch.size(); ++i) {
    const Json& operation = patch[i];
    if (operation.is_null()) continue;
    if (!operation.is_object()) {
      throw DecodeError(
          fmt::format("json: cannot unmarshal {} into Go value of type handlers.jsonPatchOp", json_type_name(operation)));
    }
    for (const char* member : {"op", "path", "from"}) check_text(operation, member);
    for (const auto& [name, value] : operation.items()) {
      const bool known = name == "op" || name == "path" || name == "from" || name == "value";
      if (!known && unknown.size() < kUnknownMax) unknown.push_back(fmt::format("unknown field \"[{}].{}\"", i, name));
    }
  }
  return unknown;
}

Json json_patch(Json document, Json patch) {
  if (!patch.is_array() && !patch.is_null()) {
    throw DecodeError(fmt::format("json: cannot unmarshal {} into Go value of type jsonpatch.Patch", json_type_name(patch)));
  }
  for (const Json& operation : patch) {
    if (operation.is_object() || operation.is_null()) continue;
    throw DecodeError(
        fmt::format("json: cannot unmarshal {} into Go value of type jsonpatch.Operation", json_type_name(operation)));
  }
  if (patch.size() > kOperationsMax) {
    throw too_large(fmt::format("The allowed maximum operations in a JSON patch is {}, got {}", kOperationsMax, patch.size()));
  }
  Patcher patcher(std::move(document));
  for (Json& operation : patch) {
    if (operation.is_null()) operation = Json::object();
    patcher.apply(operation);
  }
  return patcher.result();
}

}  // namespace ph::api
