// Stored objects in the form a client asked for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apiserver/cache/cache.h"
#include "apiserver/extensions.h"
#include "apiserver/rest/frames.h"
#include "apiserver/rest/negotiate.h"

namespace ph::apiserver {

// What an encoding needs to know; const data that may be used on any thread.
struct Encoding {
  const api::Resource* resource = nullptr;
  std::shared_ptr<const void> owner;  // keeps the resource, which may be withdrawn meanwhile, and what serves it
  Form form;
  const TableConverter* tables = nullptr;
  TableOptions table;
};

// A whole body: one object, or a list with `metadata`. Threads: any.
std::string encode_entry(const Encoding& encoding, const EntryRef& entry);
std::string encode_list(const Encoding& encoding, std::vector<EntryRef> entries, const meta::v1::ListMeta& metadata);
// Any other object (Status, Scale): never shown as table or metadata.
std::string encode_message(const Form& form, const Message& object);

// One watch event around an object. Threads: any.
std::string encode_frame(const Encoding& encoding, EventType type, const EntryRef& entry);
// … around a Status (ERROR).
std::string encode_error_frame(const Form& form, const meta::v1::Status& status);
// … around an empty object with nothing but a revision (BOOKMARK); `initial_end`: the end of the initial events.
std::string encode_bookmark_frame(const Encoding& encoding, Revision revision, bool initial_end);

// -- Parts, for lists. Threads: any.

// The kind that the form shows objects as.
api::GroupVersionKind kind_of(const Encoding& encoding);
// One object as JSON; not as a row.
void append_json(const Encoding& encoding, const Entry& entry, bool with_kind, std::string& out);
// The object's message as a record, and the size of that message.
void append_protobuf(const Encoding& encoding, const Entry& entry, int field, std::string& out);
std::size_t protobuf_size(const Encoding& encoding, const Entry& entry);

// JSON indented as upstream does for humans; may be given in pieces that end behind an object or an opening bracket that is not
// closed at once.
class JsonIndenter {
 public:
  void append(std::string_view compact, std::string& out);

 private:
  int depth_ = 0;
};

}  // namespace ph::apiserver
