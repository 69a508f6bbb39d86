// gzip of a body, piece by piece.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace ph::apiserver {

class Gzip {
 public:
  Gzip();
  ~Gzip();
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  // Appends what is ready of the compressed bytes, which may be nothing yet.
  void add(std::string_view bytes, std::string& out);
  // Appends the rest.
  void end(std::string& out);

 private:
  struct Stream;
  void run(std::string_view bytes, int flush, std::string& out);
  std::unique_ptr<Stream> stream_;
};

std::string gzip(std::string_view bytes);

}  // namespace ph::apiserver
