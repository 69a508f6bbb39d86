// Which plugin or webhook has changed which member of an object, told to whoever asks for it with his request.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "api/object.h"

namespace ph::apiserver {

// A request that has this header, with the value "true", is answered with one such header for each change.
inline constexpr const char* kAdmissionTraceHeader = "Pilothouse-Admission-Trace";

// Belongs to one request, on the server's executor. What is told of has bounds: the object's size, the number of changes and the length
// of each; where one is met, a line says so.
class AdmissionTrace {
 public:
  AdmissionTrace();
  ~AdmissionTrace();

  // What the object is before anybody is asked. What has been told of an earlier attempt is forgotten.
  void begin(const api::Object& object);
  // What differs from what it was is the work of `who`: a plugin's name, or "MutatingAdmissionWebhook: configuration/webhook".
  void note(std::string_view who, const api::Object& object);

  // The headers' values: JSON, {"by":"ServiceAccount","op":"add","path":"/spec/serviceAccountName","value":"default"}; what is too long
  // for a value is left out. ASCII.
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  void add(std::string_view who, nlohmann::json change);

  std::string bytes_;                         // the object, as it is stored
  std::unique_ptr<nlohmann::json> document_;  // null: nothing is told of
  std::vector<std::string> lines_;
  std::size_t told_ = 0;  // bytes of them
  bool full_ = false;     // of the rest nothing is told
};

}  // namespace ph::apiserver
