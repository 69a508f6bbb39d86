// JSON to messages: simdjson reads, the schema decides, the result is written as protobuf bytes that protobuf then parses.
#include <bit>
#include <bitset>
#include <charconv>
#include <unordered_set>

#include <fmt/format.h>
#include <google/protobuf/message.h>
#include <simdjson.h>
#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/go_types.h"
#include "api/json_text.h"
#include "api/quantity.h"
#include "api/times.h"
#include "api/wire.h"
#include "base/assert.h"

namespace ph::api {

namespace pb = google::protobuf;
namespace od = simdjson::ondemand;
using od::json_type;

namespace {

// simdjson stopped. The cause is told by a second look at the text.
struct Unreadable {};
// Well-formed, but not of the type; thrown when nothing worse is wrong with the text.
struct Mismatch {
  std::string what;
};

void must(simdjson::error_code code) {
  if (code) throw Unreadable();
}
template <class T>
T take(simdjson::simdjson_result<T> result) {
  T value;
  must(std::move(result).get(value));
  return value;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && std::string_view(" \t\r\n").find(text.back()) != std::string_view::npos) text.remove_suffix(1);
  return text;
}

// The text of a value, which is then done with.
std::string_view raw_text(od::value& value, json_type type) {
  if (type == json_type::object) return trim(take(take(value.get_object()).raw_json()));
  if (type == json_type::array) return trim(take(take(value.get_array()).raw_json()));
  const std::string_view token = trim(value.raw_json_token());
  // A string that is not taken looks like a name to simdjson when a colon follows, and it goes on with what is behind.
  if (type == json_type::string) take(value.get_raw_json_string());
  return token;
}

std::string_view json_type_name(json_type type) {
  switch (type) {
    case json_type::array: return "array";
    case json_type::object: return "object";
    case json_type::number: return "number";
    case json_type::string: return "string";
    case json_type::boolean: return "bool";
    default: return "null";
  }
}

// Where in the object the reader is; kept as a chain on the stack, and only spelled out for a complaint.
struct Place {
  const Place* up = nullptr;
  std::string_view name;          // of a member or map key
  std::size_t index = 0;          // of a list item, when there is no name
  const Schema* owner = nullptr;  // of a member: the struct

  // spec.containers[0].name
  std::string text() const {
    if (!up) return {};
    std::string before = up->text();
    if (!name.data()) return before + "[" + std::to_string(index) + "]";
    return before.empty() ? std::string(name) : before + "." + std::string(name);
  }
  // The innermost member of a struct; null: none.
  const Place* member() const {
    const Place* place = this;
    while (place && !place->owner) place = place->up;
    return place;
  }
  // As Go names a place in a type error: members alone, with the structs they are embedded in, after the innermost struct.
  std::string go_text() const {
    const Place* const innermost = member();
    if (!innermost) return {};
    std::string path;
    for (const Place* place = innermost; place; place = place->up) {
      if (!place->owner) continue;
      std::string step;
      if (const Field* field = place->owner->field(place->name)) {
        for (std::size_t i = 0; i + 1 < field->path.size(); ++i) step += field->path[i]->message_type()->name() + ".";
      }
      step += place->name;
      path = path.empty() ? step : step + "." + path;
    }
    const std::string& name = innermost->owner->name;
    return fmt::format("struct field {}.{}", name.substr(name.rfind('.') + 1), path);
  }
};

Schema scalar(Type type) {
  Schema schema;
  schema.type = type;
  return schema;
}

class JsonReader {
 public:
  JsonReader(std::string& out, const DecodeOptions& options) : out_(out), options_(options), writer_(out) {}

  std::vector<std::string> complaints;

  void root(const Schema& schema, od::document& document) {
    const json_type type = take(document.type());
    if (type != json_type::object) {
      throw Mismatch{fmt::format("json: cannot unmarshal {} into Go value of type {}", json_type_name(type), go_type(schema))};
    }
    od::object object = take(document.get_object());
    members(schema, object, Place{}, 1);
    if (!document.current_location().error()) throw Unreadable();  // something follows
  }

  // One value alone, as field `number`; the document is a list around it.
  void only_item(unsigned number, const Schema& schema, od::document& document) {
    for (auto result : take(document.get_array())) {
      od::value item = take(std::move(result));
      if (!is_null(item)) field(number, schema, item, Place{}, 1);
    }
    if (!document.current_location().error()) throw Unreadable();
  }

