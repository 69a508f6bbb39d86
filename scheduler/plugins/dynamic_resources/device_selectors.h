// DeviceSelectors: the CEL expressions by which classes and requests choose devices, compiled once each.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/cel/expression.h"
#include "api/kinds.h"

namespace ph::scheduler {

using Selectors = google::protobuf::RepeatedPtrField<resources::v1::DeviceSelector>;

// What expressions know as `device`.
api::cel::Value device_value(std::string_view driver, const resources::v1::Device& device);

class DeviceSelectors {
 public:
  // Whether all of them choose the device. `whose`: "class gpu", "claim default/c"; for errors. Throws std::runtime_error when one
  // means nothing, or cannot be evaluated.
  bool match(const Selectors& selectors, const api::cel::Value& device, std::string_view whose);

 private:
  struct Compiled {
    std::optional<api::cel::Expression> expression;
    std::string error;
  };
  const Compiled& compiled(const std::string& text);

  // Those of classes and claims that have gone are forgotten with all others, when there are many.
  static constexpr std::size_t kMost = 1000;
  std::map<std::string, Compiled, std::less<>> known_;
};

}  // namespace ph::scheduler
