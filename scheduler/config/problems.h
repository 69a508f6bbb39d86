// Problems: what is wrong with a configuration's values, in upstream's words: `profiles[0].schedulerName: Required value`.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace ph::scheduler {

class Problems {
 public:
  // Any text of its own.
  void add(std::string text) { list_.push_back(std::move(text)); }
  void invalid(std::string_view path, const nlohmann::json& value, std::string_view why);
  void required(std::string_view path, std::string_view why = {});
  void duplicate(std::string_view path, const nlohmann::json& value);
  void unsupported(std::string_view path, const nlohmann::json& value, std::initializer_list<std::string_view> supported);
  void forbidden(std::string_view path, std::string_view why);

  bool empty() const { return list_.empty(); }
  // All as one text: `a`, or `[a, b]`.
  std::string text() const;
  // Throws a ConfigurationError with all of them when there are any.
  void raise() const;

 private:
  std::vector<std::string> list_;
};

}  // namespace ph::scheduler
