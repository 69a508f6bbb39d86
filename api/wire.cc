#include "api/wire.h"

#include <algorithm>
#include <memory>

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/message.h>

#include "api/quantity.h"

namespace ph::api::wire {

namespace {

// Go's name of a message field: type_meta → TypeMeta.
std::string go_name(const Field& field) {
  std::string out = field.name;
  if (!out.empty()) out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
  return out;
}

std::uint32_t count_packed(std::string_view bytes, WireType type) {
  if (type == kFixed64) return static_cast<std::uint32_t>(bytes.size() / 8);
  return static_cast<std::uint32_t>(std::ranges::count_if(bytes, [](char c) { return (c & 0x80) == 0; }));
}

}  // namespace

WireType wire_type(Type type) {
  switch (type) {
    case Type::Bool:
    case Type::Int32:
    case Type::Int64: return kVarint;
    case Type::Double: return kFixed64;
    default: return kBytes;
  }
}

void truncated() { throw DecodeError("unexpected EOF"); }

void illegal_tag(std::string_view owner, std::uint64_t tag) {
  throw DecodeError(fmt::format("proto: {}{}illegal tag 0 (wire type {})", owner, owner.empty() ? "" : ": ", tag & 7));
}

Read read_long_varint(const char* at, const char* end) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (at >= end) truncated();
    const auto byte = static_cast<unsigned char>(*at++);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return {value, at};
  }
  throw DecodeError("proto: integer overflow");
}

Read read_fixed(const char* at, const char* end, unsigned wire_type) {
  if (wire_type != kFixed64 && wire_type != kFixed32) throw DecodeError(fmt::format("proto: illegal wireType {}", wire_type));
  const std::ptrdiff_t size = wire_type == kFixed64 ? 8 : 4;
  if (end - at < size) truncated();
  std::uint64_t value = 0;
  for (int i = 0; i < size; ++i) value |= static_cast<std::uint64_t>(static_cast<unsigned char>(at[i])) << (8 * i);
  return {value, at + size};
}

Index::Index(const Plan& plan, std::string_view bytes) {
  std::uninitialized_fill_n(slots_, plan.schema->fields.size(), Slot{});
  scan(plan, plan.levels[0], bytes);
}

void Index::scan(const Plan& plan, const Level& level, std::string_view bytes) {
  for (Records in(bytes, plan.schema->name); in.next();) {
    const Item& item = in.item();
    const Step* step = level.find(in.field());
    if (!step) {
      unknown_ = true;
      continue;
    }
    const bool packed = step->many && step->type != kBytes && in.type() == kBytes;
    if (in.type() != step->type && !packed) {
      const std::string name =
          step->member < 0 ? std::string("inline") : go_name(plan.schema->fields[static_cast<std::size_t>(step->member)]);
      throw DecodeError(fmt::format("proto: wrong wireType = {} for field {}", in.type(), name));
    }
    if (step->level >= 0) {
      const std::uint64_t bit = std::uint64_t{1} << step->level;
      merged_ |= (levels_seen_ & bit) != 0;
      levels_seen_ |= bit;
      scan(plan, plan.levels[static_cast<std::size_t>(step->level)], item.bytes);
      continue;
    }
    Slot& slot = slots_[static_cast<std::size_t>(step->member)];
    if (!slot.count) slot.begin = in.whole().data();
    merged_ |= slot.count && !step->many && step->type == kBytes;
    slot.end = in.whole().data() + in.whole().size();
    slot.item = item;
    slot.count += packed ? count_packed(item.bytes, step->type) : 1;
  }
}

Entry read_entry(std::string_view bytes) {
  Entry entry{.at = bytes.data()};
  for (Records in(bytes); in.next();) {
    // Keys are text, and values text, bytes or messages: records of other types are nobody's.
    if (in.is(1, kBytes)) entry.key = in.text();
    if (in.is(2, kBytes)) entry.value = in.item();
  }
  return entry;
}

void sort_entries(std::vector<Entry>& entries) {
  const auto before = [](const Entry& a, const Entry& b) { return a.key < b.key; };
  if (std::ranges::adjacent_find(entries, std::not_fn(before)) == entries.end()) return;  // strictly ascending already
  std::ranges::sort(entries, {}, [](const Entry& entry) { return std::pair(entry.key, entry.at); });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i + 1 < entries.size() && entries[i + 1].key == entries[i].key) continue;
    entries[kept++] = entries[i];
  }
  entries.resize(kept);
}

std::vector<Entry> entries_of(const Slot& slot, unsigned number) {
  std::vector<Entry> entries;
  entries.reserve(slot.count);
  for_each(slot, number, kBytes, [&](const Item& item) { entries.push_back(read_entry(item.bytes)); });
  sort_entries(entries);
  return entries;
}

Stamp read_stamp(std::string_view bytes) {
  Stamp stamp;
  for (Records in(bytes); in.next();) {
    if (in.is(1, kVarint)) {
      stamp.seconds = in.int64();
      stamp.set = stamp.seconds != kZeroTime;
    }
    if (in.is(2, kVarint)) stamp.nanos = in.int32();
  }
  return stamp;
}