 private:
  // Which members an object had so far, and where their records are.
  struct Seen {
    std::bitset<wire::kMembersMax + 2> members;
    std::uint32_t begin[wire::kMembersMax];
    std::uint32_t end[wire::kMembersMax];
  };
  static constexpr std::size_t kKind = wire::kMembersMax, kApiVersion = wire::kMembersMax + 1;

  // Each once, and no more than upstream lists.
  void complain(std::string_view what, const Place& place) {
    static constexpr std::size_t kMax = 100;
    if (quiet_ || options_.unknown == Unknown::Ignore || complaints.size() >= kMax) return;
    std::string complaint = fmt::format("{} field \"{}\"", what, place.text());
    if (std::ranges::find(complaints, complaint) == complaints.end()) complaints.push_back(std::move(complaint));
  }
  [[noreturn]] static void mismatch(std::string_view what, const Schema& schema, const Place& place) {
    const Place* const member = place.member();
    const std::string type = member ? go_type(schema, *member->owner, member->name, member != &place) : go_type(schema);
    const std::string target = place.go_text();
    throw Mismatch{fmt::format("json: cannot unmarshal {} into Go {} of type {}", what, target.empty() ? "value" : target, type)};
  }

  void members(const Schema& schema, od::object& object, const Place& place, int depth) {
    Seen seen;
    const Field* expected = schema.fields.data();  // members mostly come in the schema's order
    const Field* const end = expected + schema.fields.size();
    for (auto result : object) {
      od::field member = take(std::move(result));
      const std::string_view name = take(member.unescaped_key());
      const Place inner{.up = &place, .name = name, .owner = &schema};
      const Field* field = expected != end && expected->name == name ? expected : schema.field(name);
      od::value value = member.value();
      if (!field) {
        other(schema, name, value, seen, inner, depth);
        continue;
      }
      expected = field + 1;
      this->member(schema, *field, value, seen, inner, depth);
    }
  }

  // A name that is no member: kind and apiVersion, or unknown.
  void other(const Schema& schema, std::string_view name, od::value& value, Seen& seen, const Place& place, int depth) {
    const json_type type = take(value.type());
    const std::size_t bit = name == "kind" ? kKind : name == "apiVersion" ? kApiVersion : 0;
    if (!schema.kind || !bit) {
      complain("unknown", place);
      skip(value, type, depth);
      return;
    }
    if (seen.members.test(bit)) complain("duplicate", place);
    seen.members.set(bit);
    static const Schema kText = scalar(Type::String);
    if (type == json_type::null) return skip(value, type, depth);
    if (type != json_type::string) mismatch(json_type_name(type), kText, place);
    take(value.get_string());
  }

  // simdjson does not look into what is passed over.
  void skip(od::value& value, json_type type, int depth) {
    const std::string_view raw = raw_text(value, type);
    if (!json_syntax_error(raw, options_.depth_max - depth).empty()) throw Unreadable();
  }

  void member(const Schema& schema, const Field& field, od::value& value, Seen& seen, const Place& place, int depth) {
    const auto index = static_cast<std::size_t>(&field - schema.fields.data());
    if (seen.members.test(index)) {
      complain("duplicate", place);
      forget(seen, index, schema.fields.size());
    }
    seen.members.set(index);
    seen.begin[index] = static_cast<std::uint32_t>(out_.size());
    if (!is_null(value)) {
      std::size_t marks[4];
      const std::size_t inlines = field.path.size() - 1;
      for (std::size_t i = 0; i < inlines; ++i) marks[i] = writer_.open(static_cast<unsigned>(field.path[i]->number()));
      this->field(static_cast<unsigned>(field.number), *field.schema, value, place, depth);
      for (std::size_t i = inlines; i > 0; --i) writer_.close(marks[i - 1]);
    }
    seen.end[index] = static_cast<std::uint32_t>(out_.size());
  }

  void field(unsigned number, const Schema& schema, od::value& value, const Place& place, int depth) {
    const bool records = schema.type == Type::Map || (schema.type == Type::List && !schema.descriptor);
    if (records) items(number, schema, value, place, depth);
    else write(number, schema, value, place, depth);
  }

