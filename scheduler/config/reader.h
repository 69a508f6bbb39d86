// Reads JSON documents field by field and remembers what was not asked for: unknown fields are errors.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace ph::scheduler {

// Collects what is wrong with a configuration: `profiles[0].plugins.score: …`.
class Problems {
 public:
  void add(const std::string& path, std::string_view what) {
    list_.push_back(path.empty() ? std::string(what) : path + ": " + std::string(what));
  }
  void unknown(const std::string& path) { list_.push_back("strict decoding error: unknown field \"" + path + "\""); }
  bool empty() const { return list_.empty(); }
  // Throws a ConfigurationError with all of them when there are any.
  void raise() const;

 private:
  std::vector<std::string> list_;
};

// One object of the document. Reading a field of the wrong type is a problem and leaves the target as it was; null and
// absent are the same.
class Reader {
 public:
  Reader(const nlohmann::json& object, std::string path, Problems& problems);
  ~Reader();  // reports the fields that nobody asked for
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  void read(const char* name, bool& out);
  void read(const char* name, int& out);
  void read(const char* name, std::int64_t& out);
  void read(const char* name, double& out);
  void read(const char* name, std::string& out);
  void read_duration(const char* name, Duration& out);  // "15s"
  void read_seconds(const char* name, Duration& out);   // 15
  // The field itself; null when absent.
  const nlohmann::json* take(const char* name);
  // The items of a list, with their paths; none when absent.
  std::vector<std::pair<const nlohmann::json*, std::string>> items(const char* name);
  bool has(const char* name) const;
  std::string path(std::string_view name) const;
  Problems& problems() { return problems_; }

 private:
  template <class T>
  void read_as(const char* name, T& out, bool (nlohmann::json::*is)() const noexcept, const char* type);

  const nlohmann::json& object_;
  std::string path_;
  Problems& problems_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace ph::scheduler
