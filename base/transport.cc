#include "base/transport.h"

#include <algorithm>

#include "base/sync.h"

namespace ph {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) {
    return (x >= 'A' && x <= 'Z' ? x + 32 : x) == (y >= 'A' && y <= 'Z' ? y + 32 : y);
  });
}

// Calls across executors. A call lives on the server's executor; the client's end only holds a handle whose destruction
// posts the cancellation there.
class InProcess final : public Transport {
 public:
  InProcess(HttpHandler& handler, Executor& server, Identity identity)
      : handler_(handler), server_(server), identity_(std::move(identity)) {}

  Task<HttpResponse> send(HttpRequest request, bool stream) override {
    request.peer = Peer{.address = {}, .identity = identity_};
    Remote<HttpResponse> call(server_);
    HttpResponse response = co_await call.run(serve(handler_, server_, std::move(request)));
    if (response.render) {
      response.body = response.render();
      response.render = nullptr;
    }
    if (response.stream && !stream) {
      while (auto piece = co_await response.stream->next()) response.body.push_back(std::move(*piece));
      response.stream = nullptr;
    }
    co_return response;
  }

 private:
  // One task on another executor and the wait for it here.
  template <class T>
  class Remote {
   public:
    explicit Remote(Executor& there) : there_(there), running_(std::make_shared<std::unique_ptr<Scope>>()) {}
    ~Remote() {
      there_.post([running = running_] { running->reset(); });
    }
    Remote(const Remote&) = delete;
    Remote& operator=(const Remote&) = delete;

    Task<T> run(Task<T> task) {
      Completion<T> done;
      // The task moves to the server's executor and is destroyed there, started or not.
      there_.post([running = running_, there = &there_, done, task = std::move(task)]() mutable {
        *running = std::make_unique<Scope>(*there);
        (*running)->spawn(finish(std::move(task), done));
      });
      co_return co_await done.get();
    }

   private:
    static Task<void> finish(Task<T> task, Completion<T> done) {
      try {
        done.set(co_await task);
      } catch (...) {
        done.fail(std::current_exception());
      }
    }

    Executor& there_;
    std::shared_ptr<std::unique_ptr<Scope>> running_;
  };

  // A stream whose source lives on the server's executor: one piece travels at a time.
  class RemoteStream final : public BodyStream {
   public:
    RemoteStream(Executor& there, std::unique_ptr<BodyStream> source) : there_(there), source_(std::move(source)) {}
    ~RemoteStream() override {
      there_.post([source = std::move(source_)] {});
    }
    Task<std::optional<SharedBytes>> next() override {
      Remote<std::optional<SharedBytes>> call(there_);
      co_return co_await call.run(pull(source_));
    }

   private:
    // `next` of the source is called, and its task destroyed, where the source lives.
    static Task<std::optional<SharedBytes>> pull(std::shared_ptr<BodyStream> source) {
      co_return co_await source->next();
    }

    Executor& there_;
    std::shared_ptr<BodyStream> source_;
  };

  // Runs on the server's executor. The stream is wrapped there: whoever drops the response, on whichever thread, the
  // source is destroyed where it lives.
  static Task<HttpResponse> serve(HttpHandler& handler, Executor& there, HttpRequest request) {
    HttpResponse response = co_await handler.handle(std::move(request));
    if (response.stream) response.stream = std::make_unique<RemoteStream>(there, std::move(response.stream));
    co_return response;
  }

  HttpHandler& handler_;
  Executor& server_;
  Identity identity_;
};

}  // namespace

void Headers::set(std::string_view name, std::string value) {
  std::erase_if(fields_, [&](const auto& field) { return same_name(field.first, name); });
  fields_.emplace_back(std::string(name), std::move(value));
}

std::string_view Headers::get(std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (same_name(key, name)) return value;
  }
  return {};
}

bool Headers::has(std::string_view name) const {
  return std::ranges::any_of(fields_, [&](const auto& field) { return same_name(field.first, name); });
}

std::unique_ptr<Transport> in_process_transport(HttpHandler& handler, Executor& server, Identity identity) {
  return std::make_unique<InProcess>(handler, server, std::move(identity));
}

}  // namespace ph