  // The last of several members of one name counts.
  void forget(Seen& seen, std::size_t index, std::size_t count) {
    const std::uint32_t begin = seen.begin[index], size = seen.end[index] - begin;
    out_.erase(begin, size);
    for (std::size_t i = 0; i < count; ++i) {
      if (!seen.members.test(i) || seen.begin[i] <= begin) continue;
      seen.begin[i] -= size;
      seen.end[i] -= size;
    }
  }

  static bool is_null(od::value& value) {
    if (take(value.type()) != json_type::null) return false;
    if (trim(value.raw_json_token()) != "null") throw Unreadable();
    return true;
  }

  // A list's items or a map's entries, as records of `number`.
  void items(unsigned number, const Schema& schema, od::value& value, const Place& place, int depth) {
    const json_type type = take(value.type());
    if (type != (schema.type == Type::Map ? json_type::object : json_type::array)) mismatch(json_type_name(type), schema, place);
    if (schema.type == Type::Map) return entries(number, *schema.element, value, place, depth);
    std::size_t index = 0;
    for (auto result : take(value.get_array())) {
      od::value item = take(std::move(result));
      const Place inner{.up = &place, .index = index++};
      if (is_null(item)) zero(number, *schema.element);
      else write(number, *schema.element, item, inner, depth + 1);
    }
  }

  void entries(unsigned number, const Schema& element, od::value& value, const Place& place, int depth) {
    std::unordered_set<std::string_view> names;
    for (auto result : take(value.get_object())) {
      od::field entry = take(std::move(result));
      const std::string_view name = take(entry.unescaped_key());
      const Place inner{.up = &place, .name = name};
      if (options_.unknown != Unknown::Ignore && !names.insert(name).second) complain("duplicate", inner);
      const std::size_t mark = writer_.open(number);
      writer_.bytes(1, name);
      od::value inner_value = entry.value();
      if (is_null(inner_value)) zero(2, element);
      else write(2, element, inner_value, inner, depth + 1);
      writer_.close(mark);
    }
  }

  // What a null item means: the zero value.
  void zero(unsigned number, const Schema& schema) {
    switch (wire::wire_type(schema.type)) {
      case wire::kVarint: return writer_.number(number, 0);
      case wire::kFixed64: return writer_.fixed64(number, 0);
      default: break;
    }
    const std::size_t mark = writer_.open(number);
    if (schema.type == Type::Quantity) writer_.bytes(1, "0");
    writer_.close(mark);
  }

  void write(unsigned number, const Schema& schema, od::value& value, const Place& place, int depth) {
    const json_type type = take(value.type());
    switch (schema.type) {
      case Type::Bool:
        if (type != json_type::boolean) mismatch(json_type_name(type), schema, place);
        return writer_.number(number, take(value.get_bool()));
      case Type::Int32:
      case Type::Int64: return writer_.number(number, static_cast<std::uint64_t>(integer(schema, value, type, place)));
      case Type::Double:
        if (type != json_type::number) mismatch(json_type_name(type), schema, place);
        return writer_.fixed64(number, std::bit_cast<std::uint64_t>(take(value.get_double())));
      case Type::String:
        if (type != json_type::string) mismatch(json_type_name(type), schema, place);
        return writer_.bytes(number, take(value.get_string()));
      case Type::Bytes: {
        if (type != json_type::string) mismatch(json_type_name(type), schema, place);
        std::string bytes;
        if (std::string why = decode_base64(take(value.get_string()), bytes); !why.empty()) throw Mismatch{std::move(why)};
        return writer_.bytes(number, bytes);
      }
      default: break;
    }
    const std::size_t mark = writer_.open(number);
    nested(schema, value, type, place, depth);
    writer_.close(mark);
  }

