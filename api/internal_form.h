// An object as upstream's messages show one: as JSON of Go's internal types. Their members have Go's names and stand in the order
// of those types; each is told, null where nothing is set. What is of meta/v1 looks as the API has it, quantities are texts.
// Threads: any.
#pragma once

#include <string>

namespace google::protobuf {
class Message;
}

namespace ph::api {

std::string internal_json(const google::protobuf::Message& message);
// One member a line, one space a level: what messages compare line by line.
std::string internal_json_lines(const google::protobuf::Message& message);

}  // namespace ph::api
