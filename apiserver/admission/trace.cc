#include "apiserver/admission/trace.h"

#include <nlohmann/json.hpp>

#include "api/codec.h"
#include "api/encoded.h"

namespace ph::apiserver {

using nlohmann::json;

namespace {

// Comparing costs in proportion to the object, a plugin each, in one turn of the executor.
constexpr std::size_t kObjectMax = 64 << 10;
constexpr std::size_t kLinesMax = 64, kValueMax = 256, kPathMax = 256;
// Of all together: they are headers, of which clients take so many and no more.
constexpr std::size_t kBytesMax = 16 << 10;

std::string ascii(const json& line) { return line.dump(-1, ' ', true, json::error_handler_t::replace); }

std::string shortened(const std::string& path) { return path.size() <= kPathMax ? path : path.substr(0, kPathMax) + "…"; }

}  // namespace

AdmissionTrace::AdmissionTrace() = default;
AdmissionTrace::~AdmissionTrace() = default;

void AdmissionTrace::begin(const api::Object& object) {
  lines_.clear();
  told_ = 0;
  full_ = false;
  document_ = nullptr;
  bytes_ = api::encode_stored(object);
  if (bytes_.size() > kObjectMax) {
    lines_.push_back(ascii({{"by", ""}, {"op", "none"}, {"why", "the object is too large to be traced"}}));
    return;
  }
  document_ = std::make_unique<json>(api::to_json(object));
}

void AdmissionTrace::note(std::string_view who, const api::Object& object) {
  if (!document_) return;
  std::string bytes = api::encode_stored(object);
  if (bytes == bytes_) return;
  bytes_ = std::move(bytes);
  json document = api::to_json(object);
  const json changes = json::diff(*document_, document);
  for (const json& change : changes) add(who, change);
  // Somebody has made it large.
  if (bytes_.size() > kObjectMax) document_ = nullptr;
  else *document_ = std::move(document);
}

void AdmissionTrace::add(std::string_view who, json change) {
  if (full_) return;
  change["by"] = who;
  change["path"] = shortened(change["path"].get<std::string>());
  if (change.contains("value") && change["value"].dump().size() > kValueMax) change.erase("value");
  std::string line = ascii(change);
  full_ = lines_.size() == kLinesMax || told_ + line.size() > kBytesMax;
  if (full_) line = ascii({{"by", ""}, {"op", "none"}, {"why", "there are more changes than are told of"}});
  told_ += line.size();
  lines_.push_back(std::move(line));
}

}  // namespace ph::apiserver