  std::int64_t integer(const Schema& schema, od::value& value, json_type type, const Place& place) {
    if (type != json_type::number) mismatch(json_type_name(type), schema, place);
    const std::string_view token = trim(value.raw_json_token());
    std::int64_t out = 0;
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), out);
    const bool whole = error == std::errc() && end == token.data() + token.size();
    const std::size_t first = token.starts_with('-') ? 1 : 0;
    const bool leading_zero = token.size() > first + 1 && token[first] == '0';
    const bool fits = schema.type != Type::Int32 || (out >= INT32_MIN && out <= INT32_MAX);
    if (!whole || leading_zero || !fits) mismatch(fmt::format("number {}", token), schema, place);
    return out;
  }

  void nested(const Schema& schema, od::value& value, json_type type, const Place& place, int depth) {
    switch (schema.type) {
      case Type::Struct: {
        if (type != json_type::object) mismatch(json_type_name(type), schema, place);
        if (depth >= options_.depth_max) throw Mismatch{"exceeded max depth"};
        od::object object = take(value.get_object());
        return members(schema, object, place, depth + 1);
      }
      case Type::List: return items(1, schema, value, place, depth + 1);
      case Type::Quantity: return quantity(value, type);
      case Type::IntOrString: return int_or_string(value, type, place);
      case Type::Time:
      case Type::MicroTime: {
        std::string why;
        const auto instant = parse_instant(text_of(value, type, place), schema.type == Type::MicroTime, why);
        if (!instant) throw Mismatch{std::move(why)};
        if (instant->seconds == wire::kZeroTime) return;
        writer_.number(1, static_cast<std::uint64_t>(instant->seconds));
        const std::int32_t nanos = schema.type == Type::MicroTime ? instant->nanos - instant->nanos % 1000 : 0;
        return writer_.number(2, static_cast<std::uint64_t>(std::int64_t{nanos}));
      }
      case Type::Duration: {
        const std::string_view text = text_of(value, type, place);
        const auto duration = parse_duration(text);
        if (!duration) throw Mismatch{fmt::format("time: invalid duration \"{}\"", text)};
        return writer_.number(1, static_cast<std::uint64_t>(duration->count()));
      }
      case Type::RawJson: {
        const std::string_view raw = raw_text(value, type);
        if (!json_syntax_error(raw, options_.depth_max - depth).empty()) throw Unreadable();
        std::string compact;
        append_compact_json(raw, false, compact);
        return writer_.bytes(1, compact);
      }
      case Type::Union: return alternative(schema, value, type, place, depth);
      default: PH_ASSERT(!"maps and scalars are written elsewhere");
    }
  }

  // Upstream reads these by functions of their own, which report no unknown fields; whoever calls them says where it was.
  void alternative(const Schema& schema, od::value& value, json_type type, const Place& place, int depth) {
    const Field *object = nullptr, *list = nullptr, *flag = nullptr;
    for (const Field& field : schema.fields) {
      if (field.schema->type == Type::Struct) object = &field;
      if (field.schema->type == Type::List) list = &field;
      if (field.schema->type == Type::Bool) flag = &field;
    }
    const Field* const chosen = type == json_type::object    ? object
                                : type == json_type::array   ? list
                                : type == json_type::boolean ? flag
                                                             : nullptr;
    if (!chosen && flag) throw Mismatch{"boolean or JSON schema expected"};
    if (!chosen) return skip(value, type, depth);
    if (flag && chosen == object) writer_.number(static_cast<unsigned>(flag->number), 1);
    const bool before = std::exchange(quiet_, true);
    field(static_cast<unsigned>(chosen->number), *chosen->schema, value, place, depth);
    quiet_ = before;
  }

  static std::string_view text_of(od::value& value, json_type type, const Place& place) {
    static const Schema kText = scalar(Type::String);
    if (type != json_type::string) mismatch(json_type_name(type), kText, place);
    return take(value.get_string());
  }

  void quantity(od::value& value, json_type type) {
    // A number's text is a quantity's.
    std::string_view text = type == json_type::string ? take(value.get_string()) : raw_text(value, type);
    if (type == json_type::number && !json_syntax_error(text, 1).empty()) throw Unreadable();
    const auto first = text.find_first_not_of(" \t\n\v\f\r");
    text = trim(text.substr(std::min(first, text.size())));
    if (const auto quantity = Quantity::parse(text)) return writer_.bytes(1, quantity->text());
    const std::string_view why = quantity_error(text);
    throw Mismatch{std::string(why)};
  }

  void int_or_string(od::value& value, json_type type, const Place& place) {
    static const Schema kInt32 = scalar(Type::Int32);
    if (type == json_type::string) {
      writer_.number(1, 1);
      return writer_.bytes(3, take(value.get_string()));
    }
    return writer_.number(2, static_cast<std::uint64_t>(integer(kInt32, value, type, place)));
  }

  std::string& out_;
  const DecodeOptions& options_;
  wire::Writer writer_;
  bool quiet_ = false;  // in a union
};

// A padded copy of the text and simdjson's state, kept by each thread while texts are of common size.
struct Parser {
  static constexpr std::size_t kKeptMax = 1 << 20;
  od::parser parser;
  std::string text;
};

