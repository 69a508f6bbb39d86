// Reads one HTTP/1.1 message from bytes. Boost.Beast underneath, which is slow to compile: it stays in the .cc file.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/transport.h"

namespace ph::net {

struct Http1Limits {
  std::size_t header_bytes_max = 64 * 1024;
  std::optional<std::uint64_t> body_bytes_max;  // none: any
};

class Http1Parser {
 public:
  enum class Kind { Request, Response, ResponseToHead };

  Http1Parser(Kind kind, const Http1Limits& limits);
  ~Http1Parser();
  Http1Parser(Http1Parser&&) noexcept;

  // Takes some of `bytes`, from the front, and says how many; what is left is to be offered again with more behind it.
  // Stops at the end of the message and at an error.
  std::size_t put(std::string_view bytes);
  // The connection has ended, which ends messages without a length.
  void put_eof();

  bool head_done() const;
  bool done() const;
  // 0, or the status with which a server answers such a request: 400, 413, 431.
  int error_status() const { return error_status_; }
  const std::string& error() const { return error_; }

  // Of the head, once it is done.
  std::string_view method() const;
  std::string_view target() const;
  int status() const;
  bool is_http11() const;
  bool keep_alive() const;
  std::optional<std::size_t> content_length() const;
  Headers take_headers();

  // The part of the body that has been read and not yet taken.
  std::string take_body();
  std::size_t body_size() const;
  // A body of that size is expected and wanted.
  void reserve_body(std::size_t size);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::size_t header_bytes_max_;
  std::size_t header_bytes_ = 0;
  bool body_begun_ = false;
  int error_status_ = 0;
  std::string error_;
};

}  // namespace ph::net
