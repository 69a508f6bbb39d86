// Random objects of any kind, made by its schema: few different values, so that lists have items of equal keys and changes
// hit what is there. Zeros, empty lists and absent members are frequent.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "api/schema.h"
#include "base/rng.h"

namespace ph::api::testing {

class RandomObject {
 public:
  using Json = nlohmann::json;
  explicit RandomObject(Rng& rng) : rng_(rng) {}

  Json make(const Schema& schema) { return value(schema, 0); }

  // Another state of an object: some members changed, some gone, some new. Managed fields stay.
  Json change(const Schema& schema, const Json& old) { return changed(schema, old, 0); }

 private:
  bool one_in(std::uint64_t n) { return rng_.below(n) == 0; }
  template <class T, std::size_t N>
  T pick(const T (&values)[N]) {
    return values[rng_.below(N)];
  }

  Json value(const Schema& schema, int depth) {
    switch (schema.type) {
      case Type::Bool: return one_in(2);
      case Type::Int32:
      case Type::Int64: return pick<std::int64_t>({0, 1, 80, 443, -7});
      case Type::Double: return pick<double>({0.0, 0.5, 3.0});
      case Type::String:
        return pick<const char*>({"", "a", "b", "TCP", "x<\"y\\", "\xc3\xa9", "app.kubernetes.io/name", "Ready"});
      case Type::Bytes: return pick<const char*>({"", "AAEC", "/w=="});
      case Type::Quantity: return pick<const char*>({"0", "1", "1000m", "500m", "1Gi", "1024Mi"});
      case Type::IntOrString: return one_in(2) ? Json(pick<std::int64_t>({0, 80})) : Json(pick<const char*>({"", "50%"}));
      case Type::Time: return one_in(4) ? Json() : Json(pick<const char*>({"2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"}));
      case Type::MicroTime:
        return one_in(4) ? Json() : Json(pick<const char*>({"2026-01-01T00:00:00.000001Z", "2026-01-01T00:00:00.500000Z"}));
      case Type::Duration: return pick<const char*>({"0s", "1m0s", "1.5s"});
      case Type::RawJson: return pick<Json>({Json::object(), Json{{"b", 1}, {"a", "<x>"}}, Json{{"spec", Json{{"n", nullptr}}}}});
      case Type::Union: {
        const Field& field = schema.fields[rng_.below(schema.fields.size())];
        // A schema that is too deep is left empty; an empty list in the place of a schema is no schema at all.
        if (field.schema->type == Type::Bool) return one_in(2);
        if (field.schema->type == Type::List) return Json::array({value(*field.schema->element, depth + 1)});
        return depth > 5 ? Json::object() : value(*field.schema, depth + 1);
      }
      case Type::List: {
        Json out = Json::array();
        for (std::uint64_t n = rng_.below(depth > 5 ? 2 : 4); n > 0; --n) out.push_back(value(*schema.element, depth + 1));
        return out;
      }
      case Type::Map: {
        Json out = Json::object();
        for (std::uint64_t n = rng_.below(4); n > 0; --n)
          out[pick<const char*>({"a", "b", "c.d/e", "app"})] = value(*schema.element, depth + 1);
        return out;
      }
      case Type::Struct: break;
    }
    Json out = Json::object();
    if (depth > 12) return out;  // types that hold themselves
    for (const Field& field : schema.fields) {
      if (field.name == "managedFields") continue;
      const bool main = depth == 0 && (field.name == "metadata" || field.name == "spec" || field.name == "status");
      if (main ? !one_in(8) : one_in(depth > 3 ? 5 : 3)) out[field.name] = value(*field.schema, depth + 1);
    }
    return out;
  }

  Json changed(const Schema& schema, const Json& old, int depth) {
    if (old.is_null()) return value(schema, depth);
    switch (schema.type) {
      case Type::Struct: {
        Json out = old;
        for (const Field& field : schema.fields) {
          if (field.name == "managedFields") continue;
          const auto found = out.find(field.name);
          if (found == out.end()) {
            if (one_in(12)) out[field.name] = value(*field.schema, depth + 1);
          } else if (one_in(12)) {
            out.erase(found);
          } else if (one_in(2)) {
            *found = changed(*field.schema, *found, depth + 1);
          }
        }
        return out;
      }
      case Type::List: {
        Json out = Json::array();
        for (const Json& item : old) {
          if (one_in(6)) continue;
          out.push_back(one_in(3) ? changed(*schema.element, item, depth + 1) : item);
        }
        if (one_in(4)) out.push_back(value(*schema.element, depth + 1));
        if (one_in(6)) std::ranges::reverse(out);
        return out;
      }
      case Type::Map: {
        Json out = Json::object();
        for (const auto& [key, item] : old.items()) {
          if (!one_in(6)) out[key] = one_in(3) ? changed(*schema.element, item, depth + 1) : item;
        }
        if (one_in(4)) out["new"] = value(*schema.element, depth + 1);
        return out;
      }
      default: return one_in(2) ? value(schema, depth) : old;
    }
  }

  Rng& rng_;
};

}  // namespace ph::api::testing