IntOrText read_int_or_string(std::string_view bytes) {
  IntOrText out;
  for (Records in(bytes); in.next();) {
    if (in.is(1, kVarint)) out.is_text = in.number() == 1;
    if (in.is(2, kVarint)) out.number = in.int32();
    if (in.is(3, kBytes)) out.text = in.text();
  }
  return out;
}

std::string_view read_first(std::string_view bytes) { return member_of(bytes, 1); }

std::int64_t read_duration(std::string_view bytes) {
  std::int64_t out = 0;
  for (Records in(bytes); in.next();) {
    if (in.is(1, kVarint)) out = in.int64();
  }
  return out;
}

void Writer::close(std::size_t mark) {
  std::uint64_t length = out_.size() - mark;
  if (length >= 0x80) {
    std::size_t more = 0;
    for (std::uint64_t rest = length >> 7; rest; rest >>= 7) ++more;
    out_.insert(mark, more, '\0');
  }
  char* at = out_.data() + mark - 1;
  while (length >= 0x80) {
    *at++ = static_cast<char>(length | 0x80);
    length >>= 7;
  }
  *at = static_cast<char>(length);
}

bool parse(std::string_view bytes, google::protobuf::Message& into) {
  // Protobuf is fastest from memory, and then stops at a hundred levels: few messages have more.
  if (into.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return true;
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                                static_cast<int>(bytes.size()));
  stream.SetRecursionLimit(kDepthMax);
  return into.ParseFromCodedStream(&stream) && stream.ConsumedEntireMessage();
}

// -- Upstream's form

namespace {

class Normalizer {
 public:
  explicit Normalizer(std::string& out) : out_(out) {}

  void message(const Plan& plan, std::string_view bytes) {
    const Index index(plan, bytes);
    level(plan, plan.levels[0], index);
  }

 private:
  void level(const Plan& plan, const Level& level, const Index& index) {
    for (const Step& step : level.steps) {
      if (step.level >= 0) {
        const std::size_t mark = out_.open(step.number);
        this->level(plan, plan.levels[static_cast<std::size_t>(step.level)], index);
        out_.close(mark);
        continue;
      }
      const auto member = static_cast<std::size_t>(step.member);
      write(plan.schema->fields[member], step, index[member]);
    }
  }

  void write(const Field& field, const Step& step, const Slot& slot) {
    if (field.schema->type == Type::Map) return map(field, step, slot);
    if (step.many) {
      for_each(slot, step.number, step.type, [&](const Item& item) { value(step.number, *field.schema->element, item); });
      return;
    }
    const bool nil_when_absent = field.pointer || field.schema->type == Type::Bytes || field.schema->type == Type::List;
    if (slot.count || !nil_when_absent) value(step.number, *field.schema, slot.item);
  }

  void map(const Field& field, const Step& step, const Slot& slot) {
    if (!slot.count) return;
    for (const Entry& entry : entries_of(slot, step.number)) {
      const std::size_t mark = out_.open(step.number);
      out_.bytes(1, entry.key);
      value(2, *field.schema->element, entry.value);
      out_.close(mark);
    }
  }

  void value(unsigned number, const Schema& schema, const Item& item) {
    switch (schema.type) {
      case Type::Bool: return out_.number(number, item.number != 0);
      case Type::Int32:
        return out_.number(number, static_cast<std::uint64_t>(std::int64_t{static_cast<std::int32_t>(item.number)}));
      case Type::Int64: return out_.number(number, item.number);
      case Type::Double: return out_.fixed64(number, item.number);
      case Type::String:
      case Type::Bytes: return out_.bytes(number, item.bytes);
      default: break;
    }
    const std::size_t mark = out_.open(number);
    nested(schema, item.bytes);
    out_.close(mark);
  }

  void nested(const Schema& schema, std::string_view bytes) {
    switch (schema.type) {
      case Type::Struct:
      case Type::Union: return message(*schema.plan(), bytes);
      case Type::List:  // the message around one repeated field
        for_each(bytes, 1, wire_type(schema.element->type), [&](const Item& item) { value(1, *schema.element, item); });
        return;
      case Type::Quantity: return out_.bytes(1, canonical_quantity(read_first(bytes)));
      case Type::RawJson:
        if (const auto raw = read_first(bytes); !raw.empty()) out_.bytes(1, raw);
        return;
      case Type::Duration: return out_.number(1, static_cast<std::uint64_t>(read_duration(bytes)));
      case Type::IntOrString: {
        const IntOrText both = read_int_or_string(bytes);
        out_.number(1, both.is_text);
        out_.number(2, static_cast<std::uint64_t>(std::int64_t{both.number}));
        return out_.bytes(3, both.text);
      }
      case Type::Time:
      case Type::MicroTime: {
        const Stamp stamp = read_stamp(bytes);
        if (!stamp.set) return;
        out_.number(1, static_cast<std::uint64_t>(stamp.seconds));
        // Time has whole seconds, MicroTime whole microseconds.
        const int nanos = schema.type == Type::Time ? 0 : stamp.nanos - stamp.nanos % 1000;
        return out_.number(2, static_cast<std::uint64_t>(std::int64_t{nanos}));
      }
      default: return;
    }
  }

  Writer out_;
};

}  // namespace

void normalize(const Plan& plan, std::string_view bytes, std::string& out) { Normalizer(out).message(plan, bytes); }

}  // namespace ph::api::wire
