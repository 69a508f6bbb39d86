#include "api/descriptions.h"

#include <algorithm>
#include <span>

#include <google/protobuf/descriptor.h>

#include "api/descriptions_table.h"

namespace ph::api {

namespace pb = google::protobuf;

namespace {

namespace table = descriptions;

std::string_view text_at(std::uint32_t offset) { return table::kTexts + offset; }

std::span<const table::Entry> entries_of(std::string_view message) {
  const std::span messages(table::kMessages, table::kMessageCount);
  const auto name = [](const table::Message& one) { return text_at(one.name); };
  const auto found = std::ranges::lower_bound(messages, message, {}, name);
  if (found == messages.end() || name(*found) != message) return {};
  const table::Message* at = &*found;
  return {table::kEntries + at->first, table::kEntries + at[1].first};
}

std::string_view description(const pb::Descriptor& message, std::uint32_t number) {
  const auto entries = entries_of(message.full_name());
  const auto found = std::ranges::lower_bound(entries, number, {}, &table::Entry::number);
  return found == entries.end() || found->number != number ? std::string_view() : text_at(found->text);
}

}  // namespace

std::string_view description(const Schema& schema) {
  return schema.descriptor ? description(*schema.descriptor, 0) : std::string_view();
}

std::string_view description(const Field& field) {
  if (field.path.empty()) return {};
  const pb::FieldDescriptor& last = *field.path.back();
  const std::string_view own = description(*last.containing_type(), static_cast<std::uint32_t>(last.number()));
  if (!own.empty() || last.is_repeated() || !last.message_type()) return own;
  return description(*last.message_type(), 0);
}

}  // namespace ph::api
