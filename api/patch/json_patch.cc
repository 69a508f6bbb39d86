// JSON patch, with the behaviour and the words of the library upstream uses (evanphx/json-patch).
#include <charconv>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "api/errors.h"
#include "api/patch/patch.h"

namespace ph::api {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kOperationsMax = 10'000;
constexpr std::size_t kCopiedBytesMax = 3 * 1024 * 1024;

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
    throw ApplyError(fmt::format("value was not a proper array index: '{0}': strconv.Atoi: parsing \"{0}\": invalid syntax", key));
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
Json* child(Json& container, const std::string& key) {
  if (container.is_array()) return &container[position(key, container.size())];
  const auto found = container.find(key);
  return found == container.end() ? nullptr : &*found;
}

struct Place {
  Json* container = nullptr;  // null: the path does not lead to a container
  std::string key;
};

Place find(Json& document, std::string_view path) {
  auto slash = path.find('/');
  if (slash == path.npos) return {};
  Json* at = &document;
  while (true) {
    const auto next = path.find('/', slash + 1);
    const std::string token = unescape(path.substr(slash + 1, next == path.npos ? path.npos : next - slash - 1));
    if (!at->is_structured()) return {};
    if (next == path.npos) return {at, token};
    try {
      at = child(*at, token);
    } catch (const ApplyError&) {
      return {};
    }
    if (at == nullptr || at->is_null()) return {};
    slash = next;
  }
}

void add(Place place, Json value) {
  Json& container = *place.container;
  if (container.is_object()) {
    container[place.key] = std::move(value);
    return;
  }
  if (place.key == "-") {
    container.push_back(std::move(value));
    return;
  }
  const std::size_t at = position(place.key, container.size() + 1);
  container.insert(container.begin() + static_cast<std::ptrdiff_t>(at), std::move(value));
}

void remove(Place place) {
  Json& container = *place.container;
  if (container.is_array()) {
    container.erase(position(place.key, container.size()));
    return;
  }
  if (container.erase(place.key) == 0) {
    throw ApplyError(fmt::format("Unable to remove nonexistent key: {}: missing value", place.key));
  }
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

  void apply(const Json& operation) {
    const std::string op = operation.value("op", Json()).is_string() ? operation["op"].get<std::string>() : "unknown";
    if (op == "add") return add_value(operation);
    if (op == "remove") return remove_value(operation);
    if (op == "replace") return replace_value(operation);
    if (op == "move") return move_value(operation);
    if (op == "copy") return copy_value(operation);
    if (op == "test") return test_value(operation);
    throw ApplyError(fmt::format("Unexpected kind: {}", op));
  }

  Json result() { return std::move(document_); }

 private:
  static std::string path_of(const Json& operation, std::string_view op, const char* member) {
    const auto found = operation.find(member);
    if (found == operation.end() || !found->is_string()) {
      throw ApplyError(fmt::format("{} operation failed to decode {}: operation missing {} field: missing value", op, member, member));
    }
    return found->get<std::string>();
  }

  static Json value_of(const Json& operation) { return operation.value("value", Json()); }

  void add_value(const Json& operation) {
    const std::string path = path_of(operation, "add", "path");
    const Place place = find(document_, path);
    if (!place.container) missing("add", "path", fmt::format("\"{}\"", path));
    in("add", path, [&] { add(place, value_of(operation)); });
  }

  void remove_value(const Json& operation) {
    const std::string path = path_of(operation, "remove", "path");
    const Place place = find(document_, path);
    if (!place.container) missing("remove", "path", fmt::format("\"{}\"", path));
    in("remove", path, [&] { remove(place); });
  }

  void replace_value(const Json& operation) {
    const std::string path = path_of(operation, "replace", "path");
    const Place place = find(document_, path);
    if (!place.container) missing("replace", "path", path);
    Json* target = nullptr;
    try {
      target = child(*place.container, place.key);
    } catch (const ApplyError&) {
    }
    if (!target) missing("replace", "key", path);
    *target = value_of(operation);
  }

  void move_value(const Json& operation) {
    const std::string from = path_of(operation, "move", "from");
    const Place source = find(document_, from);
    if (!source.container) missing("move", "from path", from);
    Json* value = in("move", from, [&] { return child(*source.container, source.key); });
    Json moved = value ? std::move(*value) : Json();
    in("move", from, [&] { remove(source); });
    const std::string path = path_of(operation, "move", "path");
    const Place target = find(document_, path);
    if (!target.container) missing("move", "destination path", path);
    in("move", path, [&] { add(target, std::move(moved)); });
  }

  void copy_value(const Json& operation) {
    const std::string from = path_of(operation, "copy", "from");
    const Place source = find(document_, from);
    if (!source.container) missing("copy", "from path", from);
    const Json* value = in("copy", from, [&] { return child(*source.container, source.key); });
    Json copied = value ? *value : Json();
    copied_bytes_ += copied.dump(-1, ' ', false, Json::error_handler_t::replace).size();
    if (copied_bytes_ > kCopiedBytesMax) {
      throw ApplyError(fmt::format("Unable to complete the copy, the accumulated size increase of copy is {}, exceeding the limit {}",
                                   copied_bytes_, kCopiedBytesMax));
    }
    const std::string path = path_of(operation, "copy", "path");
    const Place target = find(document_, path);
    if (!target.container) missing("copy", "destination path", path);
    in("copy", path, [&] { add(target, std::move(copied)); });
  }

  void test_value(const Json& operation) {
    const std::string path = path_of(operation, "test", "path");
    const Place place = find(document_, path);
    if (!place.container) missing("test", "path", path);
    const Json* value = in("test", path, [&] { return child(*place.container, place.key); });
    const bool equal = value ? *value == value_of(operation) : value_of(operation).is_null();
    if (!equal) throw ApplyError(fmt::format("testing value {} failed: test failed", path));
  }

  Json document_;
  std::size_t copied_bytes_ = 0;
};

}  // namespace

Json json_patch(const Json& document, const Json& patch) {
  if (!patch.is_array()) {
    throw DecodeError(fmt::format("json: cannot unmarshal {} into Go value of type jsonpatch.Patch", patch.type_name()));
  }
  for (const Json& operation : patch) {
    if (operation.is_object()) continue;
    throw DecodeError(fmt::format("json: cannot unmarshal {} into Go value of type jsonpatch.Operation", operation.type_name()));
  }
  if (patch.size() > kOperationsMax) {
    throw too_large(fmt::format("The allowed maximum operations in a JSON patch is {}, got {}", kOperationsMax, patch.size()));
  }
  Patcher patcher(document);
  for (const Json& operation : patch) patcher.apply(operation);
  return patcher.result();
}

}  // namespace ph::api
