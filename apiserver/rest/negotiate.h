// In which form an answer is given.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "base/transport.h"

namespace ph::apiserver {

enum class Format : unsigned char { Json, Yaml, Protobuf };
enum class As : unsigned char { Object, Table, PartialMetadata };

struct Form {
  Format format = Format::Json;
  As as = As::Object;
  bool of_list = false;  // PartialMetadata: what is wanted is a list of it
  bool beta = false;     // meta.k8s.io/v1beta1 instead of v1; the two have the same members
  bool pretty = false;
  bool gzip = false;  // the client takes compressed bodies
  auto operator<=>(const Form&) const = default;
};

// By Accept, Accept-Encoding, User-Agent and `?pretty`. `stream`: for a watch, which has no YAML. `tables`: whether tables
// can be made; `protobuf`: whether whole objects can be given so. Throws ApiError (406).
Form negotiate(const HttpRequest& request, bool stream, bool tables, bool protobuf = true);

// The Content-Type of an answer.
std::string_view content_type(Format format, bool stream);

// The format of a request's body; throws ApiError (415).
Format body_format(const HttpRequest& request);

// `type/subtype` of a header value, in lower case without parameters.
std::string media_type(std::string_view header);
// Whether a patch is server-side apply (applying.h).
bool is_apply(const HttpRequest& request);

}  // namespace ph::apiserver
