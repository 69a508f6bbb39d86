// How requests and answers of the API look in HTTP: paths, queries, headers, statuses. No I/O.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/errors.h"
#include "api/schema.h"
#include "base/transport.h"
#include "informers/client.h"

namespace ph::informers {

inline constexpr std::string_view kProtobuf = "application/vnd.kubernetes.protobuf";

// Builds a request step by step.
class RequestBuilder {
 public:
  RequestBuilder(std::string method, const api::Resource& resource, std::string_view namespace_name, std::string_view name = {},
                 std::string_view subresource = {});

  // Adds `name=value` to the query; an empty value is left out.
  RequestBuilder& query(std::string_view name, std::string_view value);
  RequestBuilder& list_query(const ListOptions& options);
  RequestBuilder& accept(std::string media_type);
  RequestBuilder& body(std::string content_type, std::string bytes);
  HttpRequest build(const std::string& user_agent) &&;

 private:
  HttpRequest request_;
  bool has_query_ = false;
};

// The media type that asks for metadata only: `as` is PartialObjectMetadata or PartialObjectMetadataList.
std::string metadata_media_type(std::string_view as);

std::string percent_encoded(std::string_view text);

// The Status of a failed answer; made from the code when the body holds none.
meta::v1::Status status_of_answer(int code, std::string_view body);

// Bytes of the bare message in an answer's envelope. Throws api::DecodeError.
std::string_view answer_object(std::string_view body);

// A list's parts, in one pass over its bytes.
struct ListParts {
  Revision revision;
  std::string continue_token;
  std::vector<std::string_view> items;  // into the bytes
};
ListParts split_list(std::string_view list);

// metadata.resourceVersion of an object's bytes; zero when there is none.
Revision revision_of(std::string_view object);
Revision parse_revision(std::string_view text);

// Cuts a protobuf watch stream into events: frames of a big-endian length and a WatchEvent.
class WatchFrames {
 public:
  void feed(std::string_view bytes);
  // The next whole event; nothing when more bytes are needed. Throws api::DecodeError on damage.
  std::optional<RawEvent> next();
  // Bytes of an event have arrived, but not all.
  bool in_the_middle() const { return at_ < buffer_.size(); }

 private:
  static constexpr std::size_t kFrameMax = 64 << 20;
  std::string buffer_;
  std::size_t at_ = 0;
};

}  // namespace ph::informers
