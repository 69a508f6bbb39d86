// The body of a list, made piece by piece as it is sent: neither a long list nor a slow reader needs it whole.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apiserver/rest/encode.h"
#include "apiserver/rest/gzip.h"

namespace ph::apiserver {

// As JSON when YAML is asked for. Threads: any, one at a time.
class ListWriter {
 public:
  ListWriter(Encoding encoding, std::vector<EntryRef> entries, meta::v1::ListMeta metadata);

  // Appends about `size` bytes more, one object at least; false when that was the end.
  bool append(std::string& out, std::size_t size);

 private:
  void begin(std::string& out);
  void items(std::string& out);
  void end(std::string& out);

  const Encoding encoding_;
  std::vector<EntryRef> entries_;  // let go of as they are written
  const meta::v1::ListMeta metadata_;
  const bool indents_;
  JsonIndenter indenter_;
  std::string compact_;
  std::size_t at_ = 0;
  bool begun_ = false;
};

// `next_piece` of a response: pieces of some ten kB, compressed if asked for.
class ListPieces {
 public:
  ListPieces(ListWriter writer, bool compress);
  // Null at the end.
  SharedBytes next();

 private:
  ListWriter writer_;
  std::unique_ptr<Gzip> gzip_;
  bool ended_ = false;
};

}  // namespace ph::apiserver
