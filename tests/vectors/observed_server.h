// A server as the recorded one was, spoken to as the recorder did: its users, its service addresses, its few objects.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apiserver/server.h"
#include "apiserver/storage/store.h"
#include "base/rng.h"
#include "base/sync.h"
#include "tests/sim/executor.h"
#include "tests/vectors/match.h"

namespace ph::vectors {

// A step as it is written in the rows: m, p, b or raw, h.
struct Request {
  std::string method, path, body;
  std::vector<std::pair<std::string, std::string>> headers;
  bool anonymous = false;  // no Authorization

  static Request of(const Json& step, const Bindings& bindings);
  static Request make(std::string method, std::string path, const Json& body = {}, std::string type = "application/json");
};

// An answer in the rows' form: code, warn, r, text, type, retryAfter, events; what it does not have is not there.
struct Answer {
  int code = 0;
  Json fields = Json::object();

  Json body() const { return fields.value("r", Json()); }
};

class ObservedServer {
 public:
  ObservedServer();
  ~ObservedServer();

  Answer send(const Request& request);
  // So that the custom kind of the rows is there, where we serve such.
  void add_widgets();
  // Time passes: what the server does by itself is done.
  void advance(Duration by) { executor_.advance(by); }
  // What was recorded is gone, as far as it can be.
  void compact();

 private:
  Task<void> exchange(HttpRequest request, std::shared_ptr<std::optional<Answer>> out);

  sim::SimExecutor executor_;
  SeededRng rng_{1};
  std::unique_ptr<apiserver::Store> store_;
  std::unique_ptr<apiserver::ApiServer> server_;
  Scope scope_;
};

// -- Answers and what was recorded of them

// Without managedFields, wherever they are.
Json without_managed_fields(Json document);
// Lists whose order means nothing, in one order: managed fields, causes of conflicts, rules of a review.
Json in_order(Json document);
// Compares the members of a recorded answer, code aside.
std::string compare_answers(const Json& recorded, const Json& got, Bindings& bindings);

}  // namespace ph::vectors
