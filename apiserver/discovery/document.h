// A body that seldom changes: it has an ETag, answers 304 to who has it already, and is compressed once.
#pragma once

#include <memory>
#include <string>

#include "base/transport.h"

namespace ph::apiserver {

// Immutable once made. Threads: any.
class Document {
 public:
  // `tag`: the hash of the contents when it has been computed from something else than these bytes.
  Document(std::string body, std::string content_type, std::string tag = {});

  const std::string& body() const { return *body_; }
  const std::string& tag() const { return tag_; }

  // 200 with the body, compressed when that is accepted and worth it, or 304.
  HttpResponse answer(const HttpRequest& request) const;

 private:
  SharedBytes body_, compressed_;
  std::string content_type_, tag_;
};

// A digest of the bytes in upper-case hexadecimal, for ETags and ?hash=.
std::string content_hash(std::string_view bytes);

}  // namespace ph::apiserver
