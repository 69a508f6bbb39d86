// One loop of the registry against a server that is a script: what the watch delays, the loop must not see.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "controllers/runtime/host.h"
#include "tests/informers/scripted_server.h"

namespace ph::controllers {

class ScriptedLoop {
 public:
  using Objects = std::vector<const google::protobuf::Message*>;

  explicit ScriptedLoop(std::string_view loop, Options options = {}) : options_(std::move(options)), entry_(find_loop(loop)) {}
  ~ScriptedLoop() {
    host_.stop();
    informers_.stop();
    executor.drain();
  }

  // Starts the loop with caches that hold, by resource, these objects. Its first requests then wait in `server`.
  void start(const std::map<std::string, Objects>& objects) {
    host_.start();
    while (!server.quiet() && server.expect().target.find("watch=true") != std::string::npos) {
      const std::string_view path = server.expect().path();
      const std::string resource(path.substr(path.rfind('/') + 1));
      auto& watch = watches_.emplace(resource, server.accept_watch()).first->second;
      const auto found = objects.find(resource);
      for (const auto* object : found == objects.end() ? Objects() : found->second) watch.send("ADDED", *object);
      watch.send("BOOKMARK", informers::bookmark(1000, true));
    }
  }
  // A change arrives in the cache.
  void tell(const std::string& resource, std::string_view type, const google::protobuf::Message& object) {
    watches_.at(resource).send(type, object);
    executor.drain();
  }
  // "METHOD path" of the request that waits; empty when there is none.
  std::string request() {
    if (server.quiet()) return {};
    return server.expect().method + " " + std::string(server.expect().path());
  }
  // The body of the delete that waits.
  meta::v1::DeleteOptions delete_options() {
    meta::v1::DeleteOptions out;
    api::decode_protobuf(api::open_envelope(server.expect().body).raw, out);
    return out;
  }
  bool idle() {
    executor.drain();
    return host_.idle();
  }

  sim::SimExecutor executor;
  informers::ScriptedServer server{executor};

 private:
  informers::Client client_{server, "test"};
  SeededRng rng_{1};
  informers::Informers informers_{executor, client_, rng_, Log()};
  Options options_;
  const LoopEntry* entry_;
  LoopHost host_{{.executor = executor,
                  .transport = [this](std::string_view) -> Transport& { return server; },
                  .informers = informers_,
                  .rng = rng_,
                  .log = Log(),
                  .options = options_},
                 {entry_}};
  std::map<std::string, informers::ScriptedServer::Watch> watches_;
};

}  // namespace ph::controllers
