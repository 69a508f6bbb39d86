// The few protobuf records that are written around bytes that already exist: lists, envelopes, watch events.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "api/schema.h"
#include "api/wire_records.h"

namespace ph::apiserver::wire {

using api::wire::append_bytes;

// What api::wire::append_bytes will add.
std::size_t size_of_bytes(int field, std::size_t length);

// k8s\0 and the runtime.Unknown around an encoded message.
std::string envelope(const api::GroupVersionKind& kind, std::string_view raw);
// The same in parts: what stands before a message of that size, and what after it.
std::string envelope_head(const api::GroupVersionKind& kind, std::size_t raw_size);
std::string envelope_tail();

// A watch event as a frame: length in four bytes, then the message.
std::string watch_frame(std::string_view type, std::string_view envelope);

}  // namespace ph::apiserver::wire