// Gives `walk` the document of a text.
template <class Walk>
void with_document(std::string_view text, Walk&& walk) {
  thread_local Parser kept;
  Parser once;
  Parser& state = text.size() <= Parser::kKeptMax ? kept : once;
  state.text.reserve(text.size() + simdjson::SIMDJSON_PADDING);
  state.text.assign(text);
  state.text.append(simdjson::SIMDJSON_PADDING, '\0');
  od::document document;
  must(state.parser.iterate(state.text.data(), text.size(), text.size() + simdjson::SIMDJSON_PADDING).get(document));
  walk(document);
}

// Reads by `walk`, which may be called twice. Throws DecodeError.
template <class Walk>
void read(std::string_view text, int depth_max, Walk&& walk) {
  std::string failure;
  try {
    return with_document(text, walk);
  } catch (const Mismatch& mismatch) {
    failure = mismatch.what;
  } catch (const Unreadable&) {
  }
  // A text that is not JSON is told first, as upstream does.
  if (std::string why = json_syntax_error(text, depth_max); !why.empty()) throw DecodeError(why);
  if (!failure.empty()) throw DecodeError(failure);
  // JSON to Go, not to simdjson: bytes that are not UTF-8, halves of surrogate pairs.
  try {
    with_document(mend_json(text), walk);
  } catch (const Mismatch& mismatch) {
    throw DecodeError(mismatch.what);
  } catch (const Unreadable&) {
    throw DecodeError("invalid JSON");
  }
}

void to_wire(const Schema& schema, std::string_view text, std::string& out, const DecodeOptions& options) {
  if (trim(text) == "null") return;
  std::vector<std::string> complaints;
  read(text, options.depth_max, [&](od::document& document) {
    out.clear();
    JsonReader reader(out, options);
    reader.root(schema, document);
    complaints = std::move(reader.complaints);
  });
  if (options.unknown == Unknown::Strict && !complaints.empty()) {
    throw DecodeError(fmt::format("strict decoding error: {}", fmt::join(complaints, ", ")));
  }
  if (options.warnings) std::ranges::move(complaints, std::back_inserter(*options.warnings));
}

}  // namespace

void decode_json(std::string_view text, pb::Message& into, const DecodeOptions& options) {
  thread_local std::string wire;
  wire.clear();
  to_wire(schema_of(into), text, wire, options);
  if (!wire::parse(wire, into)) throw DecodeError("invalid UTF-8 in a string");
}

void from_json(const nlohmann::json& document, pb::Message& into, const DecodeOptions& options) {
  decode_json(document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), into, options);
}

std::string wire::records_of_json(unsigned number, const Schema& schema, std::string_view json) {
  const DecodeOptions options;
  std::string out;
  read(fmt::format("[{}]", json), options.depth_max, [&](od::document& document) {
    out.clear();
    JsonReader(out, options).only_item(number, schema, document);
  });
  return out;
}

GroupVersionKind type_of(std::string_view json) {
  static constexpr std::string_view kTarget =
      R"(struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" })";
  std::string api_version, kind;
  const auto walk = [&](od::document& document) {
    const json_type type = take(document.type());
    if (type != json_type::object)
      throw Mismatch{fmt::format("json: cannot unmarshal {} into Go value of type {}", json_type_name(type), kTarget)};
    for (auto result : take(document.get_object())) {
      od::field member = take(std::move(result));
      const std::string_view name = take(member.unescaped_key());
      std::string* const out = name == "kind" ? &kind : name == "apiVersion" ? &api_version : nullptr;
      if (!out) continue;
      od::value value = member.value();
      const json_type type = take(value.type());
      if (type == json_type::null) continue;
      if (type != json_type::string) {
        throw Mismatch{
            fmt::format("json: cannot unmarshal {} into Go struct field .{} of type string", json_type_name(type), name)};
      }
      out->assign(take(value.get_string()));
      if (!kind.empty() && !api_version.empty()) return;  // the rest is read when the object is decoded
    }
  };
  try {
    read(json, 10'000, walk);
  } catch (const DecodeError& error) {
    throw DecodeError(fmt::format("couldn't get version/kind; json parse error: {}", error.what()));
  }
  const auto slash = api_version.find('/');
  if (slash == std::string::npos) return {{}, api_version, kind};
  return {api_version.substr(0, slash), api_version.substr(slash + 1), kind};
}

}  // namespace ph::api
