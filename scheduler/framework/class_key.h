// Adding to a ClassKey, so that different things never give the same bytes.
#pragma once

#include <cstdint>
#include <string_view>

#include "scheduler/framework/plugin.h"

namespace ph::scheduler {

inline void add_number(ClassKey& key, std::int64_t number) { key.append(reinterpret_cast<const char*>(&number), sizeof number); }

inline void add_text(ClassKey& key, std::string_view text) {
  add_number(key, static_cast<std::int64_t>(text.size()));
  key.append(text);
}

// Of messages without maps, whose bytes are the same for the same content.
template <class Message>
void add_message(ClassKey& key, const Message& message) {
  add_text(key, message.SerializeAsString());
}
template <class Repeated>
void add_messages(ClassKey& key, const Repeated& messages) {
  add_number(key, messages.size());
  for (const auto& message : messages) add_message(key, message);
}

inline void add_resource(ClassKey& key, const Resource& resource) {
  add_number(key, resource.milli_cpu);
  add_number(key, resource.memory);
  add_number(key, resource.ephemeral_storage);
  add_number(key, static_cast<std::int64_t>(resource.scalars.size()));
  for (const auto& [name, amount] : resource.scalars) {
    add_text(key, name.view());
    add_number(key, amount);
  }
}

}  // namespace ph::scheduler
