#include "apiserver/rest/gzip.h"

#include <zlib.h>

#include <stdexcept>

namespace ph::apiserver {

struct Gzip::Stream {
  z_stream z{};
};

Gzip::Gzip() : stream_(std::make_unique<Stream>()) {
  // 15 + 16: the gzip wrapper. Level 1, as upstream: the network is faster than a better ratio.
  if (deflateInit2(&stream_->z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::runtime_error("deflateInit2");
}

Gzip::~Gzip() { deflateEnd(&stream_->z); }

void Gzip::add(std::string_view bytes, std::string& out) { run(bytes, Z_NO_FLUSH, out); }
void Gzip::end(std::string& out) { run({}, Z_FINISH, out); }

void Gzip::run(std::string_view bytes, int flush, std::string& out) {
  z_stream& z = stream_->z;
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  char buffer[16 * 1024];
  do {
    z.next_out = reinterpret_cast<Bytef*>(buffer);
    z.avail_out = sizeof buffer;
    if (deflate(&z, flush) == Z_STREAM_ERROR) throw std::runtime_error("deflate");
    out.append(buffer, sizeof buffer - z.avail_out);
  } while (z.avail_out == 0);
}

std::string gzip(std::string_view bytes) {
  Gzip stream;
  std::string out;
  stream.add(bytes, out);
  stream.end(out);
  return out;
}

}  // namespace ph::apiserver
