// When pods get nodes, as a watch of them says.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "tests/perf/program.h"

namespace ph::perf {

class BoundPods {
 public:
  // Of the pods whose label shape-step says so.
  BoundPods(const Access& access, const std::string& step)
      : client_(access), scope_(client_.thread(), [this](std::exception_ptr) { ended_ = true; }) {
    const std::string target = fmt::format(
        "/api/v1/"
        "pods?watch=1&resourceVersion=0&timeoutSeconds=7200&labelSelector=shape-step%3D{}&fieldSelector=spec.nodeName%21%3D",
        step);
    ph::testing::call_on(client_.thread(), [&] { scope_.spawn(watch(&client_.transport(), target, this)); });
  }
  ~BoundPods() {
    ph::testing::call_on(client_.thread(), [&] { scope_.cancel(); });
  }

  std::vector<Instant> times() const {
    const std::lock_guard lock(mutex_);
    return times_;
  }
  // Fails when for two minutes there is none.
  void await(std::size_t pods) const {
    std::size_t before = 0;
    Instant since = now();
    for (;;) {
      const std::size_t known = times().size();
      if (known >= pods) return;
      if (ended_) fail("the watch of pods has ended");
      if (known > before) since = now(), before = known;
      if (ms_since(since) > kPatienceMs) fail(fmt::format("{} of {} pods have nodes, and no more get one", known, pods));
      std::this_thread::sleep_for(20ms);
    }
  }

 private:
  static constexpr double kPatienceMs = 120'000;

  static Task<void> watch(Transport* transport, std::string target, BoundPods* out) {
    HttpRequest what = request("GET", std::move(target));
    what.headers.set("Accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");
    HttpResponse response = co_await transport->send(std::move(what), true);
    if (response.status != 200 || !response.stream) fail(fmt::format("the watch of pods is answered {}", response.status));
    std::string rest;
    while (const auto piece = co_await response.stream->next()) {
      rest += **piece;
      out->take(rest);
    }
    fail("the watch of pods has ended");
  }
  void take(std::string& text) {
    const Instant at = now();
    std::size_t begin = 0;
    for (std::size_t end; (end = text.find('\n', begin)) != text.npos; begin = end + 1) {
      if (!std::string_view(text).substr(begin).starts_with(R"({"type":"ADDED")")) continue;
      const std::lock_guard lock(mutex_);
      times_.push_back(at);
    }
    text.erase(0, begin);
  }

  Client client_;
  Scope scope_;
  mutable std::mutex mutex_;
  std::vector<Instant> times_;
  std::atomic<bool> ended_ = false;
};

}  // namespace ph::perf
