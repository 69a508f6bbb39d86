// What a client accepts, as its header says: media types with parameters, the best first.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/transport.h"

namespace ph {

struct MediaRange {
  std::string type;                                             // in lower case, e.g. "application/json"
  std::vector<std::pair<std::string, std::string>> parameters;  // without q
  double quality = 1;
  std::string_view parameter(std::string_view name) const;
  bool covers(std::string_view media_type) const;  // knows */* and application/*
};

// In order of preference; equal ones in the order of the header. No header: everything.
std::vector<MediaRange> accepted(const HttpRequest& request);

// Whether the client takes a gzip body.
bool accepts_gzip(const HttpRequest& request);

}  // namespace ph
