// A shape: what is made for a benchmark of the scheduler, step by step, as a YAML file says it (tests/perf/shapes/).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace ph::perf {

// A JSON document with numbers in its texts: `{n}`, `{n%3}`, `{n/10}`.
class Template {
 public:
  explicit Template(const nlohmann::json& document);
  std::string text(int n) const;

 private:
  struct Piece {
    std::string before;
    char op = 0;  // '%', '/', 'n': the number itself, 0: nothing follows
    int by = 1;
  };
  std::vector<Piece> pieces_;
};

struct ObjectTemplate {
  std::string kind;
  Template path;  // of the collection
  Template name;
  Template body;
  std::optional<Template> status;  // what is written afterwards, where creating an object drops it
};

struct Step {
  int count = 0;
  std::vector<ObjectTemplate> objects;  // of each number, in this order
  bool bound = false;                   // it is over when its pods have nodes
  bool measured = false;                // … and that is what is measured
  int pods() const;
};

struct Shape {
  std::string name;
  std::vector<Step> steps;
  // While it is measured: these are made again and again, and those before them deleted.
  double churn_seconds = 0;
  std::vector<ObjectTemplate> churn;
  std::string scheduler_config;  // JSON; empty: none

  // Throws std::runtime_error or api::DecodeError. Pods of step 3 get the label shape-step=3. `scale`: of all counts but those that are
  // `fixed`.
  static Shape read(const std::string& yaml, double scale);
};

}  // namespace ph::perf
