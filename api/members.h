// The top-level members of an object: what an update may change and what is kept.
#pragma once

#include <memory>

#include <google/protobuf/message.h>

namespace ph::api {

bool has_status(const google::protobuf::Message& object);
void clear_status(google::protobuf::Message& object);
// Gives `object` the status of `old`.
void restore_status(google::protobuf::Message& object, const google::protobuf::Message& old);
// Gives `object` everything of `old` but metadata and status.
void restore_all_but_status(google::protobuf::Message& object, const google::protobuf::Message& old);
// Whether anything but metadata and status differs.
bool spec_differs(const google::protobuf::Message& a, const google::protobuf::Message& b);

std::unique_ptr<google::protobuf::Message> clone(const google::protobuf::Message& object);

}  // namespace ph::api
